"""Who is looking at the page: what the frame around it needs to know.

The ground cannot import the apps above it. `accounts` registers one reader from its AppConfig; until it does, the frame
shows what the request itself tells.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

MEMBER, HELPDESK, OPERATOR = "member", "helpdesk", "operator"
ADMINISTRATOR, AUDITOR = "administrator", "auditor"


@dataclass(frozen=True)
class Choice:
    """One organisation the person can switch to."""

    id: Any
    name: str
    current: bool = False


@dataclass(frozen=True)
class Visitor:
    name: str
    email: str
    roles: frozenset[str] = frozenset()
    organisation: str = ""
    organisations: Sequence[Choice] = field(default=())
    unread: int = 0

    @property
    def initials(self) -> str:
        """One or two letters for the round badge; the full name is always read out beside it."""
        words = [word for word in self.name.replace("@", " ").replace(".", " ").split() if word]
        picked = [words[0], words[-1]] if len(words) > 1 and "@" not in self.name else words[:1]
        return "".join(word[0] for word in picked).upper()


Reader = Callable[[HttpRequest], Visitor | None]
_reader: Reader | None = None


def register_reader(reader: Reader) -> None:
    """Called once, by the app that knows people. The reader costs at most three queries and fails loudly."""
    global _reader
    _reader = reader


def visitor_of(request: HttpRequest) -> Visitor | None:
    """The signed-in person, or None."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    if _reader is not None:
        return _reader(request)
    email = str(getattr(user, "email", ""))
    organisation = getattr(request, "organisation", None)
    return Visitor(
        name=user.get_full_name() if hasattr(user, "get_full_name") else email,
        email=email,
        roles=frozenset({MEMBER} if organisation else ()),
        organisation=str(organisation or ""),
    )
