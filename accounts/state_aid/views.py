"""Public support of a company: what is used and left in each State, what falls out when, the life of every award."""

import csv
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from accounts.models import Organisation
from accounts.permissions import may
from accounts.roles import Action
from accounts.state_aid.case import GENERAL, Law
from accounts.state_aid.keys import organisation_key
from accounts.state_aid.regimes import law_for
from accounts.state_aid.selectors import account_cards, lives_of
from accounts.state_aid.serial import plain
from accounts.state_aid.services import headrooms, undertaking_of
from accounts.state_aid.services.law import Rules
from accounts.state_aid.tables import harmless
from accounts.views.access import in_organisation, organisation_of, organisation_or_none, person
from portal.kernel.clock import today

CSV_COLUMNS = (
    "state",
    "limit",
    "granted_on",
    "amount_eur",
    "regulation",
    "member",
    "source",
    "reference",
    "counts_today",
    "counts_no_more_from",
)


def aid(request: HttpRequest) -> HttpResponse:
    """For visitors, what public support means; for a company, its own account of it."""
    organisation = organisation_or_none(request)
    law = _general_law()
    if organisation is None:
        return render(request, "accounts/aid_explained.html", {"law": law, "limit": _limit(law)})
    accounts = headrooms(organisation=organisation, on=today())
    members = accounts[0].members if accounts else undertaking_of(organisation=organisation, on=today())
    declarations = list(organisation.aid_declarations.select_related("signed_by").order_by("-created_at")[:20])
    context = {
        "organisation": organisation,
        "law": law,
        "limit": _limit(law),
        "accounts": account_cards(accounts, own=organisation_key(organisation.pk)),
        "members": members,
        "lives": lives_of(organisation),
        "declaration": next(iter(declarations), None),
        "declarations": declarations,
        "may_declare": may(person(request), Action.DECLARE, organisation=organisation),
    }
    return render(request, "accounts/aid.html", context)


def _general_law() -> Law | None:
    """The row on which small aid rests today; None when the law has run out and nobody has entered a new one."""
    return law_for(Rules(today()).laws, GENERAL, today())


def _limit(law: Law | None) -> Any:
    return law.limits[0] if law else None


@in_organisation
def aid_csv(request: HttpRequest) -> HttpResponse:
    """Every award and declared grant under every limit, one line each, as the page counts them."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="public-support.csv"'
    answer.write("\ufeff")
    writer = csv.writer(answer)
    writer.writerow(CSV_COLUMNS)
    for account in headrooms(organisation=organisation_of(request), on=today()):
        names = {member.key: member.name for member in account.members}
        for room in account.rooms:
            for item in room.items:
                if item.why in ("other_state", "other_pool", "other_undertaking"):
                    continue
                one = item.aid
                row = [account.state, room.code, one.granted_on.isoformat(), str(item.amount_eur), one.regime]
                row += [names.get(one.member, ""), one.source, one.reference, "yes" if item.counted else "no"]
                row.append(item.falls_out_on.isoformat() if item.falls_out_on else "")
                writer.writerow([harmless(cell) for cell in row])
    return answer


@in_organisation
def aid_json(request: HttpRequest) -> JsonResponse:
    """The whole account for machines: limits with what uses them up, awards with their life, declarations."""
    organisation = organisation_of(request)
    accounts = headrooms(organisation=organisation, on=today())
    answer = {
        "organisation": {"id": str(organisation.pk), "legal_name": organisation.legal_name},
        "on": today().isoformat(),
        "undertaking": plain(undertaking_of(organisation=organisation, on=today())),
        "accounts": [{"state": one.state, "limits": plain(one.rooms)} for one in accounts],
        "awards": [_award_for_machines(life) for life in lives_of(organisation)],
        "declarations": _declarations_for_machines(organisation),
    }
    response = JsonResponse(answer, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = 'attachment; filename="public-support.json"'
    return response


def _award_for_machines(life: Any) -> dict[str, Any]:
    first = life.first
    return {
        "award": str(life.award),
        "reference": first.reference,
        "granting_state": first.granting_state,
        "granting_authority": first.granting_authority,
        "regulation": first.regime,
        "granted_on": first.granted_on.isoformat(),
        "standing_eur": str(life.standing),
        "valuation": first.valuation,
        "register_reference": life.register.reference if life.register else "",
        "rows": [
            {"event": row.event, "amount_eur": str(row.amount_eur), "recorded_at": row.created_at.isoformat(),
             "reason": row.reason}
            for row in life.rows
        ],
    }  # fmt: skip


def _declarations_for_machines(organisation: Organisation) -> list[dict[str, Any]]:
    return [
        {"signed_on": one.signed_on.isoformat(), "items": one.items, "statements": one.statements}
        for one in organisation.aid_declarations.order_by("-created_at")
    ]
