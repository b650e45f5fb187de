"""A hint, not a verdict: rows that seem to hold e-mail addresses, telephone or bank account numbers.

What is found is counted and shown masked; the numbers themselves are never stored in a report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+")
# international, or national with a leading zero and at least one separator: order numbers must not match
# (each pattern begins with a letter class, where the engine is fast, and looks behind afterwards)
PHONE = re.compile(r"[+0](?<![\w.][+0])(?:(?<=\+)\d|0\d|\d{1,4}[ /-]\d)[\d ()/.-]{4,18}\d(?!\w)")
IBAN = re.compile(r"[A-Z]{2}\d{2}(?<!\w[A-Z]{2}\d{2})(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
PATTERNS = (("email", EMAIL), ("phone", PHONE), ("iban", IBAN))
KEEP = 3


@dataclass(slots=True)
class PersonalData:
    checked: int = 0
    rows: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"email": 0, "phone": 0, "iban": 0})
    examples: list[dict[str, Any]] = field(default_factory=list)

    def look(self, line: Callable[[], int], texts: Iterable[str]) -> None:
        self.checked += 1
        found = {kind: match for text in texts for kind, match in find(text)}
        if not found:
            return
        self.rows += 1
        for kind, match in found.items():
            self.counts[kind] += 1
            if sum(example["kind"] == kind for example in self.examples) < KEEP:
                self.examples.append({"kind": kind, "line": line(), "masked": mask(match)})

    def add(self, found: Mapping[str, Any]) -> None:
        """What was found in later lines."""
        self.checked += found["checked"]
        self.rows += found["rows"]
        for kind, count in found["counts"].items():
            self.counts[kind] += count
        for example in found["examples"]:
            if sum(known["kind"] == example["kind"] for known in self.examples) < KEEP:
                self.examples.append(example)

    def as_dict(self) -> dict[str, Any]:
        return {"checked": self.checked, "rows": self.rows, "counts": self.counts, "examples": self.examples}


def find(text: str) -> Iterable[tuple[str, str]]:
    if "@" in text and (match := EMAIL.search(text)):
        yield "email", match.group()
    iban = next((found for found in IBAN.finditer(text) if is_iban(found.group())), None)
    if iban:
        yield "iban", iban.group()
    phone = next((found for found in PHONE.finditer(text) if 8 <= sum(map(str.isdigit, found.group())) <= 15), None)
    if phone and not (iban and phone.start() >= iban.start() and phone.end() <= iban.end()):
        yield "phone", phone.group()


def is_iban(text: str) -> bool:
    """ISO 13616: the rearranged number is 1 modulo 97."""
    compact = text.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    digits = "".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])
    return int(digits) % 97 == 1


def mask(text: str) -> str:
    """The first letter, the domain's end or the last two digits; stars for the rest."""
    if "@" in text:
        name, _, domain = text.partition("@")
        return f"{name[0]}***@***.{domain.rpartition('.')[2]}"
    return f"{text[:3]}*****{text[-2:]}"
