"""A stored derivation of size as pages and papers show it. What was kept by older rules is shown as far as it goes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from accounts import size_wording
from accounts.ownership_drawing import Standing
from accounts.sme.codes import REVIEW_CODES
from accounts.sme.graph import Ownership, ownership_from_json


def tree_in(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    """The derivation for a template (`size_wording.tree_of`); None where none was kept."""
    return size_wording.tree_of(stored["tree"]) if stored.get("tree") else None


def reasons_in(stored: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What decided, as sentence, article and whether a person must look; open points first."""
    found = [
        {"sentence": size_wording.sentence(one), "article": one["article"], "is_open": one["code"] in REVIEW_CODES}
        for one in stored.get("reasons", [])
    ]
    return sorted(found, key=lambda one: not one["is_open"])


def standings_in(stored: Mapping[str, Any]) -> dict[str, Standing]:
    """How each party stands to the company, by its identifier."""
    return {
        one["party"]: Standing(one["kind"], None if one["share"] is None else Decimal(one["share"]))
        for one in stored.get("relations", [])
    }


def ownership_in(trace: Mapping[str, Any]) -> Ownership | None:
    """The graph as it was signed."""
    stored = trace.get("inputs", {}).get("ownership")
    return ownership_from_json(stored) if stored else None
