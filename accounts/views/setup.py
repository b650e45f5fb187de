"""The steps from a new organisation to its first GPU-hours, as a list that ticks itself off."""

from dataclasses import dataclass
from datetime import date

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.models import AidDeclaration, SmeAssessment
from accounts.size_in_force import is_due
from accounts.state_aid.regimes import BUILT_IN, GENERAL, law_for


@dataclass(frozen=True)
class Task:
    title: str
    url: str
    state: str
    note: str = ""


def setup_tasks(
    *,
    assessment: SmeAssessment | None,
    declaration: AidDeclaration | None,
    second_factor: bool,
    may_declare: bool,
    on: date,
) -> list[Task]:
    """What is done, what comes next and what only an owner can do."""
    declared = declaration is not None and is_fresh(declaration, on)
    owner_only = "" if may_declare else _("An owner does this.")
    return [
        Task(_("Company details"), reverse("accounts:organisation_edit") if may_declare else "", "done"),
        Task(
            _("Company figures and size"),
            reverse("accounts:company_facts"),
            "done" if assessment and not is_due(assessment, on) else "todo",
            owner_only or _("Staff, turnover and balance sheet, entered once."),
        ),
        Task(
            _("Declaration of other public support"),
            reverse("accounts:aid_declare") if may_declare else reverse("accounts:aid"),
            "done" if declared else "todo",
            owner_only or _("Two minutes; most companies have nothing to declare."),
        ),
        Task(
            _("A second step at sign-in"),
            reverse("mfa_index"),
            "done" if second_factor else "todo",
            _("Asked of owners before the first grant: a passkey or a code app."),
        ),
        Task(_("Ask for GPU-hours"), _url("jobs:application_new"), "todo" if assessment and declared else "later"),
    ]


def is_fresh(declaration: AidDeclaration, on: date) -> bool:
    """Whether a grant may still rest on this declaration."""
    law = law_for(BUILT_IN, GENERAL, on)
    return law is not None and (on - declaration.signed_on).days <= law.declaration_days


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
