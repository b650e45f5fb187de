"""Awards, declarations and verdicts. Rows are appended, never changed; money is EUR gross grant equivalent."""

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.organisation import Organisation
from accounts.models.ownership import Evidence
from accounts.state_aid.states import DUTY_MACHINE, DutyState
from portal.kernel.models import StatefulModel, TimeStamped, UUIDModel, state_constraint

if TYPE_CHECKING:
    from datetime import date


class AidLock(models.Model):
    """The row a decision locks before it looks: one for each granting State and undertaking."""

    granting_state = models.CharField(max_length=2)
    undertaking = models.UUIDField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["granting_state", "undertaking"], name="one_lock_per_state_undertaking"),
        )

    def __str__(self) -> str:
        return f"{self.granting_state} {self.undertaking}"


class LegalParameter(UUIDModel, TimeStamped):
    """One dated fact of law that an administrator enters: a rate, a cap, a reading of an open question, a new text.

    key      what it is, from `accounts.state_aid.parameters.KEYS`: discount_base_rate, exchange_rate, national_cap,
             fisheries_register, policy, law
    state    the State it holds for, "" for all; for an exchange rate the currency code
    value    JSON; its shape belongs to the key
    A row is never changed: a correction is a later row of the same key, state and `valid_from`, and the newest counts.
    """

    key = models.CharField(max_length=40)
    state = models.CharField(max_length=3, blank=True)
    value = models.JSONField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    source = models.TextField()
    entered_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("key", "state", "-valid_from", "-created_at")
        indexes = (models.Index(fields=["key", "state", "valid_from"], name="legal_parameter_by_day"),)

    def __str__(self) -> str:
        return f"{self.key} {self.state} from {self.valid_from}"


class AidScheme(UUIDModel, TimeStamped):
    """A State's published measure that grants may rest on; without one a site grants de minimis aid.

    `basis` is a code of `accounts.state_aid.case` and `law_version` the text it was made under. Article 5(2)(ga) of
    Regulation 651/2014 asks that discounts and selection rules were published before the offer, hence the two texts.
    """

    code = models.SlugField(unique=True)
    title = models.CharField(_("title"), max_length=200)
    state = models.CharField(_("State"), max_length=2)
    authority = models.CharField(_("granting authority"), max_length=200)
    basis = models.CharField(_("legal basis"), max_length=40)
    law_version = models.CharField(max_length=60, blank=True)
    measure_reference = models.CharField(_("reference of the measure (SA number)"), max_length=60, blank=True)
    discount_text = models.TextField(_("published discounts"), blank=True)
    selection_text = models.TextField(_("published selection rules"), blank=True)
    published_url = models.URLField(_("where it is published"), blank=True)
    published_on = models.DateField(_("published on"), null=True, blank=True)
    summary_sent_on = models.DateField(_("summary sent to the Commission on"), null=True, blank=True)
    category = models.CharField(max_length=20, blank=True)
    region = models.CharField(max_length=1, blank=True)
    valid_from = models.DateField(_("in force from"))
    valid_to = models.DateField(_("in force until"), null=True, blank=True)

    class Meta:
        ordering = ("state", "title")

    def __str__(self) -> str:
        return self.title


class ControlStatement(UUIDModel, TimeStamped):
    """One undertaking controls another, from a day, as one organisation stated it: an edge of the dated graph.

    Ends are keys: `org:<id>` for an organisation of this portal, else `vat:…`, `euid:…` or `party:<id>`, so that two
    daughters of one foreign parent meet at the parent. A statement that names another organisation of the portal counts
    for both only once `confirmed_on` is set; until then a person must look at each grant.
    """

    class Ground(models.TextChoices):
        MAJORITY_OF_VOTES = "majority_of_votes", _("Majority of the votes")
        APPOINTS_BOARD = "appoints_board", _("Right to appoint or remove the majority of a board")
        DOMINANT_INFLUENCE = "dominant_influence", _("Dominant influence by contract or articles")
        VOTING_AGREEMENT = "voting_agreement", _("Sole control of the majority by a shareholders' agreement")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="control_statements")
    controller = models.CharField(max_length=100)
    controller_name = models.CharField(max_length=200)
    controlled = models.CharField(max_length=100)
    controlled_name = models.CharField(max_length=200)
    ground = models.CharField(max_length=20, choices=Ground.choices, default=Ground.MAJORITY_OF_VOTES)
    valid_from = models.DateField()
    # The first day on which it is no longer so.
    valid_to = models.DateField(null=True, blank=True)
    stated_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_on = models.DateField(null=True, blank=True)
    # An owner of the company named said that it is wrong: the statement then counts for nobody.
    refused_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    refused_on = models.DateField(null=True, blank=True)
    refused_reason = models.TextField(blank=True)

    class Meta:
        ordering = ("valid_from", "created_at")
        indexes = (
            models.Index(fields=["controller"], name="control_by_controller"),
            models.Index(fields=["controlled"], name="control_by_controlled"),
        )
        constraints = (
            models.CheckConstraint(condition=~Q(controller=models.F("controlled")), name="nobody_controls_itself"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=models.F("valid_from")),
                name="control_ends_after_it_began",
            ),
        )

    def __str__(self) -> str:
        return f"{self.controller_name} controls {self.controlled_name} from {self.valid_from}"


