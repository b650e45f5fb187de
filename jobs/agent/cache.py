"""The site's cache of base models: fetched when a job needs them, kept by revision, the longest unused dropped first.

    <store>/<id>/                       what trainings read: one revision of each model, sealed
    <store>/.cache/entries/ID@REV.json  what is the cache's own: size and last use. Other folders are the operator's
    <store>/.cache/ready/ID@REV/        further revisions, whole and checked
    <store>/.cache/fetch/ID@REV/        on its way; goes on after a kill where it was
    <store>/.cache/index.json           what the source offered when it was last asked

A model takes its place by one rename, after every file was held against its digest. Nothing is dropped or replaced that
a job needs which the agent holds. A kill between two renames leaves a model in `ready`, from where it is taken again.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jobs.agent.cache_options import CacheOptions
from jobs.agent.files import read_json, sha256_of, write_atomically, write_json
from jobs.agent.mirror import Mirror, MirrorAway, MirrorWrong, Offer
from jobs.agent.models import SEAL, stored_models
from models_hub.specs.fields import SAFE_NAME

logger = logging.getLogger(__name__)

ASK_AGAIN, ASK_AFTER_TROUBLE = 600.0, 60.0
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
Need = tuple[str, str | None]


class ModelMissing(Exception):
    """This site cannot provide the model; the text says what the company reads, `next_step` what helps."""

    def __init__(self, sentence: str, next_step: str) -> None:
        super().__init__(sentence)
        self.sentence, self.next_step = sentence, next_step


class ModelWaits(Exception):
    """Not now: other jobs need the room, or another revision of the same model."""


@dataclass
class Cache:
    """`needed` tells which models the jobs need that the agent holds: {key: (id, revision or None for any)}."""

    store: Path
    options: CacheOptions
    needed: Callable[[], dict[str, Need]]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _asked_at: float = -1e9

    @property
    def on(self) -> bool:
        return bool(self.options.source)

    def sweep(self) -> None:
        """At the start: what a kill has left of things that were being dropped."""
        shutil.rmtree(self._place("trash"), ignore_errors=True)
        here = self.entries()
        for path in self._place("entries").glob("*.json"):
            if path.name.removesuffix(".json") not in here:
                path.unlink(missing_ok=True)

    def _mirror(self) -> Mirror:
        return Mirror(place=self.options.source, token=self.options.token, ca_file=self.options.ca_file)

    # ---- what there is -------------------------------------------------------------------------------------------

    def models(self) -> list[dict[str, Any]]:
        """What the portal may offer: sealed here, or to be fetched when a job wants it (`cached` false)."""
        here = {row["id"]: row for row in stored_models(self.store)}
        found: dict[str, dict[str, Any]] = dict(here)
        for offer in reversed(self.offers()):  # the first of an id is the newest
            own = here.get(offer.id)
            if own is None or self._owns(offer.id, own["revision"]):
                cached = own is not None and own["revision"] == offer.revision
                found[offer.id] = {"id": offer.id, "revision": offer.revision, **({} if cached else {"cached": False})}
        return [found[name] for name in sorted(found)]

    def offers(self) -> list[Offer]:
        """What the source has, asked for every ten minutes; while it is away, what it had."""
        if not self.on:
            return []
        kept = self._place("index.json")
        if time.monotonic() >= self._asked_at:
            self._asked_at = time.monotonic() + ASK_AGAIN
            try:
                offers = self._mirror().offers()
                kept.parent.mkdir(parents=True, exist_ok=True)
                if [asdict(offer) for offer in offers] != read_json(kept):
                    write_json(kept, [asdict(offer) for offer in offers])
            except (MirrorAway, MirrorWrong, OSError) as trouble:
                self._asked_at = time.monotonic() + ASK_AFTER_TROUBLE
                logger.warning("The source of base models: %s", trouble)
        return [Offer(**row) for row in read_json(kept) or []]

    def tokenizer_folder(self, slug: str) -> Path:
        """A folder that holds the model's tokenizer: the store's, else as much of the model as that takes."""
        offer = next((one for one in self.offers() if one.id == slug), None)
        here = self._revision_here(slug)
        if here is not None and (offer is None or here == offer.revision or not self._owns(slug, here)):
            return self.store
        if offer is None:
            return self.store
        if not self._ready(offer.name).is_dir():
            mirror = self._mirror()
            _seal, files = mirror.files_of(offer)
            with self._lock:
                for path in files.keys() & set(TOKENIZER):
                    self._fetch_file(mirror, offer, path, files[path], lambda: True)
        parent = self._place("tokenizers") / offer.revision
        parent.mkdir(parents=True, exist_ok=True)
        source = self._ready(offer.name) if self._ready(offer.name).is_dir() else self._fetching(offer.name)
        (parent / slug).mkdir(exist_ok=True)
        for name in TOKENIZER:
            if (source / name).is_file():
                shutil.copyfile(source / name, parent / slug / name)
        return parent

    # ---- for a job -----------------------------------------------------------------------------------------------

    def ensure(self, key: str, model: str, revision: str | None, *, go_on: Callable[[], bool]) -> None:
        """The model stands in the store when this returns.

        Raises ModelMissing (never), ModelWaits and MirrorAway (later), OSError (the disk).
        """
        if not self.on or self._stands(model, revision):
            return
        with self._lock:
            if self._stands(model, revision):
                return
            here = self._revision_here(model)
            if here is not None and not self._owns(model, here):
                raise ModelMissing(
                    f"The site holds {model} in revision {here}, the job asks for {revision}.",
                    "Start the job again with the revision the site holds, or choose another site.",
                )
            name = self._find(model, revision, go_on)
            self._put_in_place(key, model, name)

    def _stands(self, model: str, revision: str | None) -> bool:
        here = self._revision_here(model)
        if here is None or revision not in (None, here):
            return False
        if self._owns(model, here):
            self._use(f"{model}@{here}")
        return True

    def _find(self, model: str, revision: str | None, go_on: Callable[[], bool]) -> str:
        """The name of a ready entry; fetches it when there is none."""
        plain = all(SAFE_NAME.match(name) for name in (model, revision or "any"))
        ready = sorted(self._place("ready").glob(f"{model}@{revision or '*'}")) if plain else []
        if ready:
            return ready[0].name
        self._asked_at = min(self._asked_at, time.monotonic() + ASK_AGAIN - ASK_AFTER_TROUBLE)
        offer = next((o for o in self.offers() if o.id == model and revision in (None, o.revision)), None)
        if offer is None:
            wanted = f" in revision {revision}" if revision else ""
            raise ModelMissing(
                f"The site does not hold the base model {model}{wanted}, and its source does not offer it.",
                "Choose another site or model, or ask the site to add the model to its store.",
            )
        self._make_room(offer)
        self._fetch(offer, go_on)
        return offer.name

    def _put_in_place(self, key: str, model: str, name: str) -> None:
        here = self._revision_here(model)
        if here is not None:
            others = {need[1] for holder, need in self.needed().items() if holder != key and need[0] == model}
            if here in others:
                raise ModelWaits(f"Another job still needs {model} in revision {here}.")
            self._place("ready").mkdir(parents=True, exist_ok=True)
            (self.store / model).rename(self._ready(f"{model}@{here}"))
        self._use(name)
        self._ready(name).rename(self.store / model)
        logger.info("The base model %s stands in the store.", name)

    # ---- fetching ------------------------------------------------------------------------------------------------

    def _fetch(self, offer: Offer, go_on: Callable[[], bool]) -> None:
        mirror = self._mirror()
        folder = self._fetching(offer.name)
        try:
            seal, files = mirror.files_of(offer)
            for path in sorted(files):
                self._fetch_file(mirror, offer, path, files[path], go_on)
        except MirrorWrong as trouble:
            # What is wrong at its source cannot be mended here: nothing of it is kept.
            shutil.rmtree(folder, ignore_errors=True)
            raise ModelMissing(
                f"The base model {offer.id} that the site's source offers is damaged.",
                "Choose another site or model; the site's operator has been told.",
            ) from trouble
        for stray in [path for path in folder.rglob("*") if path.is_file()]:
            if stray.relative_to(folder).as_posix() not in files:
                stray.unlink()
        write_atomically(folder / SEAL, seal, mode=0o644)
        for one in [folder, *folder.rglob("*")]:
            one.chmod(0o755 if one.is_dir() else 0o644)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        self._enter(offer.name, bytes=size)
        self._place("ready").mkdir(parents=True, exist_ok=True)
        folder.rename(self._ready(offer.name))
        logger.info("The base model %s has been fetched: %.1f MB.", offer.name, size / 1e6)

    def _fetch_file(self, mirror: Mirror, offer: Offer, path: str, sha256: str, go_on: Callable[[], bool]) -> None:
        """One file under its name once its digest is right. What a kill has left is gone on with; then once anew."""
        target = self._fetching(offer.name) / path
        if target.is_file():
            return  # it got its name when it was right
        part = target.with_name(f".{target.name}.part")
        for _attempt in range(2):
            mirror.fetch(offer, path, part, most=offer.bytes, go_on=go_on)
            if sha256_of(part) == sha256:
                part.replace(target)
                return
            part.unlink()
        raise MirrorWrong(f"{path} of {offer.name} does not have the digest in its seal.")

    # ---- room ----------------------------------------------------------------------------------------------------

    def _make_room(self, offer: Offer) -> None:
        """Drops what was unused for longest until the new one fits; raises where it never will, or not now."""
        limit = self.options.limit
        if not limit:
            return
        if offer.bytes > limit:
            raise ModelMissing(
                f"The base model {offer.id} is larger than this site keeps.",
                "Choose a smaller model or another site.",
            )
        entries = self.entries()
        needed = [*self.needed().values(), *((name.partition("@")[0], None) for name in self._pinned(entries))]
        free = limit - sum(entry["bytes"] for entry in entries.values())
        for name in sorted(entries, key=lambda one: entries[one]["used_at"]):
            if free >= offer.bytes:
                return
            if not self._is_needed(name, needed):
                self.drop(name)
                free += entries[name]["bytes"]
        if free < offer.bytes:
            raise ModelWaits(f"There is no room for {offer.name} until other jobs have ended.")

    def _pinned(self, entries: Iterable[str]) -> list[str]:
        return [name for name in entries if {name, name.partition("@")[0]} & set(self.options.pinned)]

    def _is_needed(self, name: str, needed: list[Need]) -> bool:
        model, _, revision = name.partition("@")
        return any(one == model and wanted in (None, revision) for one, wanted in needed)

    def drop(self, name: str) -> None:
        """Takes the model out of the store in one step, then removes its files."""
        model, _, revision = name.partition("@")
        trash = self._place("trash") / name
        shutil.rmtree(trash, ignore_errors=True)
        trash.parent.mkdir(parents=True, exist_ok=True)
        standing = self._revision_here(model) == revision
        for path in (self.store / model if standing else self._ready(name),):
            if path.is_dir():
                path.rename(trash)
        self._entry(name).unlink(missing_ok=True)
        shutil.rmtree(trash, ignore_errors=True)
        logger.info("The base model %s has been dropped: it was unused for longest.", name)

    # ---- what is written down ------------------------------------------------------------------------------------

    def entries(self) -> dict[str, dict[str, Any]]:
        """The cache's own models by `ID@REVISION`, as long as they are there."""
        found = {}
        for path in self._place("entries").glob("*.json"):
            name, entry = path.name.removesuffix(".json"), read_json(path)
            model, _, revision = name.partition("@")
            there = self._ready(name).is_dir() or self._revision_here(model) == revision
            if there and isinstance(entry, dict):
                found[name] = entry
        return found

    def _owns(self, model: str, revision: str) -> bool:
        return self._entry(f"{model}@{revision}").is_file()

    def _use(self, name: str) -> None:
        entry = read_json(self._entry(name)) or {}
        self._enter(name, bytes=int(entry.get("bytes", 0)))

    def _enter(self, name: str, *, bytes: int) -> None:  # the word of the index
        self._entry(name).parent.mkdir(parents=True, exist_ok=True)
        write_json(self._entry(name), {"bytes": bytes, "used_at": time.time()})

    def _revision_here(self, model: str) -> str | None:
        seal = read_json(self.store / model / SEAL) if SAFE_NAME.match(model) else None
        return str(seal.get("revision") or "") if isinstance(seal, dict) and seal.get("id") == model else None

    def _place(self, name: str) -> Path:
        return self.store / ".cache" / name

    def _entry(self, name: str) -> Path:
        return self._place("entries") / f"{name}.json"

    def _ready(self, name: str) -> Path:
        return self._place("ready") / name

    def _fetching(self, name: str) -> Path:
        return self._place("fetch") / name
