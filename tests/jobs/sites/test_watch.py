"""A site that falls silent: its operators are told once, and once when it is back."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Notification
from jobs.models import SiteAgent, SiteOutage
from jobs.sites.services import watch_sites
from tests.factories import make_site
from tests.jobs.scene import make_agent
from tests.jobs.sites.operators import make_administrator, make_operator

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
LONG_AGO = AT - timedelta(days=1)


@pytest.fixture
def site(db):
    site = make_site(name="Meluxina")
    make_agent(site, last_seen_at=AT)
    return site


def watch(minutes, since=LONG_AGO):
    return watch_sites(at=AT + timedelta(minutes=minutes), listening_since=since)


def heard(site, minutes):
    SiteAgent.objects.filter(site=site).update(last_seen_at=AT + timedelta(minutes=minutes))


def test_ten_minutes_of_silence_are_told_once_and_by_e_mail(site):
    operator, other = make_operator(site), make_operator(make_site())
    watch(9)
    assert not Notification.objects.exists()
    for minutes in (11, 12, 500):
        watch(minutes)
    notice = Notification.objects.get()
    assert (notice.user, notice.kind, notice.by_email) == (operator, "site_unreachable", True)
    assert "Meluxina" in notice.title and site.slug in notice.path
    assert not other.notifications.exists()


def test_its_return_is_told_once_and_a_second_outage_anew(site):
    operator = make_operator(site)
    watch(11)
    heard(site, 42)
    for _again in range(2):
        watch(43)
    assert list(operator.notifications.order_by("created_at").values_list("kind", flat=True)) == [
        "site_unreachable",
        "site_back",
    ]
    assert SiteOutage.objects.get().ended_at == AT + timedelta(minutes=42)
    watch(60)
    assert operator.notifications.filter(kind="site_unreachable").count() == 2


def test_one_agent_that_answers_keeps_the_site_reachable(site):
    make_operator(site)
    make_agent(site, last_seen_at=AT + timedelta(minutes=10))
    watch(15)
    assert not SiteOutage.objects.exists()


def test_a_portal_that_was_away_itself_calls_nobody_silent(site):
    make_operator(site)
    watch(60, since=AT + timedelta(minutes=55))
    assert not SiteOutage.objects.exists()
    watch(66, since=AT + timedelta(minutes=55))
    assert SiteOutage.objects.count() == 1


def test_an_agent_that_was_never_heard_or_was_revoked_is_no_outage(site):
    SiteAgent.objects.update(revoked_at=AT)
    make_agent(make_site(), last_seen_at=None)
    watch(60)
    assert not SiteOutage.objects.exists()


def test_an_outage_ends_quietly_when_the_last_agent_is_revoked(site):
    operator = make_operator(site)
    watch(11)
    SiteAgent.objects.update(revoked_at=AT)
    watch(12)
    assert SiteOutage.objects.get().ended_at is not None
    assert operator.notifications.count() == 1


def test_without_an_operator_the_administrators_are_told(site):
    administrator = make_administrator()
    watch(11)
    assert administrator.notifications.get().kind == "site_unreachable"