class UndertakingEvent(UUIDModel, TimeStamped):
    """A merger, acquisition or split on a day (Art 3(8), 3(9)). The past stays; headroom is worked out anew.

    before, after  keys as in ControlStatement; equity {key: "amount"}; used_by {award reference: key}
    Rows are appended; `supersedes` names the row that this one corrects, and a row without parties takes one back.
    """

    class Kind(models.TextChoices):
        MERGER = "merger", _("Merger")
        ACQUISITION = "acquisition", _("Acquisition")
        SPLIT = "split", _("Split")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="undertaking_events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    on = models.DateField()
    before = models.JSONField(default=list)
    after = models.JSONField(default=list)
    names = models.JSONField(default=dict)
    equity = models.JSONField(default=dict, blank=True)
    used_by = models.JSONField(default=dict, blank=True)
    note = models.TextField(blank=True)
    evidence = models.ForeignKey(Evidence, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    stated_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    supersedes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="superseded_by")

    class Meta:
        ordering = ("on", "created_at")

    def __str__(self) -> str:
        return f"{self.kind} on {self.on}"


class AidAssessment(UUIDModel, TimeStamped):
    """One verdict with every input and the rule version, so that an auditor can compute it again."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="aid_assessments")
    on = models.DateField()
    regime = models.CharField(max_length=40)
    rule_version = models.CharField(max_length=40)
    outcome = models.CharField(max_length=20)
    case = models.JSONField()
    verdict = models.JSONField()

    def __str__(self) -> str:
        return f"{self.organisation} {self.on} {self.regime}: {self.outcome}"


class AidAward(UUIDModel, TimeStamped):
    """One event in the life of an award. `award` is the thread; the sum of `amount_eur` over it is what counts."""

    class Event(models.TextChoices):
        RESERVED = "reserved", _("Reserved")
        GRANTED = "granted", _("Granted")
        ADJUSTED = "adjusted", _("Adjusted")
        LAPSED = "lapsed", _("Lapsed")
        REVERSED = "reversed", _("Reversed")

    class Origin(models.TextChoices):
        UNION_SHARE = "union_share", _("Union share")
        CEDED_TO_JU = "ceded_to_ju", _("Ceded to the Joint Undertaking")
        NATIONAL_SHARE = "national_share", _("National share")
        COMMERCIAL = "commercial", _("Commercial, at market price")
        NON_ECONOMIC = "non_economic", _("Not for an economic activity")

    award = models.UUIDField(default=uuid.uuid4, db_index=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="aid_awards")
    event = models.CharField(max_length=10, choices=Event.choices)
    granting_state = models.CharField(max_length=2)
    granting_authority = models.CharField(max_length=200)
    origin = models.CharField(max_length=20, choices=Origin.choices)
    regime = models.CharField(max_length=40)
    amount_eur = models.DecimalField(max_digits=14, decimal_places=2)
    granted_on = models.DateField()
    reference = models.CharField(max_length=60)
    scheme = models.ForeignKey(AidScheme, null=True, on_delete=models.PROTECT, related_name="awards")
    instrument = models.CharField(max_length=40, default="subsidised_services")
    # Frozen at grant: {"gpu_hours", "eur_per_gpu_hour", "method", "evidence", "rate_card", "price_paid_eur"}.
    valuation = models.JSONField(default=dict)
    # What a register asks about the beneficiary, as it was on the day of the grant.
    beneficiary = models.JSONField(default=dict)
    costs = models.CharField(max_length=80, blank=True)
    assessment = models.ForeignKey(AidAssessment, null=True, on_delete=models.PROTECT, related_name="awards")
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("created_at",)
        indexes = (models.Index(fields=["organisation", "granting_state", "granted_on"], name="aid_by_undertaking"),)

    def __str__(self) -> str:
        return f"{self.reference} {self.event} {self.amount_eur}"


class AidDeclaration(UUIDModel, TimeStamped):
    """A signed statement of all other de minimis aid of the last three years, and of what else the rules ask.

    items       [{state, amount_eur, granted_on, regulation}], amounts as strings, days as ISO dates; further keys:
                member (key as in ControlStatement), authority, currency, amount, rate, costs, intensity
    statements  {"recovery_order": bool | None, "activities_separated": bool | None, "purposes": [codes],
                "difficulty": {…} as in `case.Difficulty`, "no_more": bool}
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="aid_declarations")
    items = models.JSONField(default=list)
    signed_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    signed_on = models.DateField()
    statements = models.JSONField(default=dict)
    signature = models.JSONField(default=dict)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.organisation} {self.signed_on}"


