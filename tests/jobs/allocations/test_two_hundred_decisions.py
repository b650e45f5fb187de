"""Two hundred decisions at the same time on one undertaking: its companies, two sites of one State, two officers."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import TypeVar

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from accounts.models import AidAward, AidDeclaration, ControlStatement, Organisation, User
from accounts.roles import Role
from accounts.state_aid.services import assess_grant, lock_undertaking, reserve_award
from jobs.applications.decisions import approve
from jobs.models import Allocation, Application, Decision
from jobs.states import ApplicationState
from portal.kernel.errors import DomainError
from tests.accounts.reference.seeds import seeded
from tests.factories import (
    grant,
    make_access_mode,
    make_partition,
    make_site,
    make_sme,
    make_user,
    with_second_factor,
)
from tests.jobs.applications.test_starter import AT

T = TypeVar("T")
STATES = ("AT", "BE", "CZ", "DE", "DK", "ES", "FI", "FR", "IT", "LU")
DECISIONS = 200
# Each thread holds a connection; the test server allows 80.
WORKERS = 24
CEILING = Decimal(300_000)
REASON = "Enough for the three rounds you describe."
FOREIGN_PARENT = "vat:US123456789"


def member_key(organisation) -> str:
    return f"org:{organisation.pk}"


def control(stated_by, controller: str, controlled: str) -> None:
    ControlStatement.objects.create(
        organisation=stated_by,
        controller=controller,
        controller_name=controller,
        controlled=controlled,
        controlled_name=controlled,
        valid_from=date(2020, 1, 1),
        confirmed_on=date(2020, 1, 1),
    )


def make_group(size: int = 4):
    """A foreign parent with two daughters, and a chain below one of them: one undertaking."""
    firms = []
    for _ in range(size):
        owner = make_user()
        firms.append(make_sme(owner=owner))
        AidDeclaration.objects.create(organisation=firms[-1], items=[], signed_by=owner, signed_on=AT.date())
    keys = [member_key(firm) for firm in firms]
    control(firms[0], FOREIGN_PARENT, keys[0])
    control(firms[1], FOREIGN_PARENT, keys[1])
    for above, below in pairwise(firms[1:]):
        control(below, member_key(above), member_key(below))
    return firms


def make_requests(rng: Random, firms, partitions) -> list[Application]:
    mode = make_access_mode(max_gpu_hours=50_000)
    return [
        Application.objects.create(
            reference=f"REQ-200-{index}",
            organisation=rng.choice(firms),
            mode=mode,
            title="Sort our post",
            purpose="Sort incoming customer messages into five topics.",
            site=partition.site,
            partition=partition,
            state=ApplicationState.SUBMITTED,
            gpu_hours=rng.choice((1, 200, 1_000, 2_500, 5_000, 9_999)),
            months=3,
            submitted_at=AT,
            data_declaration={"sources": "our own messages", "personal_data": False, "answered": True},
            ai_act={"prohibited": [], "high_risk": [], "transparency": [], "answered": True},
        )
        for index, partition in ((index, rng.choice(partitions)) for index in range(DECISIONS))
    ]


def decide_all(acts: list[Callable[[], T]]) -> list[T | DomainError]:
    """All acts through a bounded pool; a refusal is a result, any other error is raised."""

    def run(act):
        try:
            return act()
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
def test_two_hundred_decisions_at_once_never_cross_the_ceiling_and_explain_every_refusal():
    rng = seeded(200)
    firms = make_group()
    sites = [make_site(granting_state="LU", country="LU"), make_site(granting_state="LU", country="DE")]
    partitions = [make_partition(site=sites[0], rate="2.20"), make_partition(site=sites[1], rate="3.17")]
    officers = {}
    for site in sites:
        officers[site.pk] = with_second_factor(make_user())
        grant(officers[site.pk], Role.HELPDESK, site_slug=site.slug)
    requests = make_requests(rng, firms, partitions)

    def act(request: Application) -> Callable[[], Decision]:
        return lambda: approve(
            application=request,
            gpu_hours=request.gpu_hours,
            ends_on=None,
            reason=REASON,
            actor=officers[request.site_id],
            at=AT,
        )

    results = decide_all([act(request) for request in requests])

    granted = [request for request, result in zip(requests, results, strict=True) if isinstance(result, Decision)]
    refused = [pair for pair in zip(requests, results, strict=True) if isinstance(pair[1], DomainError)]
    total = AidAward.objects.aggregate(total=Sum("amount_eur"))["total"]
    assert total <= CEILING
    # whatever is left is too little for any request that was refused: nobody was refused without need
    for request, _refusal in refused:
        assert total + worth(request) > CEILING
    assert len(granted) == Decision.objects.count() == Allocation.objects.count()
    assert len(granted) + len(refused) == DECISIONS
    assert {firm.pk for firm in firms} == set(AidAward.objects.values_list("organisation_id", flat=True))
    assert {site.pk for site in sites} == set(Allocation.objects.values_list("site_id", flat=True))
    for request, refusal in refused:
        assert refusal.code == "aid_ceiling"
        assert_names_what_fits(request, str(refusal))
        request.refresh_from_db()
        assert request.state == ApplicationState.SUBMITTED


@pytest.mark.django_db(transaction=True)
def test_the_locks_of_the_undertaking_alone_hold_the_ceiling():
    """Without the common numbering of allocations, in whose row lock decisions queue up anyway.

    Ten States, one after the other, in each of which three of twenty grants fit at most: ten chances to cross.
    """
    rng = seeded(201)
    firms = make_group()
    officer = make_user()

    def act(index: int) -> Callable[[], AidAward]:
        firm, amount = firms[index % len(firms)], Decimal(rng.randrange(9_000_000, 15_000_000)) / 100
        return lambda: reserve(firm, amount, STATES[index // 20], f"ALC-{index}", officer)

    results = decide_all([act(index) for index in range(DECISIONS)])

    booked = [one for one in results if isinstance(one, AidAward)]
    assert {award.granting_state for award in booked} == set(STATES)
    for state in STATES:
        awards = AidAward.objects.filter(granting_state=state)
        assert awards.aggregate(total=Sum("amount_eur"))["total"] <= CEILING, state
        assert 2 <= len(awards) <= 3
    assert {firm.pk for firm in firms} == {award.organisation_id for award in booked}
    assert {one.code for one in results if isinstance(one, DomainError)} == {"aid_refused"}


@transaction.atomic
def reserve(firm: Organisation, amount: Decimal, state: str, reference: str, officer: User) -> AidAward:
    lock_undertaking(granting_state=state, organisation=firm)
    assessment = assess_grant(
        organisation=firm,
        site_state=state,
        authority="A ministry",
        origin="national_share",
        amount_eur=amount,
        on=AT.date(),
    )
    return reserve_award(
        organisation=firm,
        assessment=assessment,
        granting_state=state,
        granting_authority="A ministry",
        origin="national_share",
        regime=assessment.regime,
        amount_eur=amount,
        granted_on=AT.date(),
        reference=reference,
        reviewed_by=officer,
    )


def worth(request: Application) -> Decimal:
    return request.gpu_hours * rate_of(request)


def rate_of(request: Application) -> Decimal:
    return request.partition.rate_cards.get().eur_per_gpu_hour


def assert_names_what_fits(request: Application, sentence: str) -> None:
    """What the ceiling allows, what is used, and the amount that would fit: less than was asked, and in hours too."""
    allows, used_eur, left, fits = (Decimal(one.replace(",", "")) for one in re.findall(r"€([\d,]+\.\d\d)", sentence))
    assert allows == CEILING and left == fits == allows - used_eur, sentence
    assert 0 <= fits < worth(request), sentence
    hours = int(fits / rate_of(request))
    assert not hours or f"Up to {hours} GPU-hours" in sentence.replace(",", ""), sentence
