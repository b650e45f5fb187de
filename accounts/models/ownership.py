"""Who stands behind a company, as the company states it, and the papers that show it.

Every row belongs to the organisation that stated it and is seen by its people and by the officer who reviews. What was
signed is copied into `SmeAssessment.trace`; these rows are the working copy for the next statement.
"""

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.organisation import Organisation, SmeAssessment
from portal.kernel.models import TimeStamped, UUIDModel

if TYPE_CHECKING:
    from accounts.models.people import User

PER_CENT = (MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100)))


class OwnedRowQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def visible_to(self, user: "User") -> Self:
        """What the person's own organisations stated."""
        return self.filter(organisation__role_grants__user=user).distinct()


class Party(UUIDModel, TimeStamped):
    """A company, person or body around the organisation, or the organisation itself (`is_self`)."""

    class Kind(models.TextChoices):
        ENTERPRISE = "enterprise", _("Company")
        PERSON = "person", _("Person")
        PUBLIC_BODY = "public_body", _("Public body")
        PUBLIC_INVESTMENT_CORPORATION = "public_investment_corporation", _("Public investment corporation")
        VENTURE_CAPITAL = "venture_capital", _("Venture capital company")
        BUSINESS_ANGEL = "business_angel", _("Business angel")
        UNIVERSITY = "university", _("University")
        RESEARCH_CENTRE = "research_centre", _("Non-profit research centre")
        INSTITUTIONAL_INVESTOR = "institutional_investor", _("Institutional investor or regional development fund")
        LOCAL_AUTHORITY = "local_authority", _("Local authority")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="parties")
    is_self = models.BooleanField(default=False)
    kind = models.CharField(_("what it is"), max_length=30, choices=Kind.choices, default=Kind.ENTERPRISE)
    name = models.CharField(_("name"), max_length=200)
    country = models.CharField(_("country"), max_length=2, blank=True)
    vat_number = models.CharField(_("VAT number"), max_length=20, blank=True)
    euid = models.CharField(_("EUID"), max_length=80, blank=True)
    consolidates = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="consolidated_in")
    budget_eur = models.DecimalField(_("annual budget in EUR"), max_digits=16, decimal_places=2, null=True, blank=True)
    inhabitants = models.PositiveIntegerField(_("inhabitants"), null=True, blank=True)

    objects: ClassVar = OwnedRowQuerySet.as_manager()

    class Meta:
        ordering = ("-is_self", "created_at")
        constraints = (
            models.UniqueConstraint(fields=["organisation"], condition=Q(is_self=True), name="one_self_per_graph"),
        )

    def __str__(self) -> str:
        return self.name


class PartyYear(TimeStamped):
    """One accounting period of a party; of the organisation itself `AccountYear` holds them."""

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="years")
    year_end = models.DateField(_("end of the accounting year"))
    headcount_awu = models.DecimalField(_("staff in annual work units"), max_digits=10, decimal_places=2)
    turnover_eur = models.DecimalField(_("annual turnover in EUR"), max_digits=16, decimal_places=2)
    balance_sheet_eur = models.DecimalField(_("balance sheet total in EUR"), max_digits=16, decimal_places=2)
    basis = models.CharField(max_length=10, default="approved")

    class Meta:
        ordering = ("-year_end",)
        constraints = (
            models.UniqueConstraint(fields=["party", "year_end"], name="one_party_year_per_closing"),
            models.CheckConstraint(
                condition=Q(headcount_awu__gte=0, turnover_eur__gte=0, balance_sheet_eur__gte=0),
                name="party_year_not_negative",
            ),
        )

    def __str__(self) -> str:
        return f"{self.party} {self.year_end}"


class Holding(UUIDModel, TimeStamped):
    """What one party holds in another, in per cent, with further grounds of control (`accounts.sme.graph.Control`)."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="holdings")
    owner = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="owns")
    owned = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="owned_by")
    capital = models.DecimalField(_("share of capital"), max_digits=7, decimal_places=4, validators=PER_CENT)
    votes = models.DecimalField(_("share of votes"), max_digits=7, decimal_places=4, validators=PER_CENT)
    control = models.JSONField(default=list, blank=True)
    since = models.DateField(_("since"), null=True, blank=True)
    invested_eur = models.DecimalField(
        _("invested in total, in EUR"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    in_management = models.BooleanField(default=False)

    objects: ClassVar = OwnedRowQuerySet.as_manager()

    class Meta:
        ordering = ("created_at",)
        constraints = (
            models.UniqueConstraint(fields=["owner", "owned"], name="one_holding_per_pair"),
            models.CheckConstraint(condition=~Q(owner=models.F("owned")), name="nobody_holds_itself"),
            models.CheckConstraint(
                condition=Q(capital__gte=0, capital__lte=100, votes__gte=0, votes__lte=100),
                name="holding_is_a_percentage",
            ),
        )

    def __str__(self) -> str:
        return f"{self.owner} in {self.owned}: {self.capital}% / {self.votes}%"


class OwnershipStatement(TimeStamped):
    """The answers of the interview that stand on no single row. One for each organisation, changed until signed.

    answers          the interview's answers by question code, as last saved
    acting_together  [[party id, …], …]; persons or investors who act jointly
    markets          [[party id, party id, "same" | "adjacent" | "unrelated" | "unknown"], …]
    """

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="ownership_statement")
    answers = models.JSONField(default=dict, blank=True)
    acting_together = models.JSONField(default=list, blank=True)
    markets = models.JSONField(default=list, blank=True)
    dispersed = models.BooleanField(default=False)
    ownership_changed_on = models.DateField(null=True, blank=True)
    saved_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"Ownership of {self.organisation}"


def evidence_path(evidence: "Evidence", _filename: str) -> str:
    """Named by id, never by what somebody called the file."""
    return f"evidence/{evidence.organisation_id}/{uuid.uuid4()}"


class Evidence(UUIDModel, TimeStamped):
    """A paper that shows what was stated: accounts, a register extract, a list of owners. Never changed, only added."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="evidence")
    subject = models.CharField(_("what it shows"), max_length=40)
    title = models.CharField(_("title"), max_length=160)
    party = models.ForeignKey(Party, null=True, blank=True, on_delete=models.SET_NULL, related_name="evidence")
    file = models.FileField(upload_to=evidence_path)
    filename = models.CharField(max_length=200)
    media_type = models.CharField(max_length=80)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    # The statement it was signed with; such a paper can no longer be removed.
    assessment = models.ForeignKey(
        SmeAssessment, null=True, blank=True, on_delete=models.PROTECT, related_name="evidence"
    )

    objects: ClassVar = OwnedRowQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.title


class SizeReview(UUIDModel, TimeStamped):
    """An officer's answer to what the rules could not decide. Appended; the newest one counts."""

    assessment = models.ForeignKey(SmeAssessment, on_delete=models.PROTECT, related_name="reviews")
    size_class = models.CharField(max_length=10, choices=SmeAssessment.SizeClass.choices)
    reason = models.TextField()
    decided_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    decided_on = models.DateField()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.assessment}: {self.size_class}"
