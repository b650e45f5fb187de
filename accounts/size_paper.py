"""A signed statement of size as a document: what was stated, what follows from it, and how."""

from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import countries, derivation, ownership_drawing
from accounts.interview_wording import answers_in_words, subject_label
from accounts.models import SmeAssessment
from accounts.size_in_force import last_day_in_force
from accounts.size_wording import size_label
from accounts.sme.codes import Code
from portal.papers import Branch, Bullets, Facts, Heading, Note, Paper, Part, Signature, Table, Text, Tree, Words
from portal.ui.numbers import money, number, size


def paper_of(assessment: SmeAssessment, *, language: str) -> Paper:
    """The document in the active language. Nothing in it depends on the day it is drawn."""
    organisation, trace = assessment.organisation, assessment.trace
    review = assessment.reviews.select_related("decided_by").first()  # type: ignore[attr-defined]
    return Paper(
        title=_("Statement of company size"),
        subtitle=organisation.legal_name,
        ident=f"SIZE-{assessment.declared_on:%Y%m%d}-{str(assessment.pk)[:8].upper()}",
        language=language,
        dated=date_format(assessment.declared_on),
        words=Words(_("Page {page} of {pages}"), _("Document"), _("SHA-256 of the contents")),
        parts=tuple(
            part
            for group in (
                _result(assessment, review),
                _company(assessment),
                _answers(trace),
                _group(trace),
                _figures(trace),
                _tree(trace),
                _papers(assessment),
                _signature(assessment),
            )
            for part in group
        ),
    )


def _result(assessment: SmeAssessment, review: Any) -> list[Part]:
    said = size_label(assessment.decided_size)
    if review is not None:
        who = review.decided_by.full_name or _("an officer")
        return [
            Note(
                _("Decided by %(who)s on %(day)s. %(reason)s")
                % {"who": who, "day": date_format(review.decided_on), "reason": review.reason},
                tone="ok",
                title=said,
            )
        ]
    if assessment.size_class == SmeAssessment.SizeClass.REVIEW:
        return [Note(_("The rules do not decide this case. A helpdesk officer looks at it."), tone="warn", title=said)]
    return [
        Note(
            _("Derived from what the company stated, by the Annex to Recommendation 2003/361/EC."),
            tone="ok",
            title=said,
        )
    ]


def _company(assessment: SmeAssessment) -> list[Part]:
    organisation, end = assessment.organisation, last_day_in_force(assessment)
    rows = [
        (_("Company"), organisation.legal_name),
        (_("Country"), countries.name(organisation.country)),
        (_("Number"), organisation.vat_number or organisation.euid),
        (_("Signed on"), date_format(assessment.declared_on)),
        (_("Rules"), assessment.rule_version),
    ]
    if end is not None:
        rows.append((_("Counts until"), date_format(end)))
    return [Facts(tuple(rows))]


def _answers(trace: dict[str, Any]) -> list[Part]:
    if not trace.get("answers"):
        return []
    return [
        Heading(_("What the company answered")),
        Facts(tuple((term, value) for term, value, _step in answers_in_words(trace["answers"]))),
    ]


def _group(trace: dict[str, Any]) -> list[Part]:
    ownership = derivation.ownership_in(trace)
    if ownership is None or not ownership.holdings:
        return []
    rows = ownership_drawing.rows(ownership, derivation.standings_in(trace))
    return [
        Heading(_("The group")),
        Table(
            (_("Who holds"), _("Part of whom"), _("Share"), _("Control"), _("How it counts")),
            tuple((one.owner, one.owned, one.share, one.control or "–", one.standing) for one in rows),
            widths=(3, 3, 2.2, 2.6, 2.6),
        ),
    ]


def _figures(trace: dict[str, Any]) -> list[Part]:
    ownership = derivation.ownership_in(trace)
    if ownership is None:
        return []
    rows = [
        (party.name, date_format(one.period_end), number(one.awu, 2), money(one.turnover_eur, 0),
         money(one.balance_sheet_eur, 0), _("estimate") if one.basis.value == "estimate" else _("approved"))
        for party in ownership.parties
        for one in sorted(party.periods, key=lambda year: year.period_end, reverse=True)
    ]  # fmt: skip
    head = (_("Company"), _("Year to"), _("Staff"), _("Turnover"), _("Balance sheet"), _("Accounts"))
    return [Heading(_("Figures")), Table(head, tuple(rows), numeric=(2, 3, 4), widths=(3.2, 2, 1.3, 2.1, 2.1, 1.6))]


def _tree(trace: dict[str, Any]) -> list[Part]:
    parts: list[Part] = []
    reasons = derivation.reasons_in(trace)
    if reasons:
        parts += [
            Heading(_("What decided")),
            Bullets(tuple(f"{one['sentence']} ({one['article']})" for one in reasons)),
        ]
    tree = derivation.tree_in(trace)
    if tree:
        parts += [Heading(_("How it was derived")), Tree((_branch(tree),))]
    return parts


def _branch(node: dict[str, Any]) -> Branch:
    said = node["sentence"] if node["label"] in node["sentence"] else f"{node['label']}: {node['sentence']}"
    # A ceiling's sentence holds its figures already.
    facts = [] if node["code"] == Code.CEILING else [f"{label} {value}" for label, value in node["facts"]]
    return Branch(
        label=said,
        note=" · ".join([*facts, node["article"]] if node["article"] else facts),
        children=tuple(_branch(child) for child in node["children"]),
    )


def _papers(assessment: SmeAssessment) -> list[Part]:
    rows = tuple(
        (one.title, subject_label(one.subject), size(one.bytes), one.sha256)
        for one in assessment.evidence.order_by("created_at", "pk")  # type: ignore[attr-defined]
    )
    if not rows:
        return [Heading(_("Papers")), Text(_("No papers were added."))]
    return [
        Heading(_("Papers")),
        Table((_("Title"), _("What it shows"), _("Size"), "SHA-256"), rows, numeric=(2,), widths=(2.6, 1.8, 1, 3.6)),
    ]


def _signature(assessment: SmeAssessment) -> list[Part]:
    signed = assessment.signature or {}
    name = str(signed.get("name") or assessment.declared_by)
    detail = ", ".join(one for one in (str(signed.get("position") or ""), date_format(assessment.declared_on)) if one)
    return [
        Heading(_("Signed")),
        Text(_("I may sign for the company. What is stated here is complete and right to the best of my knowledge.")),
        Signature(name, detail),
    ]
