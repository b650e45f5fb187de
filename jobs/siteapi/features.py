"""Which protocols and features the portal speaks, and what it has in common with an agent."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from portal.kernel.errors import DomainError

# Oldest first: the last one that both sides know is spoken.
PROTOCOLS = ("1",)
FEATURES = frozenset(
    {
        "drain",
        "keys",
        "manifest_signature",
        "partitions",
        "provisional",
        "reconciliation",
        "removal",
        "signed_inputs",
    }
)


def common_protocol(offered: Any) -> str:
    """The newest protocol that both sides speak. An agent that names none means the first."""
    named = offered if isinstance(offered, list) and offered else [PROTOCOLS[0]]
    for protocol in reversed(PROTOCOLS):
        if protocol in named:
            return protocol
    raise DomainError(
        "protocol_unknown",
        _("This portal speaks protocol %(known)s only. Update the agent.") % {"known": ", ".join(PROTOCOLS)},
        status=400,
    )


def common_features(description: Mapping[str, Any]) -> list[str]:
    """The features that both sides know, in alphabetical order."""
    named = description.get("features")
    return (
        sorted(FEATURES.intersection(one for one in named if isinstance(one, str))) if isinstance(named, list) else []
    )
