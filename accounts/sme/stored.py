"""An assessment as JSON: what it was given, what it found, and deriving it again by the rules of its time."""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from accounts.sme.graph import (
    ChangeMode,
    Ownership,
    figures_to_json,
    node_to_json,
    ownership_from_json,
    ownership_to_json,
)
from accounts.sme.rules import RULE_VERSION, Classification, classify


class UnknownRuleVersion(ValueError):
    """An assessment was stored by rules that this version of the portal does not hold."""


def inputs_to_json(ownership: Ownership, on: date, mode: ChangeMode = ChangeMode.REVIEW) -> dict[str, Any]:
    """Everything `classify` was given and the rules that judged it, to be stored beside the answer."""
    return {
        "rule_version": RULE_VERSION,
        "on": on.isoformat(),
        "mode": mode.value,
        "ownership": ownership_to_json(ownership),
    }


def replay(inputs: Mapping[str, Any]) -> Classification:
    """Derives a stored classification again, by the rules of its time. Raises UnknownRuleVersion."""
    version = inputs.get("rule_version")
    rules = VERSIONS.get(version) if isinstance(version, str) else None
    if rules is None:
        known = ", ".join(VERSIONS)
        raise UnknownRuleVersion(f"stored by the rules {version!r}; this portal holds {known}")
    ownership = ownership_from_json(inputs["ownership"])
    return rules(ownership, date.fromisoformat(inputs["on"]), ChangeMode(inputs["mode"]))


VERSIONS: Mapping[str, Callable[[Ownership, date, ChangeMode], Classification]] = MappingProxyType(
    {RULE_VERSION: classify}
)


def classification_to_json(classification: Classification) -> dict[str, Any]:
    figures = classification.figures
    return {
        "size": classification.size.value,
        "basis": classification.basis.value if classification.basis else None,
        "rule_version": classification.rule_version,
        "figures": figures_to_json(figures) if figures else None,
        "closings": [figures_to_json(one) for one in classification.closings],
        "relations": [
            {
                "party": one.party,
                "kind": one.kind.value,
                "share": None if one.share is None else str(one.share),
                "why": node_to_json(one.why),
            }
            for one in classification.relations
        ],
        "reasons": [node_to_json(one) for one in classification.reasons],
        "tree": node_to_json(classification.tree),
    }
