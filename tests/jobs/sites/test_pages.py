"""The operators' pages: whose they are, what stands on them, and what never does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.demonstration import DEMONSTRATION_PASSWORD, create_demonstration_people
from accounts.models import AuditEvent
from accounts.roles import Role
from catalog.models import Site
from jobs.erasure import _export
from jobs.models import AgentKey, Attempt, EnrolmentCode, MaintenanceWindow, PartitionReport, SiteAgent, SiteMessage
from jobs.siteapi.services import create_enrolment_code
from tests.factories import grant, make_site, make_user, with_second_factor
from tests.jobs.scene import make_agent
from tests.jobs.siteapi.caller import Caller
from tests.jobs.sites.operators import at, full_scene, make_administrator, make_operator, report

pytestmark = pytest.mark.django_db
PAGES = ["site", "jobs", "agents", "maintenance", "messages", "accounts", "removals"]


@pytest.fixture
def scene(db, client):
    scene = full_scene()
    scene.operator = make_operator(scene.site)
    scene.client = client
    client.force_login(scene.operator)
    return scene


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


# ---- whose pages ----------------------------------------------------------------------------------------------------


def test_an_operator_sees_the_own_site_and_no_other(scene):
    other = make_site()
    for page in PAGES:
        assert scene.site.name in text(scene.client.get(at(page, scene.site)))
        assert scene.client.get(at(page, other)).status_code == 404


def test_an_administrator_sees_every_site(scene):
    scene.client.force_login(make_administrator())
    known = make_site(status=Site.Status.KNOWN)
    for page in PAGES:
        assert scene.client.get(at(page, scene.site)).status_code == 200
        assert scene.client.get(at(page, known)).status_code == 200


def test_companies_and_helpdesk_officers_have_no_operations(scene):
    officer = with_second_factor(make_user())
    grant(officer, Role.HELPDESK, site_slug=scene.site.slug)
    for person in (scene.owner, officer):
        scene.client.force_login(person)
        assert scene.client.get(reverse("jobs:operated_sites")).status_code == 403
        assert scene.client.get(at("site", scene.site)).status_code == 404


def test_the_list_of_an_operator_holds_the_own_site_alone(scene):
    other = make_site(name="Somewhere else")
    assert other.name not in text(scene.client.get(reverse("jobs:operated_sites")))


def test_an_operator_starts_at_the_operations(scene):
    answer = scene.client.get(reverse("jobs:dashboard"))
    assert answer["Location"] == reverse("jobs:operated_sites")


def test_the_demonstrations_operator_signs_in_and_sees_the_embedded_site(scene, settings):
    settings.EMBEDDED = True
    create_demonstration_people(site_slug=scene.site.slug, at=datetime.now(UTC))
    scene.client.logout()
    words = {"login": "operator@example.eu", "password": DEMONSTRATION_PASSWORD}
    scene.client.post(reverse("account_login"), words)
    answer = scene.client.get(reverse("jobs:dashboard"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("jobs:operated_sites")
    assert scene.site.name in text(answer)


def test_what_a_company_trains_stays_out_of_every_page(scene):
    secrets = (scene.job.name, scene.organisation.legal_name, scene.dataset.name, scene.model.name, scene.owner.email)
    for page in PAGES:
        shown = text(scene.client.get(at(page, scene.site)))
        assert [secret for secret in secrets if secret in shown] == [], page


def test_a_job_stands_with_its_reference_state_gpus_and_times(scene):
    page = text(scene.client.get(at("jobs", scene.site)))
    assert scene.job.reference in page and "4711" in page


def test_a_page_costs_a_fixed_number_of_queries(scene, django_assert_max_num_queries):
    for more in range(20):
        report(scene.agent, name=f"more-{more}")
        SiteMessage.objects.create(site=scene.site, agent=scene.agent, at=datetime.now(UTC), call="sync")
        make_agent(scene.site)
    for url in (reverse("jobs:operated_sites"), *(at(page, scene.site) for page in PAGES)):
        with django_assert_max_num_queries(26):
            scene.client.get(url)


# ---- how the site is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ago", "word"), [(5, "Healthy"), (90, "Late"), (900, "Unreachable"), (None, "Unreachable")])
def test_health_follows_the_last_word(scene, ago, word):
    seen = datetime.now(UTC) - timedelta(seconds=ago) if ago is not None else None
    SiteAgent.objects.update(last_seen_at=seen)
    assert f"{word}</span>" in text(scene.client.get(at("site", scene.site)))


def test_one_agent_that_answers_is_enough(scene):
    make_agent(scene.site, last_seen_at=datetime.now(UTC) - timedelta(days=1))
    assert "Healthy</span>" in text(scene.client.get(at("site", scene.site)))


@pytest.mark.parametrize("public", [True, False])
def test_a_figure_older_than_its_promise_is_shown_as_out_of_date(scene, public):
    url = scene.site.get_absolute_url() if public else at("site", scene.site)
    assert text(scene.client.get(url)).count("out of date") == 1
    PartitionReport.objects.update(measured_at=datetime.now(UTC))
    assert "out of date" not in text(scene.client.get(url))


def test_the_public_page_shows_no_words_of_the_sites_own_trouble(scene):
    scene.client.logout()
    page = text(scene.client.get(scene.site.get_absolute_url()))
    assert "3 of 8" in page and "New firmware" in page
    assert "fan failure" not in page and "Pumps of rack 7" not in page


def test_figures_of_a_revoked_agent_are_not_shown(scene):
    SiteAgent.objects.update(revoked_at=datetime.now(UTC))
    assert "big-memory" not in text(scene.client.get(at("site", scene.site)))


# ---- drain ----------------------------------------------------------------------------------------------------------


def test_draining_and_opening_are_written_down_and_reach_the_agent(scene):
    scene.client.post(at("drain", scene.site), {"on": "1"})
    scene.site.refresh_from_db()
    assert scene.site.status == Site.Status.DRAINING
    assert "has not said yet" in text(scene.client.get(at("site", scene.site)))
    SiteAgent.objects.update(capacity={"draining": True})
    assert "has heard it" in text(scene.client.get(at("site", scene.site)))
    scene.client.post(at("drain", scene.site), {"on": "0"})
    assert "drained at the site itself" in text(scene.client.get(at("site", scene.site)))
    events = AuditEvent.objects.filter(action__in=["site.drained", "site.opened"]).order_by("at")
    assert [(event.action, event.actor) for event in events] == [
        ("site.drained", scene.operator),
        ("site.opened", scene.operator),
    ]


def test_a_foreign_operator_cannot_drain(scene):
    scene.client.force_login(make_operator(make_site()))
    assert scene.client.post(at("drain", scene.site), {"on": "1"}).status_code == 404
    scene.site.refresh_from_db()
    assert scene.site.status == Site.Status.CONNECTED


def test_a_site_without_an_agent_cannot_be_drained(scene):
    known = make_site(status=Site.Status.KNOWN)
    scene.client.force_login(make_administrator())
    assert "not connected yet" in text(scene.client.post(at("drain", known), {"on": "1"}, follow=True))


# ---- codes, agents, keys --------------------------------------------------------------------------------------------


def code_on(page):
    return page.split('data-copy="')[1].split('"')[0]


def test_a_code_is_shown_once_and_enrols_one_agent(scene):
    answer = scene.client.post(at("code", scene.site))
    code = code_on(text(answer))
    assert "no-store" in answer["Cache-Control"]
    assert code not in text(scene.client.get(at("agents", scene.site)))
    assert not EnrolmentCode.objects.filter(code_sha256=code).exists()
    assert Caller().enrol(code).status_code == 201
    assert Caller().enrol(code).status_code == 403


def test_an_administrator_starts_a_new_site_with_a_code(scene):
    known = make_site(status=Site.Status.KNOWN)
    scene.client.force_login(make_administrator())
    assert known.name in text(scene.client.get(reverse("jobs:operated_sites")))
    assert Caller().enrol(code_on(text(scene.client.post(at("code", known))))).status_code == 201
    known.refresh_from_db()
    assert known.status == Site.Status.CONNECTED


def test_a_withdrawn_code_enrols_nobody(scene):
    code = create_enrolment_code(site=scene.site, actor=None, at=datetime.now(UTC))
    row = EnrolmentCode.objects.get()
    scene.client.post(at("code_withdraw", scene.site, number=row.pk))
    assert Caller().enrol(code).status_code == 403


def test_a_code_of_another_site_cannot_be_withdrawn(scene):
    other = make_site()
    create_enrolment_code(site=other, actor=None, at=datetime.now(UTC))
    answer = scene.client.post(at("code_withdraw", scene.site, number=EnrolmentCode.objects.get().pk))
    assert answer.status_code == 404


def test_revoking_asks_first_and_then_counts_at_once(scene):
    url = at("agent_revoke", scene.site, agent=scene.agent.pk)
    assert "Revoke the agent?" in text(scene.client.get(url))
    scene.agent.refresh_from_db()
    assert scene.agent.revoked_at is None
    scene.client.post(url)
    scene.agent.refresh_from_db()
    assert scene.agent.revoked_at is not None
    assert AuditEvent.objects.get(action="site.agent_revoked").actor == scene.operator


def test_the_only_key_is_revoked_with_a_warning(scene):
    url = at("key_revoke", scene.site, number=scene.key.pk)
    assert "the only key" in text(scene.client.get(url))
    AgentKey.objects.create(agent=scene.agent, public_key="key 2", fingerprint="fedcba9876543210")
    assert "the only key" not in text(scene.client.get(url))
    scene.client.post(url)
    scene.key.refresh_from_db()
    assert scene.key.revoked_at is not None


@pytest.mark.parametrize("page", ["agent_revoke", "key_replace"])
def test_a_foreign_agent_is_not_found(scene, page):
    other = make_agent(make_site())
    assert scene.client.get(at(page, scene.site, agent=other.pk)).status_code == 404
    assert scene.client.post(at(page, scene.site, agent=other.pk)).status_code == 404


def test_a_foreign_key_is_not_found(scene):
    other = make_agent(make_site())
    key = AgentKey.objects.create(agent=other, public_key="key 9", fingerprint="9" * 16)
    assert scene.client.post(at("key_revoke", scene.site, number=key.pk)).status_code == 404


def test_a_day_is_set_by_which_the_key_is_replaced(scene):
    url = at("key_replace", scene.site, agent=scene.agent.pk)
    past = scene.client.post(url, {"by": (datetime.now(UTC) - timedelta(days=2)).date().isoformat()})
    assert past.status_code == 422
    day = (datetime.now(UTC) + timedelta(days=5)).date()
    assert scene.client.post(url, {"by": day.isoformat()}).status_code == 302
    scene.key.refresh_from_db()
    assert day <= scene.key.not_after.date() + timedelta(days=1)


# ---- maintenance ----------------------------------------------------------------------------------------------------


def window(**words):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    return {
        "starts_at": tomorrow.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (tomorrow + timedelta(hours=4)).strftime("%Y-%m-%dT%H:%M"), "partition": "", "reason": "Cooling",
        **words,
    }  # fmt: skip


def test_maintenance_is_entered_and_called_off(scene):
    assert scene.client.post(at("maintenance", scene.site), window(partition="gpu")).status_code == 302
    row = MaintenanceWindow.objects.get(reason="Cooling")
    assert (row.partition_name, row.entered_by, row.agent) == ("gpu", scene.operator, None)
    scene.client.post(at("call_off", scene.site, number=row.pk))
    assert not MaintenanceWindow.objects.filter(pk=row.pk).exists()
    assert AuditEvent.objects.filter(action__startswith="site.maintenance").count() == 2


def test_what_an_operator_entered_is_part_of_what_we_keep_about_the_person(scene):
    scene.client.post(at("maintenance", scene.site), window())
    (row,) = _export(scene.operator)["maintenance"]
    assert row["reason"] == "Cooling"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"ends_at": "2020-01-01T10:00"}, "The end lies after the start"),
        ({"starts_at": "2020-01-01T10:00", "ends_at": "2020-01-01T12:00"}, "over already"),
        ({"ends_at": "2099-01-01T12:00"}, "at most 90 days"),
        ({"partition": "nobody's"}, "Select a valid choice"),
        ({"starts_at": "soon"}, "Enter a valid date/time"),
    ],
)
def test_a_window_that_cannot_be_is_refused_with_its_reason(scene, words, said):
    answer = scene.client.post(at("maintenance", scene.site), window(**words))
    assert answer.status_code == 422 and said in answer.content.decode()
    assert MaintenanceWindow.objects.count() == 2


def test_what_the_scheduler_announces_is_called_off_at_the_scheduler(scene):
    row = MaintenanceWindow.objects.get(agent=scene.agent)
    answer = scene.client.post(at("call_off", scene.site, number=row.pk), follow=True)
    assert "Remove its reservation there" in text(answer)
    assert MaintenanceWindow.objects.filter(pk=row.pk).exists()


def test_a_foreign_window_is_not_found(scene):
    other = make_site()
    row = MaintenanceWindow.objects.create(
        site=other, starts_at=datetime.now(UTC), ends_at=datetime.now(UTC) + timedelta(hours=1)
    )
    assert scene.client.post(at("call_off", scene.site, number=row.pk)).status_code == 404


# ---- messages, accounts, removals -----------------------------------------------------------------------------------


def test_messages_are_said_in_words(scene):
    page = text(scene.client.get(at("messages", scene.site)))
    assert "1 change of state, 2 usage rows" in page
    assert "signature_invalid" in page and "not proven who called" in page


def test_the_books_and_what_is_open_stand_side_by_side(scene):
    page = text(scene.client.get(at("accounts", scene.site)))
    assert "Different" in page and "7,200" in page and "5,400" in page
    assert "Accounting and the job&#x27;s receipt differ" in page


def test_an_overdue_removal_is_shown_everywhere_and_confirmed_with_a_reason(scene):
    assert "should be gone by now" in text(scene.client.get(at("site", scene.site)))
    assert "1 removal is overdue" in text(scene.client.get(at("removals", scene.site)))
    assert "1 overdue removal" in text(scene.client.get(reverse("jobs:operated_sites")))
    url = at("removal", scene.site, attempt=scene.ended.pk)
    assert scene.client.post(url, {"note": ""}).status_code == 422
    assert scene.client.post(url, {"note": "The node was scrapped."}).status_code == 302
    assert Attempt.objects.get(pk=scene.ended.pk).removed_at is not None
    assert AuditEvent.objects.get(action="site.removal_confirmed").data["note"] == "The node was scrapped."
    assert "overdue removal" not in text(scene.client.get(reverse("jobs:operated_sites")))


def test_what_never_left_the_portal_is_not_overdue(scene):
    Attempt.objects.filter(pk=scene.ended.pk).update(state_seq=0)
    assert "overdue removal" not in text(scene.client.get(reverse("jobs:operated_sites")))


def test_an_agent_too_old_to_report_removals_is_named(scene):
    assert "too old" not in text(scene.client.get(at("removals", scene.site)))
    SiteAgent.objects.update(description={})
    assert "too old" in text(scene.client.get(at("removals", scene.site)))
