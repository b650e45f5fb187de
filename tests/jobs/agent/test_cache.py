"""The cache of base models: fetched whole or not at all, kept by revision, never dropped while a job needs it."""

import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jobs.agent.cache import Cache, ModelMissing, ModelWaits
from jobs.agent.cache_options import CacheOptions
from jobs.agent.config import ConfigError, read_config
from jobs.agent.files import sha256_of
from jobs.agent.mirror import Mirror, MirrorAway
from jobs.agent.models import stored_models, tokenizer_of
from models_hub.training.index import write_index
from models_hub.training.store import Store, seal
from tests.jobs.agent.workshop import ROOT, Workshop, eventually

WEIGHTS = 300_000


def make_model(place: Path, model: str, revision: str, size: int = WEIGHTS) -> None:
    """A small sealed model in a source; several revisions lie side by side, the index is written anew."""
    folder = place / (model if not (place / model).exists() else f"{model}@{revision}")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": ["BertModel"]}))
    (folder / "tokenizer.json").write_text(json.dumps({"revision": revision}))
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes((revision.encode() * size)[:size])
    seal(folder, model_id=model, repo=None, revision=revision)
    write_index(place)


class Source(http.server.ThreadingHTTPServer):
    """A plain web server over a folder, with ranges; it can break off, and ask for a token."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder, self.asked, self.break_after, self.pause, self.token, self.ranges = folder, [], None, 0.0, "", True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        source, path = self.server, self.server.folder / self.path.lstrip("/").replace("%40", "@")
        source.asked.append((self.path, self.headers.get("Range")))
        if source.token and self.headers.get("Authorization") != f"Bearer {source.token}":
            return self.send_error(401)
        if not path.is_file():
            return self.send_error(404)
        content = path.read_bytes()
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if source.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        large = path.suffix == ".safetensors"
        for offset in range(start, len(content), 20_000):
            if large and source.break_after is not None and offset - start >= source.break_after:
                return self.connection.close()
            self.wfile.write(content[offset : offset + 20_000])
            time.sleep(source.pause if large else 0)
        return None

    def log_message(self, *words):
        pass


@pytest.fixture
def source(tmp_path):
    make_model(tmp_path / "source", "tiny", "r1")
    server = Source(tmp_path / "source")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def needed():
    return {}


@pytest.fixture
def cache(tmp_path, source, needed):
    return make_cache(tmp_path / "store", source.address, needed)


def make_cache(store, place, needed=None, **options):
    cache = Cache(store, CacheOptions(source=str(place), **options), lambda: dict(needed or {}))
    cache.sweep()
    return cache


def want(cache, model="tiny", revision="r1", key="ft-1-1"):
    cache.ensure(key, model, revision, go_on=lambda: True)


def is_whole(cache, model="tiny"):
    """By the training runtime's own eyes."""
    store = Store(cache.store)
    return store.problems(store.read(model)) == []


def listed(cache):
    cache._asked_at = 0.0
    return [(row["id"], row["revision"], row.get("cached", True)) for row in cache.models()]


@pytest.mark.parametrize("kind", ["http", "folder"])
def test_a_model_is_fetched_when_a_job_needs_it_and_sealed_as_its_source_has_it(tmp_path, source, kind):
    cache = make_cache(tmp_path / "store", source.address if kind == "http" else source.folder)
    assert listed(cache) == [("tiny", "r1", False)] and stored_models(cache.store) == []
    want(cache)
    assert is_whole(cache) and listed(cache) == [("tiny", "r1", True)]
    seal_here, seal_there = cache.store / "tiny" / "store.json", source.folder / "tiny" / "store.json"
    assert seal_here.read_bytes() == seal_there.read_bytes()


def test_what_is_there_is_not_fetched_again(cache, source):
    want(cache)
    before = len(source.asked)
    want(cache)
    want(cache, revision=None)
    assert len(source.asked) == before


def test_a_broken_transfer_goes_on_where_it_was(cache, source):
    source.break_after = 100_000
    for _attempt in range(2):
        with pytest.raises(MirrorAway):
            want(cache)
    assert not (cache.store / "tiny").exists()
    source.break_after = None
    want(cache)
    ranges = [span for path, span in source.asked if path.endswith("model.safetensors")]
    assert ranges == [None, "bytes=100000-", "bytes=200000-"]
    assert is_whole(cache)


