"""Three parts: nothing shared, nothing lost, the same bytes every time."""

import hashlib
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_hub.datasets import split as splitting
from models_hub.datasets.problems import Cancelled, Refused
from models_hub.datasets.repeats import normal_text
from models_hub.datasets.schema import ColumnMapping
from models_hub.datasets.split import shares, split_rows

LABELLED = ColumnMapping("labelled", {"text": "text", "label": "label"})
MESSAGES = ColumnMapping("messages", {"messages": "messages"})
WORDS = [
    "wheel",
    "chain",
    "saddle",
    "pump",
    "light",
    "brake",
    "pedal",
    "bell",
    "tyre",
    "frame",
    "fork",
    "spoke",
    "rim",
    "hub",
    "lock",
]


def write(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def labelled(number=300, labels=3):
    return [
        {
            "text": f"{WORDS[n % 15]} {WORDS[n // 15 % 15]} {WORDS[n // 225 % 15]} is late",
            "label": f"label {n % labels}",
        }
        for n in range(number)
    ]


def read(split):
    return {part.name: [json.loads(line) for line in part.path.read_text().splitlines()] for part in split.parts}


def test_every_row_is_in_exactly_one_part(tmp_path):
    rows = labelled()
    split = split_rows(write(tmp_path / "data.jsonl", rows), mapping=LABELLED, out=tmp_path / "parts")
    parts = read(split)
    assert sorted(row["text"] for part in parts.values() for row in part) == sorted(row["text"] for row in rows)
    assert {name: len(part) for name, part in parts.items()} == {"train": 231, "validation": 30, "test": 39}


def test_part_files_have_the_stated_size_and_digest(tmp_path):
    split = split_rows(write(tmp_path / "data.jsonl", labelled()), mapping=LABELLED, out=tmp_path / "parts")
    for part in split.parts:
        content = part.path.read_bytes()
        assert (len(content), content.count(b"\n")) == (part.bytes, part.rows)
        assert hashlib.sha256(content).hexdigest() == part.sha256


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path):
    path = write(tmp_path / "data.jsonl", labelled())
    digests = [
        split_rows(path, mapping=LABELLED, out=tmp_path / name, seed=seed).digest
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_rows_that_differ_only_in_case_blanks_punctuation_or_digits_stay_together(tmp_path):
    rows = []
    for n in range(200):
        words = f"{WORDS[n % 15]} {WORDS[n // 15 % 15]} broke"
        rows += [
            {"text": f"Order {1000 + n}: {words}", "label": f"label {n % 2}"},
            {"text": f"order {5000 + n}  {words.upper()}!", "label": f"label {n % 2}"},
        ]
    split = split_rows(write(tmp_path / "data.jsonl", rows), mapping=LABELLED, out=tmp_path / "parts")
    places = {}
    for name, part in read(split).items():
        for row in part:
            places.setdefault(normal_text(row["text"]), set()).add(name)
    assert all(len(names) == 1 for names in places.values())
    assert split.together == 400


def test_one_question_with_several_answers_stays_in_one_part(tmp_path):
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"What about {WORDS[n % 15]} {n // 30 * 'x'}?"},
                {"role": "assistant", "content": f"a {n}"},
            ]
        }
        for n in range(300)
    ]
    split = split_rows(write(tmp_path / "data.jsonl", rows), mapping=MESSAGES, out=tmp_path / "parts")
    places = {}
    for name, part in read(split).items():
        for row in part:
            places.setdefault(row["messages"][0]["content"], set()).add(name)
    assert all(len(names) == 1 for names in places.values())


def test_a_greeting_that_opens_every_conversation_does_not_glue_them_together(tmp_path):
    rows = [
        {
            "messages": [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "How can I help?"},
                {"role": "user", "content": f"{WORDS[n % 15]} and {WORDS[n // 15]}"},
                {"role": "assistant", "content": f"answer {n}"},
            ]
        }
        for n in range(150)
    ]
    split = split_rows(write(tmp_path / "data.jsonl", rows), mapping=MESSAGES, out=tmp_path / "parts")
    assert all(part.rows >= 15 for part in split.parts)


