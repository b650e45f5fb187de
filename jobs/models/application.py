"""A request for compute, the conversation about it, and the decision."""

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import AidAssessment, Organisation
from catalog.models import AccessMode, FoundationModel, Partition, Site
from jobs.states import APPLICATION_MACHINE, ApplicationState
from portal.kernel.models import StatefulModel, TimeStamped, UUIDModel, state_constraint

if TYPE_CHECKING:
    from accounts.models import User


class ApplicationQuerySet(models.QuerySet["Application"]):
    def visible_to(self, user: "User") -> Self:
        """What the person's organisations asked for, and what reached a site they help at (drafts stay private)."""
        own = Q(organisation__role_grants__user=user)
        helped = Q(site__in=Site.objects.helped_by(user)) & ~Q(state=ApplicationState.DRAFT)
        return self.filter(own | helped).distinct()

    def waiting(self) -> Self:
        return self.filter(state__in=[ApplicationState.SUBMITTED, ApplicationState.QUESTION])


class Application(UUIDModel, TimeStamped, StatefulModel):
    """One request. Fields may be empty while it is a draft; `jobs.applications.services` checks them at submit."""

    machine = APPLICATION_MACHINE

    reference = models.CharField(max_length=20, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="applications")
    created_by = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    mode = models.ForeignKey(AccessMode, on_delete=models.PROTECT, related_name="applications")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="applications")
    partition = models.ForeignKey(Partition, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=ApplicationState.choices, default=ApplicationState.DRAFT)
    title = models.CharField(_("short name of the project"), max_length=120, blank=True)
    purpose = models.TextField(_("what do you want to do?"), blank=True)
    benefit = models.TextField(_("what will it change for your company?"), blank=True)
    base_model = models.ForeignKey(FoundationModel, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    gpu_hours = models.PositiveIntegerField(_("GPU-hours"), null=True, blank=True)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    months = models.PositiveSmallIntegerField(_("for how many months"), null=True, blank=True)
    # What the amount rests on: {"method": str, "rows": int, "tokens_per_row": int, "epochs": int, "runs": int}
    plan = models.JSONField(default=dict, blank=True)
    # {"sources": str, "licences": str, "opt_outs": bool, "personal_data": bool, "special_categories": bool, ...}
    data_declaration = models.JSONField(default=dict, blank=True)
    # {"prohibited": [codes], "high_risk": [codes], "roles": [codes], "research_only": bool, "transparency": [codes]}
    ai_act = models.JSONField(default=dict, blank=True)
    # What a legal basis asks of the project: {"works_start_on": ISO day, "costs": {"name", "total_eur"},
    # "bonuses": [codes], "start_up": {"listed", "profits", "took_over": bool, "registered_on": ISO day}}
    public_support = models.JSONField(default=dict, blank=True)
    saved_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    decide_by = models.DateField(null=True, blank=True)
    question_since = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = (state_constraint(APPLICATION_MACHINE, "application_state_is_known"),)

    def __str__(self) -> str:
        return self.reference


class ApplicationMessage(UUIDModel, TimeStamped):
    """One message of the conversation. `from_helpdesk` decides the side it is shown on."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey("accounts.User", null=True, on_delete=models.SET_NULL, related_name="+")
    from_helpdesk = models.BooleanField()
    body = models.TextField()

    class Meta:
        ordering = ("created_at",)

    def __str__(self) -> str:
        return f"{self.application} {self.created_at:%Y-%m-%d %H:%M}"


class Decision(UUIDModel, TimeStamped):
    """The one decision of an application: who or which policy, on what checks, with what aid verdict."""

    class Outcome(models.TextChoices):
        APPROVED = "approved", _("Approved as asked")
        APPROVED_LESS = "approved_less", _("Approved, smaller amount")
        DECLINED = "declined", _("Declined")

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="decision")
    outcome = models.CharField(max_length=14, choices=Outcome.choices)
    gpu_hours = models.PositiveIntegerField(default=0)
    reason = models.TextField()
    decided_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    # [{"code", "title", "passed": true|false|null, "evidence"}] in the order they were shown.
    checks = models.JSONField(default=list)
    aid_assessment = models.ForeignKey(AidAssessment, null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.application}: {self.outcome}"
