"""What stays when somebody leaves, for how long and why; and what of a company's papers goes with its last person.

Aid records are kept for ten years from the grant: Regulation (EU) 2023/2831, Art 6(3) and (7); for aid under a block
exemption Regulation (EU) No 651/2014, Art 12, and under Art 5(2)(ga) ten years from the last aid of the scheme. The
right to erasure gives way to that duty (GDPR, Art 17(3)(b)). Everything else goes, or loses the name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import (
    AidDeclaration,
    AidDuty,
    ControlStatement,
    Evidence,
    Holding,
    InformationRequest,
    LegalParameter,
    Organisation,
    OwnershipStatement,
    Party,
    RegisterExport,
    SizeReview,
    SmeAssessment,
    UndertakingEvent,
    User,
)

AID_RECORD_YEARS = 10


@dataclass(frozen=True)
class Kept:
    """One kind of record that outlives an account. `named` says whether it still shows who signed."""

    code: str
    what: str | Promise
    years: int
    why: str | Promise
    named: bool


KEPT: tuple[Kept, ...] = (
    Kept(
        "awards",
        _("Awards of public support, the verdicts behind them and the letters about them"),
        AID_RECORD_YEARS,
        _("Regulation (EU) 2023/2831, Article 6(3); Regulation (EU) No 651/2014, Article 12"),
        False,
    ),
    Kept(
        "declarations",
        _("Signed declarations of other support and of the company's size, with the name typed as signature"),
        AID_RECORD_YEARS,
        _("They are the proof on which a grant rests; a signature without a name proves nothing"),
        True,
    ),
    Kept(
        "evidence",
        _("Papers that were handed in with a signed declaration, and the owners named in it"),
        AID_RECORD_YEARS,
        _("The size and the group must be open to recomputation for as long as the award is"),
        True,
    ),
    Kept(
        "group",
        _("Statements and events about the company's group, and officers' answers about its size"),
        AID_RECORD_YEARS,
        _("They decide whose support is counted together"),
        False,
    ),
)


def kept_until(granted_on: date, years: int = AID_RECORD_YEARS) -> date:
    """The last day on which the record of a grant must be there; 29 February looks ahead to 28 February."""
    leap = (granted_on.month, granted_on.day) == (2, 29)
    return granted_on.replace(year=granted_on.year + years, day=28 if leap else granted_on.day)


def export_signed(person: User) -> dict[str, Any]:
    """Everything about size and public support that the person signed, handed in, stated or decided, as JSON values."""
    return {
        "signed_size_declarations": [
            {"organisation": str(one.organisation), "on": one.declared_on.isoformat(), "size": one.size_class,
             "signature": one.signature}
            for one in SmeAssessment.objects.filter(declared_by=person).select_related("organisation")
        ],
        "signed_aid_declarations": [
            {"organisation": str(one.organisation), "on": one.signed_on.isoformat(), "items": one.items,
             "statements": one.statements, "signature": one.signature}
            for one in AidDeclaration.objects.filter(signed_by=person).select_related("organisation")
        ],
        "papers_handed_in": [
            {"organisation": str(one.organisation), "title": one.title, "file": one.filename, "sha256": one.sha256,
             "signed": one.assessment_id is not None}
            for one in Evidence.objects.filter(uploaded_by=person).select_related("organisation")
        ],
        "size_reviews_decided": [
            {"on": one.decided_on.isoformat(), "size": one.size_class, "reason": one.reason}
            for one in SizeReview.objects.filter(decided_by=person)
        ],
        "group_statements": [
            {"controller": one.controller_name, "controlled": one.controlled_name, "from": one.valid_from.isoformat(),
             "role": "stated" if one.stated_by_id == person.pk else "confirmed"}
            for one in _either(ControlStatement, person)
        ],
        "group_statements_refused": [
            {"controller": one.controller_name, "controlled": one.controlled_name, "reason": one.refused_reason}
            for one in ControlStatement.objects.filter(refused_by=person)
        ],
        "group_events": [
            {"kind": one.kind, "on": one.on.isoformat(),
             "role": "stated" if one.stated_by_id == person.pk else "confirmed"}
            for one in _either(UndertakingEvent, person)
        ],
        "duties_done": [
            {"kind": one.kind, "subject": one.subject, "on": one.done_on.isoformat() if one.done_on else None}
            for one in AidDuty.objects.filter(done_by=person)
        ],
        "register_files_made": [
            {"profile": one.profile, "format": one.format, "at": one.created_at.isoformat()}
            for one in RegisterExport.objects.filter(made_by=person)
        ],
        "information_requests_answered": [
            {"reference": one.reference, "on": one.answered_on.isoformat() if one.answered_on else None}
            for one in InformationRequest.objects.filter(answered_by=person)
        ],
        "legal_parameters_entered": [
            {"key": one.key, "state": one.state, "from": one.valid_from.isoformat()}
            for one in LegalParameter.objects.filter(entered_by=person)
        ],
        "kept_after_deletion": [
            {"what": str(one.what), "years": one.years, "why": str(one.why), "with_name": one.named} for one in KEPT
        ],
    }  # fmt: skip


def _either(model: Any, person: User) -> Iterable[Any]:
    return model.objects.filter(stated_by=person) | model.objects.filter(confirmed_by=person)


def forget_working_papers(person: User) -> list[Organisation]:
    """Removes what companies had not signed yet where this person is the last one: owners, holdings, answers, papers.

    The company's own row stays with its figures, because awards point to it. Call it before the person's roles go.
    Returns the organisations that were emptied. Files go after the commit, so that a failure leaves none behind.
    """
    emptied = [
        organisation
        for organisation in Organisation.objects.filter(role_grants__user=person).distinct()
        if not organisation.role_grants.exclude(user=person).filter(user__is_active=True).exists()
    ]
    for organisation in emptied:
        cited = UndertakingEvent.objects.filter(evidence__isnull=False).values("evidence")
        for paper in Evidence.objects.filter(organisation=organisation, assessment=None).exclude(pk__in=cited):
            _delete_after_commit(paper)
        Holding.objects.filter(organisation=organisation).delete()
        OwnershipStatement.objects.filter(organisation=organisation).delete()
        Party.objects.filter(organisation=organisation).delete()
    return emptied


def _delete_after_commit(paper: Evidence) -> None:
    storage, name = paper.file.storage, paper.file.name
    paper.delete()
    transaction.on_commit(lambda: storage.delete(name))