def test_word_for_word_repeats_are_written_once(tmp_path):
    rows = labelled(100) * 3
    split = split_rows(write(tmp_path / "data.jsonl", rows), mapping=LABELLED, out=tmp_path / "parts")
    assert (sum(part.rows for part in split.parts), split.repeats_left_out) == (100, 200)


def test_classes_are_spread_evenly_and_every_class_is_tested(tmp_path):
    rows = [{**row, "label": "rare" if n % 12 == 0 else "often"} for n, row in enumerate(labelled(480))]
    parts = read(split_rows(write(tmp_path / "data.jsonl", rows), mapping=LABELLED, out=tmp_path / "parts"))
    counts = {name: Counter(row["label"] for row in part) for name, part in parts.items()}
    assert counts["test"]["rare"] == pytest.approx(4, abs=1)
    assert counts["validation"]["rare"] >= 2


def test_a_label_with_one_or_two_texts_stays_in_training(tmp_path):
    rows = [*labelled(100, labels=2), {"text": "something quite different", "label": "once"}]
    parts = read(split_rows(write(tmp_path / "data.jsonl", rows), mapping=LABELLED, out=tmp_path / "parts"))
    assert [row["text"] for row in parts["train"] if row["label"] == "once"] == ["something quite different"]


def test_too_few_different_rows_are_refused_and_leave_nothing_behind(tmp_path):
    rows = [{"text": f"order {n}", "label": f"label {n % 2}"} for n in range(50)]
    with pytest.raises(Refused, match="cannot_split"):
        split_rows(write(tmp_path / "data.jsonl", rows), mapping=LABELLED, out=tmp_path / "parts")
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Cancelled()])
def test_a_failure_in_mid_write_leaves_nothing_behind(tmp_path, monkeypatch, error):
    path = write(tmp_path / "data.jsonl", labelled())
    calls = []

    def fail(example):
        calls.append(example)
        if len(calls) > 100:
            raise error
        return b"{}\n"

    monkeypatch.setattr(splitting, "canonical_line", fail)
    with pytest.raises(type(error)):
        split_rows(path, mapping=LABELLED, out=tmp_path / "parts")
    assert [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]


def test_a_folder_left_by_a_killed_worker_is_no_obstacle(tmp_path):
    (tmp_path / "parts.unfinished").mkdir()
    (tmp_path / "parts.unfinished" / "train.jsonl").write_text("half")
    split = split_rows(write(tmp_path / "data.jsonl", labelled()), mapping=LABELLED, out=tmp_path / "parts")
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == [
        "test.jsonl",
        "train.jsonl",
        "validation.jsonl",
    ]
    assert split.parts[0].rows == 231


def test_bad_rows_are_left_out(tmp_path):
    path = write(tmp_path / "data.jsonl", [*labelled(), {"text": "", "label": "x"}, {"text": 5}])
    split = split_rows(path, mapping=LABELLED, out=tmp_path / "parts")
    assert sum(part.rows for part in split.parts) == 300


def test_large_sets_are_parted_by_hash_in_the_right_shares(tmp_path, monkeypatch):
    monkeypatch.setattr(splitting, "COUNTED", 500)
    split = split_rows(write(tmp_path / "data.jsonl", labelled(3000)), mapping=LABELLED, out=tmp_path / "parts")
    rows = {part.name: part.rows for part in split.parts}
    assert rows["test"] == pytest.approx(300, rel=0.3)
    assert rows["validation"] == pytest.approx(300, rel=0.3)


@pytest.mark.parametrize(
    ("rows", "validation", "test"), [(20, 3, 4), (100, 15, 20), (400, 40, 40), (1_000_000, 1000, 2000)]
)
def test_shares_are_a_tenth_more_when_small_bounded_when_large(rows, validation, test):
    assert shares(rows) == (validation, test)


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(
        st.tuples(st.text(alphabet="abc XY1.", min_size=1, max_size=6), st.sampled_from("pq")), min_size=3, max_size=80
    )
)
def test_no_text_is_ever_in_two_parts(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("split")
    path = write(folder / "data.jsonl", [{"text": text, "label": label} for text, label in rows])
    try:
        parts = read(split_rows(path, mapping=LABELLED, out=folder / "parts"))
    except Refused:
        return
    seen = [{normal_text(row["text"]) for row in part} for part in parts.values()]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    assert all(seen)
