"""What no rule decides about the size of a company: an officer reads everything stated and decides, with a reason."""

from datetime import date

from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import SizeReview, SmeAssessment, User
from accounts.notices import notify
from accounts.permissions import require_somewhere
from accounts.roles import Action
from accounts.selectors import owners_of
from portal.kernel.errors import DomainError, NotAllowed

SIZE = SmeAssessment.SizeClass


def works_for(actor: User, assessment: SmeAssessment) -> bool:
    """Whether the officer is one of the company's own people, and so must leave the decision to somebody else."""
    return any(grant.organisation_id == assessment.organisation_id for grant in actor.role_grants.all())


@transaction.atomic
def decide_size(*, actor: User, assessment: SmeAssessment, size_class: str, reason: str, on: date) -> SizeReview:
    """Appends the officer's decision; the newest one counts. Pressed twice it is one decision.

    Raises NotAllowed (no officer, or one of the company's own people) and DomainError: not_for_review, superseded,
    size_class.
    """
    require_somewhere(actor, Action.REVIEW_SIZE)
    if works_for(actor, assessment):
        raise NotAllowed(
            "own_company", _("You work for this company, so somebody else must decide. Ask another officer to do it.")
        )
    locked = SmeAssessment.objects.select_for_update().select_related("organisation").get(pk=assessment.pk)
    if locked.size_class != SIZE.REVIEW:
        raise DomainError("not_for_review", _("The rules decided this statement; nobody asked for a person."))
    if locked.organisation.sme_assessments.filter(created_at__gt=locked.created_at).exists():
        raise DomainError("superseded", _("The company has signed a newer statement. Open that one instead."))
    if size_class not in set(SIZE.values) - {SIZE.REVIEW}:
        raise DomainError("size_class", _("Choose one of the four sizes."), field="size_class")
    newest = locked.reviews.first()
    if newest and (newest.size_class, newest.reason, newest.decided_by_id) == (size_class, reason, actor.pk):
        return newest
    review = SizeReview.objects.create(
        assessment=locked, size_class=size_class, reason=reason, decided_by=actor, decided_on=on
    )
    audit.record(actor=actor, action="size.reviewed", target=locked, organisation=locked.organisation, size=size_class)
    for owner in owners_of(locked.organisation):
        with translation.override(owner.language):
            notify(
                user=owner,
                kind="size_decided",
                title=_("The size of %(name)s is decided: %(size)s")
                % {"name": locked.organisation, "size": SIZE(size_class).label},
                body=reason,
                path=reverse("accounts:size_statement", args=[locked.pk]),
                organisation=locked.organisation,
                email=True,
            )
    return review
