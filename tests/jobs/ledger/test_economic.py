"""The 20 % meter: what companies used of a system in a year, who is told of it, and how often."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AidAward, LegalParameter, Notification
from accounts.roles import Role
from accounts.state_aid.capacity import meter
from accounts.state_aid.regimes import ANCILLARY
from accounts.state_aid.serial import law_to_json
from catalog.models import Site
from jobs.ledger.economic import economic_use, seconds_of, warn_of_economic_use
from jobs.ledger.services import reverse as reverse_entry
from jobs.models import LedgerEntry
from tests.factories import (
    grant,
    make_allocation,
    make_job,
    make_organisation,
    make_partition,
    make_site,
    make_user,
    with_second_factor,
)

pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC).date()
YEAR = TODAY.year


@pytest.mark.parametrize(
    ("economic", "level"), [(0, "ok"), (1499, "ok"), (1500, "warn"), (1999, "warn"), (2000, "alarm"), (9999, "alarm")]
)
def test_the_meter_warns_at_fifteen_and_alarms_at_twenty_per_cent(economic, level):
    assert meter(economic, 10_000) == (Decimal(economic) / 10_000, level)


@pytest.fixture
def partition():
    return make_partition(gpus_total=1)


def use(partition, share, organisation=None):
    allocation = make_allocation(organisation=organisation or make_organisation(), partition=partition)
    make_job(allocation=allocation, charged_gpu_seconds=int(seconds_of(YEAR) * share))
    return allocation


def meters(**fields):
    return economic_use(Site.objects.all(), **{"year": YEAR, "on": TODAY, **fields})


def test_charges_of_companies_are_measured_against_the_whole_year(partition):
    use(partition, 0.1)
    (found,) = meters()
    assert (found.capacity, found.level, round(found.share, 4)) == (seconds_of(YEAR), "ok", Decimal("0.1"))


def test_a_leap_year_has_a_day_more():
    assert seconds_of(2028) - seconds_of(2027) == 86400


def test_all_hardware_of_a_site_is_one_system(partition):
    make_partition(site=partition.site, gpus_total=3)
    use(partition, 0.4)
    (found,) = meters()
    assert round(found.share, 4) == Decimal("0.1") and len(found.parts) == 2


def test_what_was_reversed_is_not_counted(partition):
    allocation = use(partition, 0.1)
    reverse_entry(entry=allocation.entries.get(kind=LedgerEntry.Kind.CHARGE), reason="wrong", actor=make_user())
    assert meters()[0].economic == 0


def test_non_economic_time_is_left_out(partition):
    allocation = use(partition, 0.1)
    AidAward.objects.create(
        award=allocation.award, organisation=allocation.organisation, event="reserved", granting_state="LU",
        granting_authority="x", origin="non_economic", regime="", amount_eur=0, granted_on=TODAY, reference="x",
    )  # fmt: skip
    assert meters()[0].economic == 0


def test_another_year_is_measured_by_itself(partition):
    use(partition, 0.1)
    assert meters(year=YEAR - 1)[0].economic == 0


def officer_of(site):
    officer = with_second_factor(make_user())
    grant(officer, Role.HELPDESK, site_slug=site.slug)
    return officer


def administrator():
    user = with_second_factor(make_user())
    grant(user, Role.ADMINISTRATOR)
    return user


def test_officers_and_administrators_are_told_once_for_each_level(partition):
    officer, boss = officer_of(partition.site), administrator()
    officer_of(make_site())
    use(partition, 0.16)
    assert warn_of_economic_use(on=TODAY) == 1
    assert warn_of_economic_use(on=TODAY) == 0
    use(partition, 0.05)
    assert warn_of_economic_use(on=TODAY) == 1
    told = sorted((note.kind, note.user.email) for note in Notification.objects.filter(kind__startswith="economic"))
    wanted = [(kind, one.email) for kind in ("economic_alarm", "economic_warn") for one in (officer, boss)]
    assert told == sorted(wanted)


def test_a_jump_over_the_warning_brings_the_alarm_alone(partition):
    officer_of(partition.site)
    use(partition, 0.3)
    warn_of_economic_use(on=TODAY)
    assert [note.kind for note in Notification.objects.filter(kind__startswith="economic")] == ["economic_alarm"]


def test_an_officer_sees_the_own_site_only(client, partition):
    other = make_partition()
    client.force_login(officer_of(partition.site))
    page = client.get(reverse("jobs:economic_use")).content.decode()
    assert partition.site.name in page and other.site.name not in page


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_administrators_and_auditors_see_every_system(client, partition, role):
    user = with_second_factor(make_user())
    grant(user, role)
    client.force_login(user)
    assert partition.site.name in client.get(reverse("jobs:economic_use")).content.decode()
    assert partition.name in b"".join(client.get(reverse("jobs:economic_use_csv")).streaming_content).decode()


def test_companies_are_not_told_that_the_page_exists(client):
    owner = make_user()
    make_organisation(owner=owner)
    client.force_login(owner)
    assert client.get(reverse("jobs:economic_use")).status_code == 404
    assert client.get(reverse("jobs:economic_use_csv")).status_code == 404


def test_the_page_needs_the_same_queries_for_one_system_or_thirty(client):
    client.force_login(administrator())
    counts = []
    for wanted in (1, 30):
        while Site.objects.count() < wanted:
            use(make_partition(gpus_total=1), 0.01)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("jobs:economic_use")).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 10


def test_thresholds_that_an_administrator_entered_count_from_their_day(partition):
    stricter = replace(ANCILLARY, version="own", valid_from=TODAY, terms={"warn_percent": "5", "alarm_percent": "9"})
    use(partition, 0.1)
    assert meters()[0].level == "ok"
    LegalParameter.objects.create(key="law", value=law_to_json(stricter), valid_from=TODAY, source="Decision")
    assert meters()[0].level == "alarm"
