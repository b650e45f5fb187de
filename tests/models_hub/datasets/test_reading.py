"""Files as people really bring them: read, or refused with one sentence."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models_hub.datasets.check import check
from models_hub.datasets.limits import Limits
from models_hub.datasets.problems import Cancelled, Refused
from models_hub.datasets.rows import read_rows
from models_hub.datasets.schema import ColumnMapping
from models_hub.datasets.source import inspect

ROOT = Path(__file__).resolve().parents[3]
LABELS = ("billing", "delivery", "repair")
FEW = Limits(least_rows_chat=2, least_rows_classification=2)


def labelled_rows(number=30):
    return [{"text": f"Größe und Straße, sentence {n}", "label": LABELS[n % 3]} for n in range(number)]


def write_csv(path, rows, *, delimiter=",", encoding="utf-8", header=("text", "label")):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    if header:
        writer.writerow(header)
    writer.writerows([row["text"], row["label"]] for row in rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def write_jsonl(path, rows, **options):
    path.write_text("".join(json.dumps(row, **options) + "\n" for row in rows), encoding="utf-8")
    return path


def talk(question, answer, system=None):
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": ([{"role": "system", "content": system}] if system else []) + messages}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_of_a_table_is_found(tmp_path, delimiter):
    report = check(write_csv(tmp_path / "data.csv", labelled_rows(), delimiter=delimiter))
    assert (report.verdict, report.delimiter, report.rows["usable"]) == ("ready", delimiter, 30)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "iso8859_15"]
)
def test_german_letters_arrive_whatever_the_encoding(tmp_path, encoding):
    report = check(write_csv(tmp_path / "data.csv", labelled_rows(), encoding=encoding))
    assert report.verdict == "ready"
    assert report.preview[0]["text"] == "Größe und Straße, sentence 0"


def test_polish_letters_in_a_windows_file_arrive_and_the_guess_is_told(tmp_path):
    rows = [
        {
            "text": f"Dzień dobry, moja przesyłka nr {n} jeszcze nie dotarła, proszę o pomoc z reklamacją",
            "label": LABELS[n % 3],
        }
        for n in range(40)
    ]
    report = check(write_csv(tmp_path / "data.csv", rows, encoding="cp1250"))
    assert report.preview[0]["text"].startswith("Dzień dobry, moja przesyłka")
    assert "encoding_guessed" in [note["code"] for note in report.notes]


def test_letters_that_first_appear_late_in_a_table_are_still_decoded(tmp_path):
    rows = [{"text": "plain words only " * 20, "label": LABELS[n % 2]} for n in range(2000)]
    rows[-1] = {"text": "übergroße Straße", "label": "repair"}
    path = write_csv(tmp_path / "data.csv", rows, encoding="cp1252")
    fields = [row.fields for row in read_rows(inspect(path), Limits())]
    assert fields[-1]["text"] == "übergroße Straße"


def test_one_damaged_byte_in_a_utf8_table_is_named_with_its_line(tmp_path):
    path = write_csv(tmp_path / "data.csv", labelled_rows())
    lines = path.read_bytes().split(b"\n")
    lines[17] = lines[17].replace("ö".encode(), b"\xf6", 1)
    path.write_bytes(b"\n".join(lines))
    report = check(path)
    assert (report.verdict, report.code) == ("rejected", "undecodable")
    assert "Line 18" in str(report.text) and "0xF6" in str(report.text)


def test_one_damaged_byte_in_json_lines_costs_only_its_row(tmp_path):
    path = write_jsonl(tmp_path / "data.jsonl", labelled_rows(), ensure_ascii=False)
    lines = path.read_bytes().split(b"\n")
    lines[4] = lines[4].replace("ö".encode(), b"\xf6", 1)
    path.write_bytes(b"\n".join(lines))
    report = check(path)
    assert (report.verdict, report.rows["rejected"]) == ("ready", 1)
    assert (report.problems[0]["code"], report.problems[0]["examples"][0]["line"]) == ("not_utf8", 5)


def magic(*parts):
    return b"".join(parts) + bytes(range(256)) * 4


def packed(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as folder:
        for name in names:
            folder.writestr(name, "x")
    return out.getvalue()


REFUSED = {
    "empty": (b"", "empty"),
    "blank": (b"  \n\n \t\n", "empty"),
    "mark only": (b"\xef\xbb\xbf", "empty"),
    "gzip": (magic(b"\x1f\x8b\x08"), "archive"),
    "zip": (packed("data.csv"), "archive"),
    "excel": (packed("[Content_Types].xml", "xl/workbook.xml"), "spreadsheet"),
    "old excel": (magic(b"\xd0\xcf\x11\xe0"), "spreadsheet"),
    "word": (packed("[Content_Types].xml", "word/document.xml"), "document"),
    "pdf": (b"%PDF-1.7\n" + bytes(300), "document"),
    "png": (magic(b"\x89PNG\r\n\x1a\n"), "picture"),
    "sqlite": (magic(b"SQLite format 3\x00"), "database"),
    "elf": (magic(b"\x7fELF"), "program"),
    "html": (b"<!DOCTYPE html><html><body>export</body></html>", "markup"),
    "zero bytes": (b"text,label\nhello\x00world,a\n" * 5, "binary"),
    "one column": (b"text\nhello\nworld\n", "one_column"),
    "prose": (b"This is a letter without any table in it\nand a second line\n", "one_column"),
    "header only": (b"text,label\n", "no_rows"),
    "empty list": (b"[]", "no_rows"),
    "nested": (b'{"data": [{"text": "a", "label": "b"}],\n "version": 1}', "json_document"),
    "list cut off": (b'[{"text": "a", "label": "b"}, {"text": "c", "la', "cut_off"),
    "parquet without an end": (b"PAR1" + bytes(100), "parquet_unreadable"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_table_gets_one_sentence_with_a_next_step(tmp_path, name):
    content, code = REFUSED[name]
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    report = check(path)
    assert (report.verdict, report.code) == ("rejected", code)
    assert str(report.text).endswith(".") and "%(" not in str(report.text)


def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        file.truncate(5_000_000_000)  # a hole: no byte is written
    report = check(path)
    assert report.code == "too_large"
    assert "5,000 MB" in str(report.text)


def test_a_million_columns_are_refused_in_a_table_and_in_json(tmp_path):
    table = tmp_path / "wide.csv"
    table.write_text(",".join(f"c{n}" for n in range(1_000_000)) + "\n" + "1," * 999_999 + "1\n")
    assert check(table).code == "too_many_columns"
    lines = write_jsonl(tmp_path / "wide.jsonl", [{f"c{n}": 1 for n in range(100_000)}] * 2)
    assert check(lines).code == "too_many_columns"


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_bytes(b'{"text": "a", "label": "b"}\n' + b'{"text": "' + b"x" * 6_000_000 + b'"}\n')
    report = check(path)
    assert report.code == "line_too_long"
    assert "Line 2" in str(report.text)


def test_a_quotation_mark_that_never_closes_is_found_where_it_opens(tmp_path):
    path = write_csv(tmp_path / "data.csv", labelled_rows(5))
    with path.open("ab") as file:
        file.write(b'"never closed,billing\n' + b"more words, delivery\n" * 20_000)
    report = check(path, limits=Limits(field_chars=100_000))
    assert report.code == "field_too_long"
    assert "line 7" in str(report.text)


def test_json_lines_that_end_in_mid_row_are_refused_as_a_whole(tmp_path):
    path = write_jsonl(tmp_path / "data.jsonl", labelled_rows())
    path.write_bytes(path.read_bytes()[:-12])
    report = check(path)
    assert (report.verdict, report.code) == ("rejected", "cut_off")
    assert "line 30" in str(report.text)


@pytest.mark.parametrize("cut", [-10, -25])
def test_a_table_that_ends_in_mid_row_is_refused_as_a_whole(tmp_path, cut):
    path = write_csv(tmp_path / "data.csv", labelled_rows())
    path.write_bytes(path.read_bytes()[:cut])
    assert check(path).code == "cut_off"


def test_a_complete_last_line_needs_no_newline(tmp_path):
    path = write_jsonl(tmp_path / "data.jsonl", labelled_rows())
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert check(path).rows["usable"] == 30
    table = write_csv(tmp_path / "data.csv", labelled_rows())
    table.write_bytes(table.read_bytes().rstrip(b"\r\n"))
    assert check(table).rows["usable"] == 30


def test_duplicate_and_padded_column_names_are_repaired_and_told(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(" text ,label,label\n" + "".join(f"sentence {n},{LABELS[n % 3]},x\n" for n in range(30)))
    report = check(path)
    assert [column["name"] for column in report.columns] == ["text", "label", "label (2)"]
    assert {"header_blanks", "header_duplicates"} <= {note["code"] for note in report.notes}


def test_a_table_without_a_header_is_numbered_and_understood_from_its_values(tmp_path):
    rows = [{"text": f"The wheel number {n} of my bicycle makes a noise.", "label": LABELS[n % 3]} for n in range(60)]
    report = check(write_csv(tmp_path / "data.csv", rows, header=None), kind="classification")
    assert (report.verdict, report.guessed, report.rows["usable"]) == ("ready", True, 60)
    assert report.mapping["columns"] == {"text": "column 1", "label": "column 2"}


def test_an_index_column_without_a_name_does_not_hide_the_header(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(",text,label\n" + "".join(f"{n},sentence {n},{LABELS[n % 3]}\n" for n in range(30)))
    assert check(path).mapping["columns"] == {"text": "text", "label": "label"}


def test_line_ends_of_old_macs_and_of_windows_are_read(tmp_path):
    for name, end in (("mac.csv", "\r"), ("windows.csv", "\r\n")):
        path = tmp_path / name
        path.write_bytes(end.join(["text,label", *(f"sentence {n},{LABELS[n % 3]}" for n in range(30)), ""]).encode())
        assert check(path).rows["usable"] == 30


def test_a_text_over_several_lines_keeps_the_line_numbers_of_later_rows(tmp_path):
    rows = labelled_rows(30)
    rows[0]["text"] = "first\nsecond\nthird"
    path = write_csv(tmp_path / "data.csv", rows)
    with path.open("ab") as file:
        file.write(b"too,many,fields\n")
    report = check(path)
    assert report.problems[0]["examples"][0]["line"] == 34


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_list_and_objects_over_several_lines_are_read_one_at_a_time(tmp_path, indent):
    path = tmp_path / "data.json"
    path.write_text(json.dumps(labelled_rows(300), indent=indent), encoding="utf-8")
    assert check(path).rows["usable"] == 300
    path.write_text("\n".join(json.dumps(row, indent=2) for row in labelled_rows(300)), encoding="utf-8")
    assert (check(path).format, check(path).rows["usable"]) == ("json", 300)


def test_broken_json_in_a_list_is_named_with_its_line(tmp_path):
    path = tmp_path / "data.json"
    text = json.dumps(labelled_rows(3000), indent=1).split("\n")
    text[10] = text[10].replace('"', "", 1)
    path.write_text("\n".join(text), encoding="utf-8")
    report = check(path)
    assert report.code == "json_broken"
    assert "line 11" in str(report.text)


def test_deeply_nested_json_is_a_bad_row_and_no_crash(tmp_path):
    path = write_jsonl(tmp_path / "data.jsonl", labelled_rows())
    with path.open("a") as file:
        file.write('{"text": ' + "[" * 100_000 + "\n")
    report = check(path)
    assert (report.verdict, report.problems[0]["code"]) == ("ready", "bad_json")


def test_parquet_is_read_in_a_child_process(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    path = tmp_path / "data.parquet"
    rows = [talk(f"Question {n}?", f"Answer {n}.") | {"made": 1.5} for n in range(50)]
    parquet.write_table(arrow.Table.from_pylist(rows), path)
    report = check(path, kind="chat")
    assert (report.verdict, report.format, report.rows["usable"]) == ("ready", "parquet", 50)


def test_a_damaged_parquet_file_ends_in_a_sentence(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    path = tmp_path / "data.parquet"
    parquet.write_table(arrow.Table.from_pylist(labelled_rows(500)), path)
    content = bytearray(path.read_bytes())
    content[20:400] = os.urandom(380)
    path.write_bytes(content)
    assert check(path).code == "parquet_unreadable"


def test_a_parquet_child_that_is_killed_leaves_a_sentence_and_no_process(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    path = tmp_path / "data.parquet"
    parquet.write_table(arrow.Table.from_pylist(labelled_rows(500)), path)
    report = check(path, limits=Limits(child_bytes=64 * 1024 * 1024))  # too little to load the library
    assert report.code == "parquet_unreadable"


def test_more_rows_than_allowed_are_refused(tmp_path):
    limits = Limits(rows=20, least_rows_classification=2)
    assert check(write_jsonl(tmp_path / "data.jsonl", labelled_rows()), limits=limits).code == "too_many_rows"
    assert check(write_csv(tmp_path / "data.csv", labelled_rows()), limits=limits).code == "too_many_rows"


def test_a_check_can_be_cancelled(tmp_path):
    path = write_csv(tmp_path / "data.csv", labelled_rows(5000))
    with pytest.raises(Cancelled):
        check(path, cancelled=lambda: True)


def test_a_mapping_that_names_a_missing_column_asks_again(tmp_path):
    path = write_csv(tmp_path / "data.csv", labelled_rows())
    report = check(path, mapping=ColumnMapping("labelled", {"text": "text", "label": "thema"}))
    assert (report.verdict, report.code) == ("needs_mapping", "mapping_missing_column")


def test_memory_does_not_grow_with_the_file(tmp_path):
    """The peak of a separate process over a file four times as large stays within a few megabytes."""
    row = json.dumps(talk("How do I change the tyre? " * 20, "Take the wheel out. " * 20)) + "\n"
    peaks = []
    for megabytes in (8, 32):
        path = tmp_path / f"{megabytes}.jsonl"
        path.write_text(row * (megabytes * 1_000_000 // len(row)))
        program = (
            "import sys; from pathlib import Path; from models_hub.datasets.check import check; "
            "check(Path(sys.argv[1])); status = Path('/proc/self/status').read_text(); "
            "print(status.split('VmHWM:')[1].split()[0])"
        )
        run = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, check=True)
        peaks.append(int(run.stdout) / 1024)
    assert peaks[1] < 300
    assert peaks[1] - peaks[0] < 16


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["role", "content"]), inner, max_size=2)
    ),
    max_leaves=4,
)
anything_goes = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)


@anything_goes
@given(content=st.binary(max_size=400))
def test_no_bytes_whatever_crash_the_check(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(content)
    report = check(path, limits=FEW)
    assert report.verdict in ("ready", "needs_mapping", "rejected")
    json.dumps(report.as_dict())


@anything_goes
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["text", "label", "messages", "prompt"]), JSON_VALUES), max_size=6)
)
def test_no_json_rows_whatever_crash_the_check_and_every_row_is_accounted_for(tmp_path_factory, rows):
    path = write_jsonl(tmp_path_factory.mktemp("any") / "file.jsonl", rows)
    report = check(path, limits=FEW)
    if report.rows:
        assert report.rows["read"] == report.rows["usable"] + report.rows["rejected"]


def test_refusals_print_their_sentence():
    assert "empty" in str(Refused("empty"))
