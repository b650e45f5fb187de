"""An undertaking as the portal knows it, with the figures that decide its size."""

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.kernel.models import TimeStamped, UUIDModel

if TYPE_CHECKING:
    from accounts.models.people import User


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def visible_to(self, user: "User") -> Self:
        """The organisations this person holds a role in."""
        return self.filter(role_grants__user=user).distinct()


class Organisation(UUIDModel, TimeStamped):
    """A legal entity. VAT number or EUID is checked for form only; a register answer is evidence, not stored here."""

    legal_name = models.CharField(_("legal name"), max_length=200)
    legal_form = models.CharField(_("legal form"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2)
    vat_number = models.CharField(_("VAT number"), max_length=20, blank=True)
    euid = models.CharField(_("EUID"), max_length=80, blank=True)
    nace_code = models.CharField(_("main activity (NACE)"), max_length=8)
    nace_revision = models.CharField(max_length=4, default="2.1")
    street = models.CharField(_("street and number"), max_length=200)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("town"), max_length=100)
    registered_on = models.DateField(_("registered on"), null=True, blank=True)
    # The undertaking's accounting year ends on this day; aid to fisheries counts fiscal years.
    fiscal_year_end_month = models.PositiveSmallIntegerField(default=12)
    fiscal_year_end_day = models.PositiveSmallIntegerField(default=31)
    nuts2 = models.CharField(_("NUTS 2 region"), max_length=4, blank=True)
    # The undertaking is one person (a sole trader); public registers may then show a pseudonym for the name.
    is_natural_person = models.BooleanField(_("the company is one person (a sole trader)"), default=False)
    is_demonstration = models.BooleanField(default=False)

    objects: ClassVar = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ("legal_name",)
        constraints = (
            models.UniqueConstraint(
                fields=["vat_number"], condition=~models.Q(vat_number=""), name="one_organisation_per_vat_number"
            ),
            models.UniqueConstraint(fields=["euid"], condition=~models.Q(euid=""), name="one_organisation_per_euid"),
            models.CheckConstraint(condition=~models.Q(vat_number="", euid=""), name="organisation_has_an_identifier"),
        )

    def __str__(self) -> str:
        return self.legal_name


class AccountYear(TimeStamped):
    """The figures of one accounting period that Article 4 of the SME definition asks for. Money in EUR."""

    class Basis(models.TextChoices):
        APPROVED = "approved", _("Approved accounts")
        ESTIMATE = "estimate", _("Good-faith estimate (new company)")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="account_years")
    year_end = models.DateField(_("end of the accounting year"))
    headcount_awu = models.DecimalField(
        _("staff in annual work units"), max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    turnover_eur = models.DecimalField(
        _("annual turnover in EUR"), max_digits=16, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    balance_sheet_eur = models.DecimalField(
        _("balance sheet total in EUR"), max_digits=16, decimal_places=2, validators=[MinValueValidator(Decimal(0))]
    )
    basis = models.CharField(_("where the figures come from"), max_length=10, choices=Basis.choices)

    class Meta:
        ordering = ("-year_end",)
        constraints = (
            models.UniqueConstraint(fields=["organisation", "year_end"], name="one_account_year_per_closing"),
        )

    def __str__(self) -> str:
        return f"{self.organisation} {self.year_end}"


class SmeAssessment(UUIDModel, TimeStamped):
    """A size class as declared and derived on one day, with every input, so that it can be derived again."""

    class SizeClass(models.TextChoices):
        MICRO = "micro", _("Micro enterprise")
        SMALL = "small", _("Small enterprise")
        MEDIUM = "medium", _("Medium-sized enterprise")
        LARGE = "large", _("Large enterprise")
        REVIEW = "review", _("Needs a person to look at it")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="sme_assessments")
    size_class = models.CharField(max_length=10, choices=SizeClass.choices)
    rule_version = models.CharField(max_length=40)
    trace = models.JSONField()
    declared_autonomous = models.BooleanField()
    declared_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    declared_on = models.DateField()
    # Name as typed when signing: {"name", "position"}; the person of `declared_by` may be erased one day.
    signature = models.JSONField(default=dict)
    # The first day a new statement is due: after the next closing of accounts.
    reassess_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.organisation}: {self.size_class} on {self.declared_on}"

    @property
    def decided_size(self) -> str:
        """The class that counts: an officer's answer where the rules asked for one, else what they derived."""
        review = self.reviews.first()  # type: ignore[attr-defined]
        return review.size_class if review else self.size_class

    @property
    def decided_label(self) -> str:
        return str(self.SizeClass(self.decided_size).label)

    @property
    def is_sme(self) -> bool:
        return self.decided_size in {self.SizeClass.MICRO, self.SizeClass.SMALL, self.SizeClass.MEDIUM}
