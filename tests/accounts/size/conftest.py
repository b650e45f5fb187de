"""A company with figures, and short ways to state who stands around it."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import AccountYear, Party, PartyYear
from accounts.services.ownership import save_answers, save_holding, save_party, save_party_year, self_party

TODAY = date(2026, 11, 21)
CLOSING = date(2025, 12, 31)
MILLION = Decimal(1_000_000)


def money(millions):
    return Decimal(str(millions)) * MILLION


class Scene:
    """One company as its owner states it; amounts in millions of EUR, as the fact sheet writes its vectors."""

    def __init__(self, owner, organisation):
        self.owner, self.organisation = owner, organisation

    def figures(self, awu, turnover, balance, *, year_end=CLOSING, basis="approved"):
        return AccountYear.objects.update_or_create(
            organisation=self.organisation, year_end=year_end,
            defaults={"headcount_awu": Decimal(str(awu)), "turnover_eur": money(turnover),
                      "balance_sheet_eur": money(balance), "basis": basis},
        )[0]  # fmt: skip

    def answer(self, *, owners=("nobody",), holds="no", control="no", changed="no", changed_on=None):
        changes = {"changed": changed, **({"changed_on": changed_on} if changed_on else {})}
        answers = {
            "owners": {"owners": list(owners)},
            "holdings": {"holds": holds, "control": control},
            "changes": changes,
        }
        for step, given in answers.items():
            save_answers(actor=self.owner, organisation=self.organisation, step=step, answers=given)

    @property
    def centre(self):
        return self_party(self.organisation)

    def party(self, name, kind="enterprise", figures=None, **facts):
        row = save_party(
            actor=self.owner,
            organisation=self.organisation,
            kind=kind,
            name=name,
            country=facts.pop("country", "DE"),
            **facts,
        )
        if figures:
            awu, turnover, balance = figures
            save_party_year(
                actor=self.owner, party=row, year_end=CLOSING, headcount_awu=Decimal(str(awu)),
                turnover_eur=money(turnover), balance_sheet_eur=money(balance), basis="approved", on=TODAY,
            )  # fmt: skip
        return row

    def holds(self, owner, owned, capital, votes=None, **more):
        return save_holding(
            actor=self.owner, organisation=self.organisation, owner=owner, owned=owned, capital=Decimal(str(capital)),
            votes=Decimal(str(capital if votes is None else votes)), **more,
        )  # fmt: skip


@pytest.fixture
def scene(owner, organisation):
    return Scene(owner, organisation)


@pytest.fixture
def v5(scene):
    """Vector V5: a partner with 33 % and its daughter; together medium-sized."""
    scene.figures(40, 8, 6)
    scene.answer(owners=["company"])
    partner = scene.party("Partner Holding GmbH", figures=(100, 20, 15))
    daughter = scene.party("Quarz Werke GmbH", figures=(50, 10, 5))
    scene.holds(partner, scene.centre, 33)
    scene.holds(partner, daughter, 100)
    return scene


@pytest.fixture
def contested(scene):
    """A change of ownership, on which the law is contested: a person must look."""
    scene.figures(48, 9, 7, year_end=date(2024, 12, 31))
    scene.figures(52, 11, 12)
    scene.answer(changed="yes", changed_on="2025-07-01")
    return scene


__all__ = ["Party", "PartyYear", "Scene"]
