"""Keys of undertakings: what stands for a company in links, events and awards, on this portal or not."""

from uuid import UUID, uuid5

# The name space of lock rows for undertakings that are no organisation of this portal.
_ELSEWHERE = UUID("6f0a7c4e-3c55-5d0b-9a53-0c6a3d1f2b11")


def organisation_key(pk: UUID | str) -> str:
    return f"org:{pk}"


def organisation_id(key: str) -> UUID | None:
    """The organisation's id in a key `org:…`, None for every other key."""
    kind, _colon, rest = key.partition(":")
    return UUID(rest) if kind == "org" else None


def outside_key(*, vat_number: str = "", euid: str = "") -> str:
    """The key of a company by its number, the VAT number first; "" when neither is known."""
    if vat_number:
        return f"vat:{vat_number}"
    return f"euid:{euid}" if euid else ""


def names_a_company(key: str) -> bool:
    """Whether the key could be a company that others know too; a party is known to the one that stated it alone."""
    return not key.startswith("party:")


def lock_id(key: str) -> UUID:
    """The id under which decisions about this undertaking wait for one another."""
    return organisation_id(key) or uuid5(_ELSEWHERE, key)