def test_a_server_without_ranges_begins_anew(cache, source):
    source.break_after, source.ranges = 100_000, False
    with pytest.raises(MirrorAway):
        want(cache)
    source.break_after = None
    want(cache)
    assert is_whole(cache)


def test_an_agent_killed_while_it_fetches_goes_on_and_ends_with_a_whole_model(tmp_path, source):
    source.pause = 0.05
    script = (
        "import sys; from pathlib import Path; from jobs.agent.cache import Cache;"
        "from jobs.agent.cache_options import CacheOptions;"
        "Cache(Path(sys.argv[1]), CacheOptions(source=sys.argv[2]), dict)"
        ".ensure('k', 'tiny', 'r1', go_on=lambda: True)"
    )
    store = tmp_path / "store"
    child = subprocess.Popen([sys.executable, "-c", script, str(store), source.address], cwd=ROOT)
    eventually(lambda: any(part.stat().st_size for part in store.rglob(".model.safetensors.part")), seconds=30)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert stored_models(store) == []
    source.pause = 0.0
    cache = make_cache(store, source.address)
    want(cache)
    assert is_whole(cache) and not list(store.rglob("*.part"))


def test_a_digest_that_is_wrong_is_tried_once_more_and_then_refused(cache, source):
    weights = source.folder / "tiny" / "model.safetensors"
    weights.write_bytes(b"x" * WEIGHTS)
    with pytest.raises(ModelMissing, match="damaged"):
        want(cache)
    assert len([path for path, _span in source.asked if path.endswith("safetensors")]) == 2
    assert not (cache.store / "tiny").exists() and not list(cache._place("fetch").glob("*"))


def test_a_file_that_grew_at_its_source_stops_at_the_size_in_the_index(cache, source):
    with (source.folder / "tiny" / "model.safetensors").open("ab") as file:
        file.write(b"x" * 10_000_000)
    with pytest.raises(ModelMissing, match="damaged"):
        want(cache)


def test_a_seal_that_is_not_the_indexs_is_refused(cache, source):
    path = source.folder / "tiny" / "store.json"
    path.write_text(path.read_text().replace('"kind"', '"kind" '))
    with pytest.raises(ModelMissing):
        want(cache)


@pytest.mark.parametrize("name", ["../../escape", "/etc/passwd", "a/../b", "", ".hidden", "a//b"])
def test_a_path_that_leads_out_of_the_model_is_refused(cache, source, name):
    path = source.folder / "tiny" / "store.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "files": {**facts["files"], name: "0" * 64}}))
    write_index_only(source.folder, path)
    with pytest.raises(ModelMissing):
        want(cache)


def write_index_only(folder, seal_file):
    index = json.loads((folder / "index.json").read_text())
    index["models"][0]["seal"] = hashlib.sha256(seal_file.read_bytes()).hexdigest()
    (folder / "index.json").write_text(json.dumps(index))


def test_the_longest_unused_makes_room(tmp_path, source):
    for name in ("two", "three"):
        make_model(source.folder, name, "r1")
    cache = make_cache(tmp_path / "store", source.address, limit_gb=2.5 * WEIGHTS / 1e9)
    want(cache, "tiny")
    want(cache, "two")
    want(cache, "tiny")
    want(cache, "three")
    assert [row["id"] for row in stored_models(cache.store)] == ["three", "tiny"]
    assert ("two", "r1", False) in listed(cache)
    assert sum(entry["bytes"] for entry in cache.entries().values()) <= cache.options.limit


def test_what_a_held_job_needs_or_the_operator_pinned_is_never_dropped(tmp_path, source, needed):
    for name in ("two", "three"):
        make_model(source.folder, name, "r1")
    cache = make_cache(tmp_path / "store", source.address, needed, limit_gb=2.5 * WEIGHTS / 1e9, pinned=("two",))
    cache.needed = lambda: dict(needed)
    want(cache, "tiny")
    want(cache, "two")
    needed["ft-1-1"] = ("tiny", "r1")
    with pytest.raises(ModelWaits, match="no room"):
        want(cache, "three", key="ft-2-1")
    needed.clear()
    want(cache, "three", key="ft-2-1")
    assert [row["id"] for row in stored_models(cache.store)] == ["three", "two"]


