"""A stored verdict as its page shows it. Reads the stored JSON alone, so that old verdicts show what they were."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from accounts.models import AidAssessment, Organisation
from accounts.state_aid.selectors import place_name, regulation_name
from accounts.state_aid.wording import limit_name, reason_sentence

WEIGHTS = {"allowed": "ok", "needs_review": "warn", "refused": "bad"}


def shown(stored: AidAssessment) -> dict[str, Any]:
    """Everything for the template: facts of the case, reasons with their sentences, rooms with their items."""
    verdict, inner = stored.verdict, stored.case.get("case")
    inner = inner if isinstance(inner, Mapping) else {}
    basis = verdict.get("basis", stored.regime)
    laws = [_with_days(one, "valid_from", "valid_to") for one in inner.get("law", ())]
    return {
        "verdict": verdict,
        "intended": inner,
        "authority": stored.case.get("authority", ""),
        "place": place_name(inner.get("granting_state", "")) if inner else "",
        "basis": regulation_name(basis),
        "reasons": [_reason(one) for one in verdict.get("reasons", ())],
        "rooms": [_room(one) for one in verdict.get("rooms", ())],
        "group": _named(verdict.get("group", ())),
        "links": [_with_days(one, "valid_from", "valid_to") for one in inner.get("links", ())],
        "events": [_with_days(one, "on") for one in inner.get("events", ())],
        "laws": [one for one in laws if one["code"] == basis],
        "other_laws": [one for one in laws if one["code"] != basis],
        "policy": sorted(inner.get("policy", {}).items()),
    }


def _named(keys: Iterable[str]) -> list[tuple[str, str]]:
    """(key, today's name) of each member; the name is "" for companies that are not on this portal. One query."""
    ids = {key: pk for key in keys if (pk := _organisation_id(key))}
    names = {str(one.pk): one.legal_name for one in Organisation.objects.filter(pk__in=ids.values())}
    return [(key, names.get(ids.get(key, ""), "")) for key in keys]


def _organisation_id(key: str) -> str:
    kind, _colon, rest = key.partition(":")
    try:
        return str(UUID(rest)) if kind == "org" else ""
    except ValueError:
        return ""


def _reason(stored: Mapping[str, Any]) -> dict[str, Any]:
    """As the list of checks wants it."""
    return {
        "outcome": WEIGHTS.get(stored["weight"], "unknown"),
        "title": reason_sentence(stored["code"], stored.get("values", {})),
        "text": f"{stored['article']} · {stored['code']}",
    }


def _room(stored: Mapping[str, Any]) -> dict[str, Any]:
    items = [
        {**one, "aid": _with_days(one["aid"], "granted_on"), **_with_days({"falls_out_on": one["falls_out_on"]},
         "falls_out_on")}
        for one in stored["items"]
    ]  # fmt: skip
    return {**_with_days(stored, "window_from"), "name": limit_name(stored["code"]), "items_of": items}


def _with_days(stored: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {**stored, **{name: date.fromisoformat(stored[name]) for name in names if stored.get(name)}}
