"""What every page of this app starts with: somebody signed in, and the organisation they work for."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from portal.kernel.errors import DomainError

View = Callable[..., HttpResponse]


def in_organisation(view: View) -> View:
    """Signed in and working for an organisation; others are led to choose or found one."""

    @login_required
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if organisation_or_none(request) is None:
            messages.info(request, _("Choose or register an organisation first."))
            return redirect("accounts:organisation")
        return view(request, *args, **kwargs)

    return wrapped


def organisation_or_none(request: HttpRequest) -> Organisation | None:
    return request.organisation  # type: ignore[attr-defined]


def organisation_of(request: HttpRequest) -> Organisation:
    """The organisation the person works for; only inside views that `in_organisation` guards."""
    return cast(Organisation, organisation_or_none(request))


def person(request: HttpRequest) -> User:
    """The signed-in person; only inside views that ask for sign-in."""
    return cast(User, request.user)


def add_refusal(form: forms.Form, error: DomainError) -> None:
    """Puts a rule's refusal beside the field it names, else above the form."""
    form.add_error(error.field if error.field in form.fields else None, error.sentence)


def way_back(request: HttpRequest, default: str) -> str:
    """The page the form asked to return to, if it is one of ours."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and safe else default


def as_uuid(text: str) -> UUID:
    """An id from a form; what is none leads to 404 like an id of somebody else's."""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
