"""Everything that can be wrong with a file or a row: a code for machines, a sentence with the next step for people.

Sentences are message ids, translated where they are shown (see `models_hub.wording`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from models_hub.wording import Text, Value, gettext_noop

# A whole file that cannot be used.
FILE_SENTENCES = {
    "empty": gettext_noop("The file is empty. Check that the export finished, and upload it again."),
    "too_large": gettext_noop(
        "The file has %(megabytes)s MB; at most %(limit)s MB can be read. Split it, or leave out columns."
    ),
    "archive": gettext_noop("This is a packed file (%(type)s). Unpack it and upload the data file that is inside."),
    "spreadsheet": gettext_noop(
        "This is a spreadsheet (%(type)s). Open it, choose “Save as” and “CSV UTF-8”, and upload that file."
    ),
    "document": gettext_noop(
        "This is a document (%(type)s), not a table of rows. Put each example on a row of a CSV or JSON Lines file."
    ),
    "picture": gettext_noop("This is a picture or a recording. Text data is needed: CSV, JSON Lines or Parquet."),
    "program": gettext_noop("This is a program or a model file. Upload rows of text: CSV, JSON Lines or Parquet."),
    "markup": gettext_noop(
        "This is a web page or an XML file. Export the rows as CSV or JSON Lines, and upload that file."
    ),
    "database": gettext_noop("This is a database file. Export the table as CSV, and upload that file."),
    "binary": gettext_noop(
        "The file does not hold text (byte %(position)s is zero). Upload CSV, JSON Lines or Parquet."
    ),
    "encoding_unknown": gettext_noop(
        "We could not tell which characters the file uses. Save it as UTF-8 and upload it again."
    ),
    "undecodable": gettext_noop(
        "Line %(line)s holds a byte (%(byte)s) that is no character in %(encoding)s. "
        "Save the file as UTF-8 and upload it again."
    ),
    "cut_off": gettext_noop(
        "The file ends in the middle of line %(line)s, so it was probably cut off while it was copied. "
        "Take the complete file and upload it again."
    ),
    "line_too_long": gettext_noop(
        "Line %(line)s is longer than %(megabytes)s MB. Each row must stand on a line of its own."
    ),
    "field_too_long": gettext_noop(
        "A field that begins on line %(line)s never ends: a quotation mark is opened and not closed. "
        "Close it, or write it twice if it belongs to the text."
    ),
    "too_many_columns": gettext_noop(
        "The file has %(columns)s columns or more; at most %(limit)s can be read. Keep the columns with the texts only."
    ),
    "too_many_rows": gettext_noop(
        "The file has more than %(limit)s rows. Choose the rows that matter most, or split the file."
    ),
    "one_column": gettext_noop(
        "We found a single column. Two are needed: a text and its label, or a question and its answer. "
        "Columns may be separated by comma, semicolon, tab or bar."
    ),
    "no_rows": gettext_noop("The file has a header but no rows. Check that the export finished, and upload it again."),
    "json_document": gettext_noop(
        "The file is one JSON document, not a list of rows. Put one object on each line, or upload a list of objects."
    ),
    "json_broken": gettext_noop(
        "The JSON cannot be read at line %(line)s: %(detail)s. Correct that place and upload the file again."
    ),
    "parquet_unreadable": gettext_noop(
        "The Parquet file cannot be read: it is damaged, encrypted or needs more memory than is allowed. "
        "Write it again, or export the rows as JSON Lines."
    ),
    "too_few_rows": gettext_noop(
        "Different rows that can be used: %(rows)s; at least %(least)s are needed. "
        "Correct the rejected rows or add more examples, and upload the file again."
    ),
    "one_label": gettext_noop(
        "All rows have the same label (%(label)s), so there is nothing to tell apart. "
        "Add rows of the other labels, or choose another label column."
    ),
    "hopeless": gettext_noop(
        "None of the first %(rows)s rows can be used. The most frequent reason: %(reason)s "
        "Check the columns you chose, or the file."
    ),
    "cannot_split": gettext_noop(
        "There are only %(rows)s different texts or questions; training, validation and test need more. "
        "Add different examples and upload the file again."
    ),
    "needs_mapping": gettext_noop("We could not tell what the columns mean. Tell us once, then the check goes on."),
    "too_many_labels": gettext_noop(
        "The label column holds more than %(limit)s different labels. Choose the column that names the category."
    ),
    "mapping_missing_column": gettext_noop("The column %(column)s is not in the file. Choose the columns again."),
}

# One row that cannot be used.
ROW_SENTENCES = {
    "bad_json": gettext_noop("This line is not valid JSON: %(detail)s."),
    "not_an_object": gettext_noop("This line is not a JSON object with named fields."),
    "not_utf8": gettext_noop("This line holds bytes that are not UTF-8."),
    "missing_field": gettext_noop("The field %(field)s is missing."),
    "not_text": gettext_noop("The field %(field)s is not text."),
    "empty": gettext_noop("The field %(field)s is empty."),
    "too_long": gettext_noop("The text has %(chars)s characters; at most %(limit)s can be used."),
    "too_many_fields": gettext_noop(
        "The row has %(found)s fields where the header has %(expected)s. Put a text that holds a separator in quotes."
    ),
    "too_few_fields": gettext_noop("The row has %(found)s fields where the header has %(expected)s."),
    "unknown_role": gettext_noop("A message has the role %(role)s; only system, user and assistant are known."),
    "role_order": gettext_noop("Questions and answers must take turns, beginning with the user."),
    "no_answer": gettext_noop("The conversation does not end with an answer, so there is nothing to learn."),
    "no_messages": gettext_noop("The conversation has no messages."),
    "too_many_messages": gettext_noop("The conversation has %(found)s messages; at most %(limit)s can be used."),
    "label_too_long": gettext_noop("The label has %(chars)s characters; at most %(limit)s are allowed."),
}

# Worth knowing, but no reason to refuse.
NOTE_SENTENCES = {
    "header_blanks": gettext_noop("Blanks around the column names were removed."),
    "header_duplicates": gettext_noop("Two columns had the same name; the later one is now called %(name)s."),
    "no_header": gettext_noop("The first line looks like data, so the columns were numbered."),
    "encoding_guessed": gettext_noop(
        "The characters were read as %(encoding)s. Check that the examples below look right."
    ),
    "columns_guessed": gettext_noop("We guessed what the columns mean from their content. Please check."),
    "duplicates": gettext_noop("Rows that repeat an earlier row word for word: %(rows)s. Each is used once."),
    "conflicts": gettext_noop("Rows that repeat an earlier text with another label: %(rows)s. Decide for one label."),
    "thin_labels": gettext_noop("Labels with fewer than %(least)s rows, which will be learned badly: %(names)s."),
    "imbalance": gettext_noop("The label %(label)s has %(share)s %% of the rows. Others may be learned badly."),
    "small": gettext_noop("There are only %(rows)s rows. A few hundred give a far more reliable result."),
    "rejected": gettext_noop("Rows that cannot be used and are left out: %(rows)s. Download them to see why."),
    "rejected_shortened": gettext_noop("Only the first %(rows)s rejected rows are in the download."),
    "blank_lines": gettext_noop("Blank lines that were skipped: %(rows)s."),
    "personal_data": gettext_noop(
        "Rows that seem to hold e-mail addresses, telephone or account numbers: %(rows)s of %(checked)s looked at. "
        "Remove them unless the model needs them."
    ),
    "long_rows": gettext_noop(
        "The longest rows are far longer than the others; see how many a shorter limit would cut."
    ),
}


class Refused(Exception):
    """The whole file cannot be used. `text` says why and what to do next."""

    def __init__(self, code: str, **values: Any) -> None:
        self.code = code
        self.text = Text(FILE_SENTENCES[code], values)
        super().__init__(f"{code}: {self.text}")


class Cancelled(Exception):
    """Somebody asked the check to stop."""


class RowFault(Exception):
    """One row cannot be used."""

    def __init__(self, code: str, **values: Value) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    @property
    def text(self) -> Text:
        return Text(ROW_SENTENCES[self.code], self.values)


@dataclass(slots=True)
class Problem:
    """One kind of row fault: how often, and the first places where it was seen."""

    code: str
    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, line: int, fault: RowFault, excerpt: str, *, keep: int) -> None:
        self.count += 1
        if len(self.examples) < keep:
            self.examples.append({"line": line, "text": fault.text.as_dict(), "excerpt": excerpt})


def note(code: str, **values: Value) -> dict[str, Any]:
    return {"code": code, "text": Text(NOTE_SENTENCES[code], values).as_dict()}
