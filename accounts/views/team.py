"""The team: who works here, invitations, joining and leaving."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import services
from accounts.adapters import INVITATION_KEY
from accounts.forms.organisation import InviteForm, TeamRoleForm
from accounts.models import Invitation, User
from accounts.permissions import may, require
from accounts.roles import Action
from accounts.selectors import people_of
from accounts.services.team import open_invitations
from accounts.views.access import add_refusal, in_organisation, organisation_of, person
from portal.kernel.clock import now
from portal.kernel.errors import DomainError


@in_organisation
def team(request: HttpRequest) -> HttpResponse:
    """Everybody who works here; owners also invite."""
    organisation = organisation_of(request)
    manages = may(person(request), Action.MANAGE_TEAM, organisation=organisation)
    form = InviteForm(request.POST or None)
    if request.method == "POST":
        require(person(request), Action.MANAGE_TEAM, organisation=organisation)
        if form.is_valid():
            try:
                invitation, token = services.invite(
                    actor=person(request), organisation=organisation, at=now(), **form.cleaned_data
                )
            except DomainError as error:
                add_refusal(form, error)
            else:
                link = request.build_absolute_uri(reverse("accounts:invitation", args=[token]))
                request.session["invitation_sent"] = {"email": invitation.email, "link": link}
                return redirect("accounts:team")
    context = {
        "organisation": organisation,
        "grants": organisation.role_grants.select_related("user").order_by("user__full_name", "user__email"),
        "invitations": open_invitations(organisation, now()) if manages else [],
        "sent": request.session.pop("invitation_sent", None),
        "manages": manages,
        "form": form,
    }
    return render(request, "accounts/team.html", context)


@in_organisation
@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    invitation = get_object_or_404(Invitation, pk=pk, organisation=organisation_of(request))
    services.revoke_invitation(actor=person(request), invitation=invitation, at=now())
    messages.success(request, _("The invitation for %(email)s is withdrawn.") % {"email": invitation.email})
    return redirect("accounts:team")


@in_organisation
def member(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One person of the team: role and removal. Everybody may look at themselves and leave."""
    organisation = organisation_of(request)
    somebody = get_object_or_404(people_of(organisation), pk=pk)
    if somebody != request.user:
        require(person(request), Action.MANAGE_TEAM, organisation=organisation)
    form = TeamRoleForm(request.POST or None)
    problem = ""
    if request.method == "POST":
        try:
            return _change_member(request, somebody, form)
        except DomainError as error:
            problem = error.sentence
    context = {
        "organisation": organisation,
        "somebody": somebody,
        "grant": organisation.role_grants.filter(user=somebody).first(),
        "manages": may(person(request), Action.MANAGE_TEAM, organisation=organisation),
        "problem": problem,
        "choices": TeamRoleForm.base_fields["role"].choices,  # type: ignore[attr-defined]
    }
    return render(request, "accounts/member.html", context, status=409 if problem else 200)


def _change_member(request: HttpRequest, somebody: User, form: TeamRoleForm) -> HttpResponse:
    organisation = organisation_of(request)
    if request.POST.get("action") == "remove":
        services.remove_person(actor=person(request), organisation=organisation, person=somebody)
        if somebody == request.user:
            messages.success(request, _("You left %(name)s.") % {"name": organisation})
            return redirect("home")
        messages.success(request, _("%(name)s no longer works for the organisation.") % {"name": somebody})
        return redirect("accounts:team")
    if form.is_valid():
        services.change_role(
            actor=person(request), organisation=organisation, person=somebody, role=form.cleaned_data["role"]
        )
        messages.success(request, _("The role of %(name)s is changed.") % {"name": somebody})
    return redirect("accounts:team")


def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of an invitation: first who invites, then, signed in, one button to join.

    Whoever is not signed in keeps the token in the session and comes back here after signing in or up.
    """
    found = services.find_invitation(token=token, at=now())
    if found is None and not (request.method == "POST" and request.user.is_authenticated):
        request.session.pop(INVITATION_KEY, None)
        return render(request, "accounts/invitation_gone.html", status=404)
    if not request.user.is_authenticated:
        request.session[INVITATION_KEY] = token
        return render(request, "accounts/invitation.html", {"invitation": found, "signed_out": True})
    if request.method == "POST":
        return _join(request, token)
    return render(request, "accounts/invitation.html", {"invitation": found})


@login_required
def _join(request: HttpRequest, token: str) -> HttpResponse:
    request.session.pop(INVITATION_KEY, None)
    grant = services.accept_invitation(actor=person(request), token=token, at=now())
    messages.success(request, _("Welcome: you now work for %(name)s.") % {"name": grant.organisation})
    return redirect("home")
