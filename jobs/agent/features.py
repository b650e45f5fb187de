"""What this agent can do beyond the first version of the protocol. The portal uses what both sides name."""

from jobs.agent import PROTOCOL

PROTOCOLS = (PROTOCOL,)
FEATURES = (
    "drain",
    "keys",
    "manifest_signature",
    "partitions",
    "provisional",
    "reconciliation",
    "removal",
    "signed_inputs",
)


class ProtocolUnknown(Exception):
    """The portal chose a protocol that this agent does not speak."""


def agreed(answer: dict[str, object]) -> frozenset[str]:
    """The features both sides know, as the portal's answer to a session says; an older portal names none."""
    if answer.get("protocol", PROTOCOL) not in PROTOCOLS:
        raise ProtocolUnknown(f"The portal speaks protocol {answer['protocol']}; update this agent.")
    named = answer.get("features")
    return frozenset(FEATURES).intersection(named if isinstance(named, list) else [])
