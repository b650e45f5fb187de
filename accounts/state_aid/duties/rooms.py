"""What the pages about duties share: who may enter, which State is looked at, and the way between the pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import countries
from accounts.models import AidAward
from accounts.permissions import require
from accounts.roles import Action
from accounts.state_aid.duties.scope import all_states, states_kept_by, states_seen_by
from accounts.views.access import person

View = Callable[..., HttpResponse]
ROOMS = ("duties", "register", "references", "yearly", "requests")


def for_officers(view: View) -> View:
    """Officers of a granting State, administrators and auditors; anybody else is told why not."""

    @login_required
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        states = states_seen_by(person(request))
        if states is not None and not states:
            require(person(request), Action.KEEP_REGISTER)
        return view(request, *args, **kwargs)

    return wrapped


def rooms(current: str) -> list[dict[str, Any]]:
    """The pages of this chapter, as tabs."""
    labels = {
        "duties": _("Duties"),
        "register": _("Register files"),
        "references": _("Registers' answers"),
        "yearly": _("Yearly totals"),
        "requests": _("Requests for information"),
    }
    return [
        {"url": reverse(f"accounts:{room}"), "label": labels[room], "count": None, "current": room == current}
        for room in ROOMS
    ]


def state_choices(request: HttpRequest, *, to_keep: bool = False) -> list[tuple[str, str]]:
    """The States this person may look at (or keep the register of), by name."""
    user = person(request)
    states = states_kept_by(user) if to_keep else states_seen_by(user)
    if states is None:
        granted = AidAward.objects.order_by().values_list("granting_state", flat=True).distinct()
        states = frozenset(all_states()) | frozenset(granted)
    return sorted(((code, countries.name(code)) for code in states), key=lambda pair: pair[1])
