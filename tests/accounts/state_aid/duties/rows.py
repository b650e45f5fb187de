"""One duty, letter, register file and request about an organisation, for tests that walk over addresses."""

from datetime import date
from functools import cached_property

from django.db import transaction

from accounts.models import AidAward, AidDuty, AidLetter, InformationRequest, Organisation, RegisterExport
from accounts.state_aid.bundles.services import record_request
from accounts.state_aid.duties.services import open_duties
from accounts.state_aid.letters.services import issue_open_letters
from accounts.state_aid.registers.services import make_export
from tests.accounts.state_aid.duties.scene import GRANTED, make_administrator, make_award


class DutyRows:
    """Each row is made when it is first asked for, with the award it is about."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation

    @cached_property
    def award(self) -> AidAward:
        with transaction.atomic():
            award = make_award(organisation=self.organisation)
            open_duties(award=award, on=GRANTED)
        return award

    @cached_property
    def duty(self) -> AidDuty:
        found: AidDuty = AidDuty.objects.get(award=self.award.award, kind=AidDuty.Kind.REGISTER)
        return found

    @cached_property
    def letter(self) -> AidLetter:
        assert self.award
        issue_open_letters(on=GRANTED)
        return AidLetter.objects.get(award=self.award.award)

    @cached_property
    def export(self) -> RegisterExport:
        assert self.award
        return make_export(
            profile_code="eair", format_code="csv", state="FI", from_day=None, to_day=None, only_open=True,
            pseudonyms=False, actor=make_administrator(),
        )  # fmt: skip

    @cached_property
    def request(self) -> InformationRequest:
        assert self.award
        day = date(2026, 11, 20)
        return record_request(
            reference=f"COMP/2026/{InformationRequest.objects.count()}", asked_by="European Commission",
            question="All awards of 2026.", state="FI", scope={}, received_on=day, actor=make_administrator(), on=day,
        )  # fmt: skip
