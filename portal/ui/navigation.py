"""The main navigation as a table: which room, under which word, for whom."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.ui.visitors import ADMINISTRATOR, AUDITOR, HELPDESK, MEMBER, OPERATOR, Visitor

ANYONE, VISITOR = "anyone", "signed out"


@dataclass(frozen=True)
class Room:
    """An entry of the navigation. `owns` are view names, or prefixes ending in *, that lie in this room."""

    view: str
    label: str | Promise
    roles: frozenset[str]
    owns: tuple[str, ...] = ()

    def holds(self, view: str) -> bool:
        return view == self.view or any(
            view.startswith(name[:-1]) if name.endswith("*") else view == name for name in self.owns
        )


def _for(*roles: str) -> frozenset[str]:
    return frozenset(roles)


ROOMS: tuple[Room, ...] = (
    Room("jobs:queue", _("Queue"), _for(HELPDESK), ("jobs:review*", "jobs:queue*")),
    Room("jobs:supported", _("Public support"), _for(HELPDESK), ("jobs:supported*",)),
    Room("accounts:size_reviews", _("Company sizes"), _for(HELPDESK), ("accounts:size_review*",)),
    Room("jobs:operated_sites", _("Operations"), _for(OPERATOR, ADMINISTRATOR), ("jobs:operated*", "jobs:discrepanc*")),
    Room("jobs:dashboard", _("Dashboard"), _for(MEMBER)),
    Room("catalog:models", _("Models"), _for(ANYONE), ("catalog:model*", "catalog:compare*")),
    Room("catalog:sites", _("Sites"), _for(ANYONE), ("catalog:site*", "jobs:matching*")),
    Room("accounts:aid", _("Public support"), _for(VISITOR)),
    Room("jobs:wizard_start", _("Fine-tuning"), _for(MEMBER), ("jobs:wizard*",)),
    Room("jobs:jobs", _("Jobs"), _for(MEMBER, HELPDESK, ADMINISTRATOR), ("jobs:job", "jobs:job_*")),
    Room("models_hub:datasets", _("Data"), _for(MEMBER), ("models_hub:dataset*",)),
    Room("models_hub:results", _("Results"), _for(MEMBER), ("models_hub:result*",)),
    Room("jobs:applications", _("Access"), _for(MEMBER), ("jobs:application*", "jobs:allocation*")),
    Room("jobs:usage", _("Usage"), _for(MEMBER), ("jobs:usage*",)),
    Room("jobs:allocations", _("Allocations"), _for(HELPDESK, ADMINISTRATOR), ("jobs:allocation",)),
    Room(
        "accounts:duties",
        _("Duties"),
        _for(HELPDESK, ADMINISTRATOR, AUDITOR),
        (
            "accounts:duty*",
            "accounts:register*",
            "accounts:references",
            "accounts:yearly*",
            "accounts:request*",
        ),
    ),
    Room("accounts:administration", _("Administration"), _for(ADMINISTRATOR), ("accounts:administration*",)),
    Room("accounts:aid_ledger", _("Aid ledger"), _for(AUDITOR), ("accounts:aid_*",)),
    Room("accounts:audit", _("Audit"), _for(ADMINISTRATOR, AUDITOR), ("accounts:audit*",)),
)


@dataclass(frozen=True)
class Entry:
    url: str
    label: str | Promise
    current: str  # "page" on the room's own page, "true" deeper inside it, "" elsewhere


def address(view: str, **kwargs: object) -> str:
    """The URL of a view, or "" while that room is not built."""
    try:
        return reverse(view, kwargs=kwargs or None)
    except NoReverseMatch:
        return ""


def entries(visitor: Visitor | None, view: str, rooms: Iterable[Room] = ROOMS) -> list[Entry]:
    """The rooms this person can enter, in order. Rooms without a page are not shown."""
    roles = {ANYONE, VISITOR} if visitor is None else {ANYONE, *visitor.roles}
    open_rooms = [(room, url) for room in rooms if room.roles & roles and (url := address(room.view))]
    here = next((room for room, _url in open_rooms if room.view == view), None)
    if here is None:
        here = next((room for room, _url in open_rooms if room.holds(view)), None)
    return [
        Entry(url, room.label, "" if room is not here else "page" if room.view == view else "true")
        for room, url in open_rooms
    ]
