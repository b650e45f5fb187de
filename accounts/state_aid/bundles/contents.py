"""The files of a bundle, by name. The same rows give the same bytes; nothing here reads a clock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from accounts.models import AidAssessment, AidAward, AidDeclaration, AidDuty, AidLetter, InformationRequest
from accounts.state_aid import rules
from accounts.state_aid.bundles.sources import decisions
from accounts.state_aid.letters.services import filename as letter_name
from accounts.state_aid.letters.services import pdf_of
from accounts.state_aid.registers.facts import facts_of
from accounts.state_aid.registers.files import Sheet, as_csv
from accounts.state_aid.threads import Thread, threads_of


@dataclass(frozen=True)
class Scope:
    """What was asked about. Empty means all of the State's."""

    state: str
    organisations: tuple[UUID, ...] = ()
    since: date | None = None
    until: date | None = None


def scope_of(request: InformationRequest) -> Scope:
    asked = request.scope
    since, until = (date.fromisoformat(asked[name]) if asked.get(name) else None for name in ("from", "to"))
    return Scope(request.granting_state, tuple(UUID(one) for one in asked.get("organisations", ())), since, until)


def threads_in(scope: Scope) -> list[Thread]:
    """Every award in scope, those that are no aid included: why they are none is part of the answer."""
    rows = AidAward.objects.filter(granting_state=scope.state)
    rows = rows.filter(organisation__in=scope.organisations) if scope.organisations else rows
    rows = rows.filter(granted_on__gte=scope.since) if scope.since else rows
    rows = rows.filter(granted_on__lte=scope.until) if scope.until else rows
    return threads_of(rows)


def files_of(threads: list[Thread]) -> dict[str, bytes]:
    """Everything about these awards, by file name."""
    awards = [thread.award for thread in threads]
    duties = list(AidDuty.objects.filter(award__in=awards).order_by("created_at", "pk"))
    files = {
        "awards.csv": _awards_csv(threads, duties),
        "awards.json": _json([_thread(thread) for thread in threads]),
        "duties.json": _json([_duty(duty) for duty in duties]),
    }
    assessments = {row.assessment.pk: row.assessment for thread in threads for row in thread.rows if row.assessment}
    replays = {}
    for pk, assessment in assessments.items():
        files[f"assessments/{pk}.json"] = _json(_assessment(assessment))
        replays[str(pk)] = replay(assessment)
    files["replay.json"] = _json(replays)
    for declaration in _declarations(threads):
        files[f"declarations/{declaration.pk}.json"] = _json(_declaration(declaration))
    for letter in AidLetter.objects.filter(award__in=awards).order_by("created_at", "pk"):
        files[f"letters/{letter_name(letter)}"] = pdf_of(letter)[0]
    for name, said in decisions(awards):
        files[f"decisions/{name}.json"] = _json(said)
    return dict(sorted(files.items()))


def replay(assessment: AidAssessment) -> str:
    """ "same" when the stored inputs give the stored verdict today, "different", or why it could not be computed."""
    try:
        again = rules.replay(assessment.case)
    except Exception as error:
        return f"not computed: {type(error).__name__}"
    return "same" if again == assessment.verdict else "different"


def _awards_csv(threads: list[Thread], duties: list[AidDuty]) -> bytes:
    rows = [dict(facts_of(thread, duties)) for thread in threads]
    columns = [(name, "amount" if name.endswith("_eur") else "text") for name in (rows[0] if rows else {"entry": ""})]
    return as_csv(Sheet("Awards", columns, rows, {}))


def _thread(thread: Thread) -> dict[str, Any]:
    return {
        "award": str(thread.award),
        "entry": thread.entry,
        "organisation": str(thread.first.organisation_id),
        "counts_as_aid": thread.counts_as_aid,
        "amount_eur": str(thread.amount_eur),
        "rows": [
            {
                "event": row.event,
                "amount_eur": str(row.amount_eur),
                "granted_on": row.granted_on.isoformat(),
                "recorded_at": row.created_at.isoformat(),
                "origin": row.origin,
                "regime": row.regime,
                "authority": row.granting_authority,
                "scheme": row.scheme.code if row.scheme else "",
                "valuation": row.valuation,
                "beneficiary": row.beneficiary,
                "assessment": str(row.assessment_id or ""),
                "reason": row.reason,
            }
            for row in thread.rows
        ],
    }


def _duty(duty: AidDuty) -> dict[str, str]:
    return {
        "award": str(duty.award),
        "kind": duty.kind,
        "state": str(duty.state),
        "opened_on": duty.opened_on.isoformat(),
        "due_on": duty.due_on.isoformat(),
        "done_on": duty.done_on.isoformat() if duty.done_on else "",
        "reference": duty.reference,
    }


def _assessment(assessment: AidAssessment) -> dict[str, Any]:
    return {
        "id": str(assessment.pk),
        "organisation": str(assessment.organisation_id),
        "on": assessment.on.isoformat(),
        "regime": assessment.regime,
        "rule_version": assessment.rule_version,
        "outcome": assessment.outcome,
        "case": assessment.case,
        "verdict": assessment.verdict,
    }


def _declarations(threads: list[Thread]) -> list[AidDeclaration]:
    organisations = {thread.first.organisation_id for thread in threads}
    return list(AidDeclaration.objects.filter(organisation__in=organisations).order_by("created_at", "pk"))


def _declaration(declaration: AidDeclaration) -> dict[str, Any]:
    return {
        "id": str(declaration.pk),
        "organisation": str(declaration.organisation_id),
        "signed_on": declaration.signed_on.isoformat(),
        "signature": declaration.signature,
        "items": declaration.items,
        "statements": declaration.statements,
    }


def _json(value: Mapping[str, Any] | list[Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
