"""Rows that come back, found in constant memory: one number a row."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable
from hashlib import blake2b
from itertools import repeat
from operator import rshift

BUCKETS = 64


class Repeats:
    """Collects one key a row; afterwards tells how many rows repeat an earlier one.

    Keys are cut to 60 bits, which is the largest number that Python holds in 32 bytes: two million of them take 130 MB
    with their table. The chance that two different rows among them share a key is one in half a million. Beyond `most`
    keys nothing more is collected, so memory has a bound.
    """

    def __init__(self, *, most: int = 2_000_000) -> None:
        self._seen: set[int] = set()
        self._most = most
        self._added = 0

    def add_many(self, keys: Iterable[int], count: int) -> None:
        if self._added < self._most:
            self._seen.update(map(rshift, keys, repeat(4)))
            self._added += count

    def add_collected(self, keys: bytes) -> None:
        """Keys that a `Collected` of another process put together."""
        if self._added < self._most:
            collected = array("q", keys)
            self._seen.update(collected)
            self._added += len(collected)

    def count(self) -> int:
        return self._added - len(self._seen)


class Collected(Repeats):
    """Only puts keys together, for another process to compare: half the work and a quarter of the memory."""

    def __init__(self, *, most: int = 2_000_000) -> None:
        super().__init__(most=most)
        self._keys = array("q")

    def add_many(self, keys: Iterable[int], count: int) -> None:
        if len(self._keys) < self._most:
            self._keys.extend(map(rshift, keys, repeat(4)))

    def as_bytes(self) -> bytes:
        return self._keys.tobytes()


def later_places(keys: array[int]) -> bytearray:
    """For keys in row order: one byte a row, 1 where an earlier row has the same key. Needs a few MB beyond that."""
    repeated = bytearray(len(keys))
    buckets: list[array[int]] = [array("I") for _ in range(BUCKETS)]
    for place, key in enumerate(keys):
        buckets[key & 63].append(place)
    for places in buckets:
        seen: set[int] = set()
        for place in places:
            key = keys[place]
            if key in seen:
                repeated[place] = 1
            seen.add(key)
    return repeated


_DROPPED = bytes(range(33)) + b".,;:!?\"'`()[]{}<>-_/\\|*#+=~^"
_SAME_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_ODD_SIGNS = re.compile("[\u00a0´’‘“”„«»–—…¿¡]+")


def normal_text(text: str) -> bytes:
    """What two near repeats have in common: letters in one case, every digit a zero, no blanks or punctuation.

    "Order 1234 is late!" and "order 9876 is late" are the same to a model that is to be tested honestly.
    """
    if text.isascii():
        return text.lower().encode().translate(_SAME_DIGIT, _DROPPED)
    folded = unicodedata.normalize("NFKC", _ODD_SIGNS.sub("", text)).casefold()
    return folded.encode(errors="surrogatepass").translate(_SAME_DIGIT, _DROPPED)


def stable_key(data: bytes, *, salt: bytes = b"") -> int:
    """A signed 64-bit key that is the same in every process and on every machine."""
    return int.from_bytes(blake2b(data, digest_size=8, salt=salt).digest(), "big", signed=True)
