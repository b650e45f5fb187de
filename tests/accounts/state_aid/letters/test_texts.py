"""A letter in every official language of the Union, whole and legible."""

import io
import re

import pytest
from pypdf import PdfReader

from accounts.state_aid.letters.paper import paper_of
from accounts.state_aid.letters.wording import closest, day, languages, money, texts, title_of
from portal.papers import draw, missing

OFFICIAL = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv".split()  # noqa: SIM905  # read at a glance
NOTICE = {
    "kind": "notice",
    "ident": "ALC-2026-0001/ab12cd34/N",
    "amount": "110000.00",
    "address": ["Kuusamo Systems Oy", "Tehtaankatu 1", "00140 Helsinki"],
    "country": "FI",
    "beneficiary": "Kuusamo Systems Oy",
    "issued_on": "2026-11-23",
    "granted_on": "2026-11-23",
    "authority": "Ministry of Economic Affairs and Employment",
    "state": "FI",
    "regime": "2023/2831",
    "basis": "(EU) 2023/2831",
    "reference": "ALC-2026-0001",
    "register": True,
    "publish": True,
}
CORRECTION = {**NOTICE, "kind": "correction", "before": "120000.00", "taken_back": "10000.00", "after": "110000.00",
              "reason": "Fewer hours"}  # fmt: skip
# One letter that each language needs and ASCII lacks; Dutch, English and Italian need none in these texts.
SIGNS = {
    "bg": "щ", "cs": "ř", "da": "ø", "de": "ü", "el": "ή", "es": "ó", "et": "õ", "fi": "ä", "fr": "é", "ga": "í",
    "hr": "đ", "hu": "ű", "lt": "ė", "lv": "ņ", "mt": "ħ", "pl": "ł", "pt": "ç", "ro": "ț", "sk": "ľ", "sl": "č",
    "sv": "å",
}  # fmt: skip


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_there_is_a_letter_in_every_official_language():
    assert sorted(languages()) == OFFICIAL


@pytest.mark.parametrize("language", OFFICIAL)
def test_every_file_says_the_same_things(language):
    ours, english = texts(language), texts("en")
    assert ours.keys() == english.keys()
    for key, words in english.items():
        if isinstance(words, str):
            assert set(re.findall(r"\{\w+\}", ours[key])) <= {"{date}", *re.findall(r"\{\w+\}", words)}, key
    assert "{amount}" in ours["opening"] and "{date}" in ours["opening"] and "{date}" in ours["changed"]


@pytest.mark.parametrize("language", OFFICIAL)
def test_every_sign_of_the_texts_can_be_drawn(language):
    assert missing("".join(str(value) for value in texts(language).values())) == frozenset()
    assert SIGNS.get(language, "") in "".join(str(value) for value in texts(language).values())


@pytest.mark.parametrize("language", OFFICIAL)
@pytest.mark.parametrize("stated", [NOTICE, CORRECTION], ids=["notice", "correction"])
def test_the_letter_names_the_regulation_the_amount_and_the_day(language, stated):
    read = plain(text_of(draw(paper_of(stated, language))))
    assert "□" not in read
    assert "2023/2831" in read and "107" in read and "15.12" in read.replace("12 15", "15.12").replace("12.15", "15.12")
    assert plain(money("110000.00", language)) in read
    assert plain(day("2026-11-23", language)) in read
    assert "de minimis" in read.lower().replace("-", " ").replace("« ", "").replace(" »", "")
    assert "ALC-2026-0001" in read


@pytest.mark.parametrize("language", [one for one in OFFICIAL if one != "en"])
def test_a_language_nobody_has_reviewed_says_so_and_carries_the_english_version(language):
    assert texts(language)["reviewed"] is False
    read = plain(text_of(draw(paper_of(NOTICE, language))))
    assert plain(texts(language)["unreviewed"])[:30] in read
    assert "has not yet been checked by a lawyer or native speaker" in read
    assert "Notice of de minimis aid (English version)" in read


def test_the_english_letter_has_one_part():
    read = plain(text_of(draw(paper_of(NOTICE, "en"))))
    assert "English version" not in read
    assert "€110,000.00" in read and "23 November 2026" in read


def test_an_exempted_award_names_its_article_and_asks_for_no_declaration():
    read = plain(text_of(draw(paper_of({**NOTICE, "regime": "651/2014-28"}, "en"))))
    assert "Article 28 of the following Regulation exempts from notification" in read
    assert "651/2014 of 17 June 2014" in read
    assert "earlier de minimis aid" not in read


def test_a_correction_shows_before_taken_back_and_after():
    read = plain(text_of(draw(paper_of(CORRECTION, "de"))))
    assert "Änderung einer Beihilfe" in read
    for amount in ("120.000,00 €", "10.000,00 €", "110.000,00 €"):
        assert plain(amount) in read


@pytest.mark.parametrize("regime", ["2023/2832", "1408/2013", "717/2014", "1407/2013", "360/2012"])
def test_every_other_regulation_has_its_full_title(regime):
    title = title_of(regime, texts("fi"))
    assert regime in title and "OJ L" in title


@pytest.mark.parametrize(("asked", "given"), [("fi", "fi"), ("pt-br", "pt"), ("de_AT", "de"), ("ja", "en"), ("", "en")])
def test_the_closest_language_is_taken(asked, given):
    assert closest(asked) == given
