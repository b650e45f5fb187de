"""The paper kit: the same bytes each time, every page counted, every official alphabet drawn."""

import io
import subprocess
import sys

import pytest
from pypdf import PdfReader

from portal.papers import (
    Address,
    Branch,
    Bullets,
    Facts,
    Heading,
    NewPage,
    Note,
    Paper,
    Signature,
    Table,
    Text,
    Tree,
    Words,
    draw,
    missing,
    paper_from_json,
    to_json,
)

ALPHABETS = {
    "bg": "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЬЮЯ абвгдежзийклмнопрстуфхцчшщъьюя „“",
    "cs": "ÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ áčďéěíňóřšťúůýž",
    "el": "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ άέήίόύώϊϋΐΰς «»",
    "ga": "ÁÉÍÓÚ áéíóú",
    "hu": "ÁÉÍÓÖŐÚÜŰ áéíóöőúüű",
    "lt": "ĄČĘĖĮŠŲŪŽ ąčęėįšųūž",
    "lv": "ĀČĒĢĪĶĻŅŠŪŽ āčēģīķļņšūž",
    "mt": "ĊĠĦŻ ċġħż",
    "pl": "ĄĆĘŁŃÓŚŹŻ ąćęłńóśźż",
    "ro": "ĂÂÎȘȚ ăâîșț",
    "west": "ÄÖÜẞäöüß ÅÆØåæø ÀÇÈÊËÎÏÔŒÙ àçèêëîïôœù ÑÕãõñ ¿¡ €‑–—“”’…",
}


def a_paper(**changes):
    leaf = Branch("Own figures", "40.00", "Article 5")
    parts = (
        Address(("Örnek Σ София OÜ", "Rue de la Loi 1", "1000 Bruxelles")),
        Text("Dear Sir or Madam"),
        Heading("What was granted"),
        Facts((("Amount", "EUR 110 000.00"),)),
        Note("Read this.", tone="warn", title="Careful"),
        Tree((Branch("Size", "small", "Article 2(2)", (Branch("Headcount", "48.00", "", (leaf, leaf)),)),)),
        Bullets(("Keep this letter.", "Name the aid in later requests.")),
        Table(("Day", "EUR"), tuple((f"line {n}", str(n)) for n in range(70)), numeric=(1,), total=True),
        Signature("Jane Officer", "21 November 2026"),
    )
    return Paper(**{"title": "A paper", "ident": "AID-2026-7", "parts": parts, **changes})


def pages(pdf):
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def test_the_same_paper_gives_the_same_bytes():
    assert draw(a_paper()) == draw(a_paper())


def test_another_process_draws_the_same_bytes():
    script = (
        "import hashlib; from portal.papers import Paper, Text, draw;"
        "print(hashlib.sha256(draw(Paper('Ζωή', 'X-1', (Text('София'),), language='el'))).hexdigest())"
    )
    runs = {subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 1


def test_a_paper_comes_back_from_json_equal():
    assert paper_from_json(to_json(a_paper())) == a_paper()


def test_the_digest_changes_with_a_single_word():
    assert a_paper().digest != a_paper(title="A Paper").digest


def test_every_page_is_counted_and_carries_the_number_and_the_digest():
    paper = a_paper(words=Words(page="Seite {page} von {pages}"))
    texts = pages(draw(paper))
    assert len(texts) > 1
    for number, text in enumerate(texts, 1):
        assert f"Seite {number} von {len(texts)}" in text
        assert "AID-2026-7" in text
        assert paper.digest in text


def test_the_head_of_a_table_is_repeated_on_its_next_page():
    holding = [text for text in pages(draw(a_paper())) if "line " in text]
    assert len(holding) > 1
    assert all("Day" in text and "EUR" in text for text in holding)


def test_language_and_title_are_told_to_reading_software():
    reader = PdfReader(io.BytesIO(draw(a_paper(language="el", title="Ειδοποίηση"))))
    root = reader.trailer["/Root"]
    assert (reader.metadata.title, root["/Lang"]) == ("Ειδοποίηση", "el")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712 - a PDF boolean


def test_no_clock_is_read():
    metadata = PdfReader(io.BytesIO(draw(a_paper()))).metadata
    assert metadata["/CreationDate"].startswith("D:2000")


@pytest.mark.parametrize("letters", ALPHABETS.values(), ids=ALPHABETS)
def test_the_typeface_holds_the_letters_of_every_official_language(letters):
    assert missing(letters) == frozenset()


@pytest.mark.parametrize("letters", ALPHABETS.values(), ids=ALPHABETS)
def test_drawn_letters_can_be_read_back(letters):
    text = "".join(pages(draw(Paper("Title", "X-1", (Text(letters),))))).replace("\n", " ")
    assert letters.split()[0] in text


def test_a_sign_we_cannot_draw_is_shown_as_missing():
    assert missing("Tokyo 東京") == {"東", "京"}
    assert "Tokyo □□" in pages(draw(Paper("Title", "X-1", (Text("Tokyo 東京"),))))[0]


def test_nothing_in_a_text_is_read_as_markup():
    text = pages(draw(Paper("<b>Title</b>", "X-1", (Text("A & B <script>"),))))[0]
    assert "<b>Title</b>" in text
    assert "A & B <script>" in text


def test_what_follows_a_new_page_stands_on_the_next_one():
    texts = pages(draw(Paper("Title", "X-1", (Text("first"), NewPage("English version"), Text("second")))))
    assert "second" in texts[1]
    assert "English version" in texts[1]


def test_a_derivation_deeper_than_the_page_is_wide_still_fits():
    branch = Branch("end")
    for level in range(40):
        branch = Branch(f"level {level}", "1", "", (branch,))
    assert "end" in "".join(pages(draw(Paper("Title", "X-1", (Tree((branch,)),)))))


def test_a_word_longer_than_a_line_and_a_cell_longer_than_a_page_are_broken():
    paper = Paper("T" * 200, "X-1", (Facts((("Name", "long words " * 2000),)), Text("x" * 500)))
    assert len(pages(draw(paper))) > 1