class AidDutyQuerySet(models.QuerySet["AidDuty"]):
    def open(self) -> Self:
        return self.filter(state=DutyState.OPEN)

    def overdue_on(self, day: "date") -> Self:
        return self.open().filter(due_on__lt=day)

    def of_states(self, states: "frozenset[str] | None") -> Self:
        """Duties of these States; None means all, as `duties.scope.states_seen_by` says it."""
        return self.all() if states is None else self.filter(granting_state__in=states)


class AidDuty(UUIDModel, TimeStamped, StatefulModel):
    """Something the law wants done by a day: tell the beneficiary, enter a register, publish, report, answer."""

    machine = DUTY_MACHINE

    class Kind(models.TextChoices):
        NOTICE = "notice", _("Tell the beneficiary")
        REGISTER = "register", _("Enter in the register")
        CORRECTION = "correction", _("Correct the register")
        PUBLICATION = "publication", _("Publish the award")
        YEARLY = "yearly", _("Report the year's totals")
        ANSWER = "answer", _("Answer the request for information")

    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=DutyState.choices, default=DutyState.OPEN)
    granting_state = models.CharField(max_length=2)
    authority = models.CharField(max_length=200, blank=True)
    # The award's thread, or "" for duties of a State's year or of a request: `subject` names those.
    award = models.UUIDField(null=True, blank=True, db_index=True)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="aid_duties")
    subject = models.CharField(max_length=80)
    opened_on = models.DateField()
    due_on = models.DateField()
    # Working days since the grant on which people were alerted, so that nobody is alerted twice.
    alerted = models.JSONField(default=list)
    done_on = models.DateField(null=True, blank=True)
    done_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=120, blank=True)
    note = models.TextField(blank=True)

    objects: ClassVar = AidDutyQuerySet.as_manager()

    class Meta:
        ordering = ("due_on", "created_at")
        constraints = (
            state_constraint(DUTY_MACHINE, "aid_duty_state_is_known"),
            models.UniqueConstraint(
                fields=["kind", "granting_state", "subject"],
                condition=Q(state="open"),
                name="one_open_duty_per_subject",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} by {self.due_on}"


class AidLetter(UUIDModel, TimeStamped):
    """A letter to the beneficiary, kept as the words it was made from; the PDF is drawn from them again, bit by bit."""

    award = models.UUIDField(db_index=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="aid_letters")
    kind = models.CharField(max_length=20)
    language = models.CharField(max_length=7)
    content = models.JSONField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.kind} {self.award} {self.language}"


class RegisterExport(UUIDModel, TimeStamped):
    """A file made for a register, with its rows, so that it can be made again and compared."""

    profile = models.CharField(max_length=40)
    format = models.CharField(max_length=8)
    granting_state = models.CharField(max_length=2, blank=True)
    from_day = models.DateField(null=True, blank=True)
    to_day = models.DateField(null=True, blank=True)
    rows = models.JSONField()
    sha256 = models.CharField(max_length=64)
    made_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.profile} {self.format} {self.created_at:%Y-%m-%d}"


class InformationRequest(UUIDModel, TimeStamped):
    """What the Commission or a State asked, to be answered within 20 working days (Art 6(7))."""

    reference = models.CharField(max_length=60, unique=True)
    asked_by = models.CharField(_("asked by"), max_length=200)
    question = models.TextField(_("what was asked"))
    granting_state = models.CharField(max_length=2)
    # {"organisations": [ids], "from": ISO day, "to": ISO day}; empty keys mean all.
    scope = models.JSONField(default=dict, blank=True)
    received_on = models.DateField(_("received on"))
    due_on = models.DateField()
    answered_on = models.DateField(null=True, blank=True)
    answered_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    # What was sent, kept as it was sent, and its SHA-256.
    bundle = models.FileField(upload_to="information-requests/%Y", blank=True)
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("due_on",)

    def __str__(self) -> str:
        return self.reference
