"""One row of everything about a company's size, for tests that go over all addresses."""

from datetime import date
from decimal import Decimal

from django.core.files.base import ContentFile

from accounts.models import Evidence, Holding, Organisation, Party, PartyYear, SmeAssessment, User
from accounts.services.ownership import self_party


class SizeRows:
    """A partner with figures, its holding, a paper, and a statement that asks for an officer."""

    def __init__(self, organisation: Organisation, owner: User) -> None:
        self.party = Party.objects.create(organisation=organisation, name="Partner AG", country="DE")
        self.year = PartyYear.objects.create(
            party=self.party, year_end=date(2025, 12, 31), headcount_awu=Decimal(100), turnover_eur=Decimal(20_000_000),
            balance_sheet_eur=Decimal(15_000_000),
        )  # fmt: skip
        self.holding = Holding.objects.create(
            organisation=organisation, owner=self.party, owned=self_party(organisation), capital=33, votes=33
        )
        self.statement = SmeAssessment.objects.create(
            organisation=organisation, size_class="review", rule_version="test", trace={}, declared_autonomous=False,
            declared_by=owner, declared_on=date(2026, 11, 20),
        )  # fmt: skip
        self.paper = Evidence(
            organisation=organisation, subject="accounts", title="Accounts 2025", filename="accounts.pdf",
            media_type="application/pdf", bytes=9, sha256="0" * 64, uploaded_by=owner,
        )  # fmt: skip
        self.paper.file.save("paper", ContentFile(b"%PDF-1.7\n"), save=False)
        self.paper.save()
