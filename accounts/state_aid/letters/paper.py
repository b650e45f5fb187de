"""A letter as a paper: facts in, words of one language around them, the English version behind until it is reviewed."""

from collections.abc import Mapping
from typing import Any

from accounts.state_aid.letters.wording import (
    ENGLISH,
    EXEMPTION,
    country,
    day,
    money,
    texts,
    title_of,
)
from portal.papers import Address, Bullets, Facts, Heading, NewPage, Note, Paper, Part, Text, Words

Letter = Mapping[str, Any]


def paper_of(facts: Letter, language: str) -> Paper:
    """The letter in that language. `facts` are JSON values as `facts.of_notice` and `of_correction` give them."""
    words = texts(language)
    parts: tuple[Part, ...] = _version(facts, language)
    if language != ENGLISH and not words["reviewed"]:
        english = texts(ENGLISH)
        parts = (
            Note(f"{words['unreviewed']}\n{english['unreviewed']}", tone="warn"),
            *parts,
            NewPage(f"{_title(facts, english)} (English version)"),
            *_version(facts, ENGLISH),
        )
    return Paper(
        title=_title(facts, words),
        ident=f"{facts['ident']}/{language.upper()}",
        language=language,
        authority=facts["authority"],
        dated=day(facts["issued_on"], language),
        parts=(Address((*facts["address"], country(facts["country"], language))), *parts),
        words=Words(page=words["page"], document=words["document"], contents=words["contents"]),
    )


def _title(facts: Letter, words: Mapping[str, Any]) -> str:
    if facts["kind"] == "correction":
        return str(words["title_correction"])
    return str(words["title_exemption" if _is_exemption(facts) else "title"])


def _is_exemption(facts: Letter) -> bool:
    return str(facts["regime"]).startswith(EXEMPTION)


def _version(facts: Letter, language: str) -> tuple[Part, ...]:
    """Everything the letter says, in one language."""
    words = texts(language)
    return (
        Text(_opening(facts, words, language), style="lead"),
        Text(_character(facts, words)),
        Note(title_of(facts["regime"], words), tone="info"),
        Facts(_rows(facts, words, language)),
        Heading(words["duties"]),
        Bullets(_duties(facts, words)),
        Text(words["questions"].format(authority=facts["authority"])),
    )


def _opening(facts: Letter, words: Mapping[str, Any], language: str) -> str:
    key = "changed" if facts["kind"] == "correction" else "opening"
    said = {"date": day(facts["granted_on"], language), "amount": money(facts["amount"], language)}
    return str(words[key].format(**said))


def _character(facts: Letter, words: Mapping[str, Any]) -> str:
    if _is_exemption(facts):
        article = str(facts["regime"]).partition("-")[2]
        return str(words["exemption"].format(article=article))
    return str(words["de_minimis"])


def _rows(facts: Letter, words: Mapping[str, Any], language: str) -> tuple[tuple[str, str], ...]:
    rows = [(words["beneficiary"], facts["beneficiary"])]
    if facts["kind"] == "correction":
        rows += [(words[name], money(facts[name], language)) for name in ("before", "taken_back", "after")]
        rows += [(words["reason"], facts["reason"])] if facts["reason"] else []
    else:
        rows.append((words["amount"], money(facts["amount"], language)))
    rows += [
        (words["granted"], day(facts["granted_on"], language)),
        (words["authority"], facts["authority"]),
        (words["state"], country(facts["state"], language)),
        (words["basis"], facts["basis"]),
        (words["reference"], facts["reference"]),
    ]
    return tuple((str(name), str(value)) for name, value in rows)


def _duties(facts: Letter, words: Mapping[str, Any]) -> tuple[str, ...]:
    wanted = ["keep"] if _is_exemption(facts) else ["declare", "keep"]
    wanted += [name for name in ("register", "publish") if facts[name]]
    return tuple(str(words[name]) for name in wanted)
