"""One of everything about an organisation's group, for tests that walk over addresses."""

from datetime import date
from decimal import Decimal
from functools import cached_property

from accounts.models import AidAward, AidScheme, ControlStatement, Organisation, UndertakingEvent
from accounts.state_aid.case import INNOVATION
from accounts.state_aid.keys import organisation_key

PARENT = "vat:DE136695976"


class GroupRows:
    """Rows of one organisation, each made when it is first asked for."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.me = organisation_key(organisation.pk)

    @cached_property
    def link(self) -> ControlStatement:
        return ControlStatement.objects.create(
            organisation=self.organisation, controller=PARENT, controller_name="Holding GmbH", controlled=self.me,
            controlled_name=self.organisation.legal_name, valid_from=date(2024, 1, 1),
        )  # fmt: skip

    @cached_property
    def event(self) -> UndertakingEvent:
        return UndertakingEvent.objects.create(
            organisation=self.organisation, kind="split", on=date(2025, 1, 1), before=[self.me],
            after=[self.me, PARENT], names={self.me: self.organisation.legal_name, PARENT: "Holding GmbH"},
            equity={self.me: "3.00", PARENT: "1.00"},
        )  # fmt: skip

    @cached_property
    def scheme(self) -> AidScheme:
        return AidScheme.objects.create(
            code="lu-innovation", title="Compute for small firms", state="LU", authority="A ministry",
            basis=INNOVATION, valid_from=date(2026, 1, 1),
        )  # fmt: skip

    @cached_property
    def award(self) -> AidAward:
        return AidAward.objects.create(
            organisation=self.organisation, event="reserved", granting_state="LU", granting_authority="A ministry",
            origin="national_share", regime="2023/2831", amount_eur=Decimal(1100), granted_on=date(2026, 3, 1),
            reference="ALC-2026-0001",
        )  # fmt: skip

    def ids(self) -> dict[str, object]:
        """An id for every address about groups and law."""
        return {
            "group_link_end": self.link.pk,
            "group_link_confirm": self.link.pk,
            "group_link_refuse": self.link.pk,
            "group_event_correct": self.event.pk,
            "groups_link": self.link.pk,
            "groups_event": self.event.pk,
            "award_reverse": self.award.award,
            "law_scheme": self.scheme.pk,
            "law_parameters": "policy",
        }


# For administrators, who are no party.
STAFF_ONLY = {"award_reverse", "groups_link", "groups_event", "law_scheme", "law_parameters"}