def test_a_folder_the_operator_put_in_is_neither_dropped_nor_replaced(tmp_path, source):
    make_model(tmp_path / "store", "tiny", "own")
    make_model(source.folder, "two", "r1")
    cache = make_cache(tmp_path / "store", source.address, limit_gb=1.5 * WEIGHTS / 1e9)
    with pytest.raises(ModelMissing, match="in revision own, the job asks for r1"):
        want(cache)
    want(cache, "two")
    assert {row["id"]: row["revision"] for row in stored_models(cache.store)} == {"tiny": "own", "two": "r1"}
    assert ("tiny", "own", True) in listed(cache)


def test_a_model_that_nobody_offers_and_one_that_is_too_large_say_what_to_do_next(tmp_path, source):
    cache = make_cache(tmp_path / "store", source.address, limit_gb=0.5 * WEIGHTS / 1e9)
    for model, revision in (("other", None), ("tiny", "r9"), ("tiny", "../r1"), ("tiny", "*")):
        with pytest.raises(ModelMissing, match="does not hold the base model") as missing:
            want(cache, model, revision)
        assert missing.value.next_step.startswith("Choose another site or model")
    with pytest.raises(ModelMissing, match="larger than this site keeps"):
        want(cache)


def test_two_revisions_take_turns_and_the_second_time_nothing_is_fetched(cache, source, needed):
    make_model(source.folder, "tiny", "r2")
    want(cache, revision="r1")
    needed["ft-1-1"] = ("tiny", "r1")
    cache.needed = lambda: dict(needed)
    cache._asked_at = 0.0
    with pytest.raises(ModelWaits, match="still needs tiny in revision r1"):
        want(cache, revision="r2", key="ft-2-1")
    needed.clear()
    want(cache, revision="r2", key="ft-2-1")
    assert is_whole(cache) and stored_models(cache.store) == [{"id": "tiny", "revision": "r2"}]
    before = len(source.asked)
    want(cache, revision="r1")
    assert len(source.asked) == before and is_whole(cache)


def test_a_kill_between_two_renames_is_mended_by_the_next_job(cache, source):
    want(cache)
    (cache.store / "tiny").rename(cache._ready("tiny@r1"))
    make_cache(cache.store, source.address)
    want(cache)
    assert is_whole(cache)


def test_while_the_source_is_away_what_it_had_is_still_offered(cache, source):
    assert listed(cache) == [("tiny", "r1", False)]
    source.shutdown()
    source.server_close()
    assert listed(cache) == [("tiny", "r1", False)]
    with pytest.raises(MirrorAway):
        want(cache)


def test_the_tokenizer_is_there_before_the_weights_are(cache, source):
    text, _config = tokenizer_of(cache.tokenizer_folder("tiny"), "tiny")
    assert json.loads(text) == {"revision": "r1"}
    assert not any(path.endswith("safetensors") for path, _span in source.asked)
    want(cache)
    assert is_whole(cache) and cache.tokenizer_folder("tiny") == cache.store


def test_a_source_may_ask_for_a_token(tmp_path, source):
    source.token = "secret"
    (tmp_path / "token").write_text("secret\n")
    with pytest.raises(MirrorAway, match="401"):
        Mirror(place=source.address).offers()
    cache = make_cache(tmp_path / "store", source.address, token_file=str(tmp_path / "token"))
    want(cache)
    assert is_whole(cache)


def test_a_fetch_ends_when_the_agent_does(cache, source):
    source.pause = 0.05
    with pytest.raises(MirrorAway, match="stopping"):
        cache.ensure("k", "tiny", "r1", go_on=lambda: False)


def test_the_configuration_names_what_is_wrong_in_it(tmp_path):
    shop = Workshop(tmp_path / "site", url="http://localhost:1")
    plain = shop.file.read_text()
    for line, words in (
        ('sauce = "x"', "cache.sauce is not known"),
        ("limit_gb = true", "cache.limit_gb is a number"),
        ('pinned = "x"', "cache.pinned is a list"),
        ("source = 1", "cache.source is a text"),
        ('source = "http://far.example"\ntoken_file = "x"', "https:// only"),
    ):
        shop.file.write_text(f"{plain}\n[cache]\n{line}\n")
        with pytest.raises(ConfigError, match=words):
            read_config(shop.file)


def test_digests_are_those_of_the_training_runtimes_store(cache):
    want(cache)
    model = Store(cache.store).read("tiny")
    assert model.files["model.safetensors"] == sha256_of(cache.store / "tiny" / "model.safetensors")
