"""What rows mean: formats, mappings, faults, notes, counts; both ways through a file agree."""

import csv
import json
from dataclasses import replace

import pytest

from models_hub.datasets import fast, problems
from models_hub.datasets.check import check
from models_hub.datasets.limits import Limits
from models_hub.datasets.personal import find, is_iban, mask
from models_hub.datasets.rejected import harmless
from models_hub.datasets.report import Report
from models_hub.datasets.schema import ColumnMapping
from models_hub.datasets.tokens import EstimatedTokenizer
from models_hub.wording import Text

LABELS = ("billing", "delivery", "repair")


def write(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def talk(*said, system=None):
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)]
    return {"messages": ([{"role": "system", "content": system}] if system else []) + messages}


def talks(number=30):
    return [talk(f"What does part {n} cost?", f"Part {n} costs {n} euro.", system="You help.") for n in range(number)]


def labelled(number=30):
    return [{"text": f"message number {n}", "label": LABELS[n % 3]} for n in range(number)]


FORMATS = {
    "messages": (lambda n: talk(f"question {n}", f"answer {n}"), "messages"),
    "sharegpt": (
        lambda n: {"conversations": [{"from": "human", "value": f"q {n}"}, {"from": "gpt", "value": f"a {n}"}]},
        "messages",
    ),
    "prompt": (lambda n: {"prompt": f"question {n}", "completion": f"answer {n}"}, "pairs"),
    "question": (lambda n: {"id": n, "Question": f"question {n}", "Answer": f"answer {n}"}, "pairs"),
    "alpaca": (
        lambda n: {"instruction": f"do {n}", "input": f"with {n}" if n % 2 else "", "output": f"done {n}"},
        "pairs",
    ),
    "german": (lambda n: {"Frage": f"Frage {n}", "Antwort": f"Antwort {n}"}, "pairs"),
    "greek": (lambda n: {"ερώτηση": f"q {n}", "απάντηση": f"a {n}"}, "pairs"),
    "text": (lambda n: {"text": f"message {n}", "label": LABELS[n % 3]}, "labelled"),
    "polish": (lambda n: {"treść": f"wiadomość {n}", "kategoria": LABELS[n % 3]}, "labelled"),
    "numbers as labels": (lambda n: {"review": f"message {n}", "sentiment": n % 2}, "labelled"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_common_formats_are_recognised_by_their_column_names(tmp_path, name):
    make, layout = FORMATS[name]
    report = check(write(tmp_path / "data.jsonl", [make(n) for n in range(40)]))
    assert (report.verdict, report.mapping["layout"], report.rows["usable"]) == ("ready", layout, 40)


def test_an_instruction_and_its_input_become_one_question(tmp_path):
    rows = [{"instruction": f"Translate {n}", "input": "Haus", "output": "house"} for n in range(12)]
    report = check(write(tmp_path / "data.jsonl", rows))
    assert report.preview[0]["messages"][0]["content"] == "Translate 0\n\nHaus"


def test_columns_that_say_nothing_ask_for_a_mapping_and_show_themselves(tmp_path):
    rows = [{"a": f"first {n}", "b": f"second {n}"} for n in range(30)]
    path = write(tmp_path / "data.jsonl", rows)
    report = check(path, kind="chat")
    assert (report.verdict, report.code) == ("needs_mapping", "needs_mapping")
    assert [column["name"] for column in report.columns] == ["a", "b"]
    mapped = check(path, mapping=ColumnMapping("pairs", {"prompt": "a", "completion": "b"}))
    assert (mapped.verdict, mapped.kind, mapped.rows["usable"]) == ("ready", "chat", 30)


def test_a_kind_that_does_not_fit_the_columns_asks_instead_of_guessing(tmp_path):
    assert check(write(tmp_path / "data.jsonl", talks()), kind="classification").verdict == "needs_mapping"


def test_conversations_as_json_text_in_a_table_are_read(tmp_path):
    path = tmp_path / "data.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "messages"])
        writer.writerows([n, json.dumps(talk(f"q {n}", f"a {n}")["messages"])] for n in range(20))
    assert check(path).rows["usable"] == 20


FAULTS = {
    "unknown_role": {"messages": [{"role": "tool", "content": "x"}, {"role": "assistant", "content": "y"}]},
    "no_answer": {"messages": [{"role": "user", "content": "x"}]},
    "role_order": {"messages": [{"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}]},
    "no_messages": {"messages": []},
    "missing_field": {"other": 1},
    "empty": talk("question", "   "),
    "not_text": {"messages": [{"role": "user", "content": [{"type": "image"}]}, {"role": "assistant", "content": "y"}]},
    "too_many_messages": talk(*["x"] * 300),
    "too_long": talk("x" * 150_000, "y" * 60_000),
    "not_an_object": [1, 2],
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_bad_conversation_is_rejected_with_its_line_and_its_reason(tmp_path, code):
    rows = talks(20)
    rows.insert(6, FAULTS[code])
    report = check(write(tmp_path / "data.jsonl", rows), kind="chat")
    assert (report.verdict, report.rows["usable"], report.rows["rejected"]) == ("ready", 20, 1)
    assert report.problems[0]["code"] == code
    example = report.problems[0]["examples"][0]
    assert example["line"] == 7
    assert "%(" not in str(Text.from_dict(example["text"]))


def test_the_fast_and_the_slow_way_count_the_same(tmp_path, monkeypatch):
    rows = [*talks(400), talk("a", "b", "c", "d"), talk("  padded ", " answer\n"), talk("x", ""), *talks(5)]
    rows += [{"messages": [{"role": "human", "content": "h"}, {"role": "bot", "content": "b"}]}, {"messages": "no"}]
    path = write(tmp_path / "data.jsonl", rows)
    quick = check(path)
    monkeypatch.setattr(fast, "tally_lines", lambda *_: False)
    slow = check(path)
    assert quick.as_dict() == slow.as_dict()
    assert quick.rows == {"read": 410, "usable": 408, "rejected": 2, "repeated": 5}


def test_the_fast_and_the_slow_way_count_labels_the_same(tmp_path, monkeypatch):
    rows = [
        *labelled(300),
        {"text": "x", "label": 5},
        {"text": " ", "label": "billing"},
        {"text": "y", "label": "b" * 200},
    ]
    path = write(tmp_path / "data.jsonl", rows)
    quick = check(path)
    monkeypatch.setattr(fast, "tally_lines", lambda *_: False)
    assert quick.as_dict() == check(path).as_dict()
    assert quick.rows["rejected"] == 2


def test_line_numbers_are_right_across_blocks_and_blank_lines(tmp_path):
    path = write(tmp_path / "data.jsonl", talks(20_000))
    lines = path.read_text().split("\n")
    lines[3] += "\n\n"
    lines[15_000] = "{broken"
    path.write_text("\n".join(lines))
    report = check(path)
    assert report.problems[0]["examples"][0]["line"] == 15_003


def test_rejected_rows_are_written_with_line_and_reason(tmp_path):
    rows = [*labelled(25), {"text": "", "label": "billing"}]
    rejected = tmp_path / "rejected.csv"
    check(write(tmp_path / "data.jsonl", rows), rejected_to=rejected)
    with rejected.open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file)
    assert header == ["line", "problem", "row"]
    assert (row[0], row[1]) == ("26", "The field text is empty.")


def test_no_file_is_written_when_no_row_is_rejected(tmp_path):
    rejected = tmp_path / "rejected.csv"
    check(write(tmp_path / "data.jsonl", labelled()), rejected_to=rejected)
    assert not rejected.exists()


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =cmd", "\r=1"])
def test_no_cell_of_the_rejected_rows_is_a_formula(cell, tmp_path):
    assert harmless(cell).startswith("'")
    path = tmp_path / "data.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["text", "label"], *[[f"fine {n}", LABELS[n % 3]] for n in range(30)], [cell, ""]])
    rejected = tmp_path / "rejected.csv"
    check(path, rejected_to=rejected)
    with rejected.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1][2].startswith("'")


def test_harmless_cells_stay_as_they_are():
    assert harmless("wheel = round") == "wheel = round"


def test_a_file_without_one_usable_row_names_the_main_reason(tmp_path):
    report = check(write(tmp_path / "data.jsonl", [{"text": "", "label": "a"}] * 50), kind="classification")
    assert (report.verdict, report.code) == ("rejected", "hopeless")
    assert "The field text is empty." in str(report.text)


def test_a_hopeless_file_is_given_up_early(tmp_path):
    limits = Limits(hopeless_after=100)
    report = check(write(tmp_path / "data.jsonl", [{"text": "", "label": "a"}] * 5000), limits=limits)
    assert report.rows["read"] == 100


def test_too_few_rows_count_repeats_once(tmp_path):
    report = check(write(tmp_path / "data.jsonl", talks(5) * 10))
    assert (report.code, report.sentence["values"]["rows"]) == ("too_few_rows", 5)


def test_one_label_alone_cannot_be_learned(tmp_path):
    rows = [{"text": f"message {n}", "label": "billing"} for n in range(40)]
    assert check(write(tmp_path / "data.jsonl", rows)).code == "one_label"


def test_too_many_labels_ask_for_another_column(tmp_path):
    rows = [{"text": f"message {n}", "label": f"order {n}"} for n in range(400)]
    mapping = ColumnMapping("labelled", {"text": "text", "label": "label"})
    report = check(write(tmp_path / "data.jsonl", rows), mapping=mapping)
    assert (report.verdict, report.code) == ("needs_mapping", "too_many_labels")


def test_repeats_conflicts_and_thin_labels_are_noted(tmp_path):
    rows = [
        *labelled(60),
        labelled(1)[0],
        {"text": "message number 1", "label": "repair"},
        {"text": "z", "label": "rare"},
    ]
    report = check(write(tmp_path / "data.jsonl", rows))
    notes = {note["code"]: note["text"]["values"] for note in report.notes}
    assert notes["duplicates"]["rows"] == 1
    assert notes["conflicts"]["rows"] == 1
    assert notes["thin_labels"]["names"] == "rare"


def test_imbalance_is_noted(tmp_path):
    rows = [{"text": f"message {n}", "label": "rare" if n % 10 == 0 else "often"} for n in range(200)]
    report = check(write(tmp_path / "data.jsonl", rows))
    assert "imbalance" in [note["code"] for note in report.notes]
    assert report.labels[0] == {"label": "often", "rows": 180, "share": 0.9}


def test_tokens_are_estimated_and_say_so_without_a_tokenizer(tmp_path):
    report = check(write(tmp_path / "data.jsonl", talks(100)))
    assert report.tokens["exact"] is False
    assert report.tokens["all"]["p50"] <= report.tokens["all"]["p95"] <= report.tokens["all"]["max"]
    assert sum(bar["rows"] for bar in report.tokens["all"]["histogram"]) == 100


def test_tokens_are_counted_with_a_tokenizer(tmp_path):
    class Words:
        name, exact = "words", True

        def count(self, text):
            return len(text.split())

    report = check(write(tmp_path / "data.jsonl", labelled(30)), tokenizer=Words())
    assert (report.tokens["exact"], report.tokens["all"]["mean"], report.tokens["all"]["max"]) == (True, 3.0, 3)


def test_rows_that_a_length_would_cut_or_lose_are_counted(tmp_path):
    rows = [*talks(50), *[talk(f"{n} " + "long question " * 400, "short") for n in range(7)]]
    report = check(write(tmp_path / "data.jsonl", rows))
    at_512 = next(row for row in report.tokens["truncation"] if row["length"] == 512)
    assert at_512 == {"length": 512, "cut": 7, "lost": 7}


def test_personal_data_is_counted_and_only_masked_examples_are_kept(tmp_path):
    rows = labelled(40)
    rows[4]["text"] = "Write to anna.schmidt@example.org or call +49 30 1234567"
    rows[5]["text"] = "My account is DE89 3704 0044 0532 0130 00"
    report = check(write(tmp_path / "data.jsonl", rows))
    assert report.personal["rows"] == 2
    assert report.personal["counts"] == {"email": 1, "phone": 1, "iban": 1}
    assert report.personal["examples"][0] == {"kind": "email", "line": 5, "masked": "a***@***.org"}
    assert "schmidt" not in json.dumps(report.personal)


def test_order_numbers_prices_and_dates_are_no_personal_data():
    assert not list(find("Order 1234567890 of 2024-11-05 costs 1.299,00 euro, size 05-2024, part VM-1200 3400"))


def test_an_account_number_with_a_wrong_check_digit_is_none():
    assert is_iban("DE89 3704 0044 0532 0130 00")
    assert not is_iban("DE88 3704 0044 0532 0130 00")
    assert mask("DE89370400440532013000") == "DE8*****00"


def test_zero_characters_and_outer_blanks_are_dropped(tmp_path):
    rows = labelled(30)
    rows[0]["text"] = "  hel\x00lo "
    rows[1]["label"] = "bill\x00ing"
    report = check(write(tmp_path / "data.jsonl", rows))
    assert report.preview[0]["text"] == "hello"
    assert "\\u0000" not in json.dumps(report.as_dict())


def test_a_report_survives_json(tmp_path):
    report = check(write(tmp_path / "data.jsonl", labelled()))
    assert Report.from_dict(json.loads(json.dumps(report.as_dict()))).as_dict() == report.as_dict()


def test_a_report_of_another_version_is_not_misread():
    with pytest.raises(ValueError, match="data-check/1"):
        Report.from_dict({"schema": "open-paas/data-check/0"})


@pytest.mark.parametrize("sentences", [problems.FILE_SENTENCES, problems.ROW_SENTENCES, problems.NOTE_SENTENCES])
def test_every_sentence_ends_as_a_sentence(sentences):
    assert all(
        sentence.endswith((".", "%(reason)s Check the columns you chose, or the file."))
        for sentence in sentences.values()
    )


@pytest.mark.parametrize(
    ("layout", "columns"),
    [
        ("labelled", {"text": "a"}),
        ("labelled", {"text": "a", "label": "a"}),
        ("other", {}),
        ("pairs", {"prompt": "a", "x": "b"}),
    ],
)
def test_an_impossible_mapping_is_refused(layout, columns):
    with pytest.raises(ValueError, match=r"layout|needs|column"):
        ColumnMapping(layout, columns)


def test_the_estimate_of_tokens_knows_other_scripts():
    tokenizer = EstimatedTokenizer()
    assert tokenizer.count("ποδήλατο και αλυσίδα") > tokenizer.count("bicycle and its chain")


def test_limits_can_be_narrowed():
    assert replace(Limits(), rows=5).rows == 5
