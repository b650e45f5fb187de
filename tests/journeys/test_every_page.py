"""Every page a person can open passes axe, wide and narrow, light and dark, and the console stays quiet."""

import pytest
from django.urls import reverse

from accounts.roles import Role
from accounts.state_aid.case import RESEARCH, START_UP
from jobs.applications.decisions import approve
from jobs.applications.services import ask_question
from jobs.models import Allocation
from tests.accounts.state_aid.duties.rows import DutyRows
from tests.accounts.state_aid.duties.scene import make_officer
from tests.accounts.state_aid.ledger.scene import auditor, award, company, link
from tests.accounts.state_aid.services.given import link as state_link
from tests.accounts.state_aid.services.given import make_company, make_scheme
from tests.accounts.state_aid.services.rows import GroupRows
from tests.architecture.test_isolation import Owned, address, addresses_with_ids
from tests.browser import axe, new_page, no_sideways_scroll, sign_in
from tests.factories import grant, make_access_mode, make_partition, make_site, make_user, with_second_factor
from tests.jobs.applications.test_helpdesk import make_scene
from tests.jobs.applications.test_starter import AT, complete_draft
from tests.jobs.sites.operators import addresses, full_scene, make_operator

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PUBLIC = [
    "home",
    "help",
    "privacy",
    "accessibility",
    "account_login",
    "account_signup",
    "catalog:models",
    "catalog:sites",
    "catalog:access",
    "ui:patterns",
]
OWN = [
    "jobs:dashboard", "jobs:applications", "jobs:application_new", "jobs:allocations", "jobs:jobs", "jobs:usage",
    "jobs:matching", "jobs:wizard_start", "models_hub:datasets", "models_hub:dataset_upload", "models_hub:results",
    "accounts:organisation", "accounts:team", "accounts:company_facts", "accounts:aid", "accounts:notifications",
    "accounts:size_owners", "accounts:size_holdings", "accounts:size_changes", "accounts:size_figures",
    "accounts:size_group", "accounts:size_persons", "accounts:party_new", "accounts:holding_new",
    "accounts:size_papers", "accounts:size_check", "accounts:profile", "accounts:organisation_create",
    "accounts:group", "accounts:group_link", "accounts:group_event", "accounts:aid_declare", "mfa_index",
]  # fmt: skip
# Addresses that answer GET with something else than a page.
NO_PAGE = (
    "download",
    "log",
    "estimate",
    "status",
    "csv",
    "rejected",
    "file",
    "fragment",
    "live",
    "card",
    "zip",
    "sums",
)


# Both themes and both widths, each once: the four combinations are looked at beside each page's own tests.
LOOKS = (("light", 1280), ("dark", 320))


def look_at(browser, url: str, server: str, user=None) -> None:
    for theme, width in LOOKS:
        with new_page(browser, theme=theme, width=width) as page:
            if user:
                sign_in(page, server, user)
            page.goto(server + url)
            axe(page)
            no_sideways_scroll(page)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_pages(browser, live_server, settings, name):
    settings.EMBEDDED = True
    look_at(browser, reverse(name), live_server.url)


@pytest.mark.parametrize("name", OWN)
def test_pages_of_a_company(browser, live_server, name):
    owned = Owned()
    look_at(browser, reverse(name), live_server.url, owned.owner)


@pytest.mark.parametrize("name", [name for name in OWN if name not in {"accounts:organisation_create"}])
def test_pages_of_somebody_new(browser, live_server, name):
    user = make_user()
    client_answer = reverse(name)
    look_at(browser, client_answer, live_server.url, user)


@pytest.mark.parametrize(
    ("view", "name", "parameters"),
    [row for row in addresses_with_ids() if not any(word in row[1] for word in NO_PAGE)],
)
def test_pages_about_one_thing(browser, live_server, client, view, name, parameters):
    owned = Owned()
    url = address(view, name, parameters, owned)
    client.force_login(owned.owner)
    answer = client.get(url)
    if answer.status_code in (302, 403, 404, 405) or "html" not in answer.get("Content-Type", ""):
        assert answer.status_code < 500
        return
    assert answer.status_code == 200
    look_at(browser, url, live_server.url, owned.owner)


@pytest.mark.parametrize("page", ["edit", "check", "detail", "question"])
def test_pages_of_a_request(browser, live_server, page):
    if page in ("edit", "check"):
        owned = Owned()
        draft = complete_draft(organisation=owned.organisation, mode=make_access_mode(), actor=owned.owner)
        url, user = reverse(f"jobs:application_{page}", args=[draft.pk]), owned.owner
    else:
        application, user, officer = make_scene()
        if page == "question":
            ask_question(application=application, body="Where is your data stored?", actor=officer, at=AT)
        url = reverse("jobs:application", args=[application.pk])
    look_at(browser, url, live_server.url, user)


@pytest.mark.parametrize("basis", [RESEARCH, START_UP])
def test_the_questions_of_a_scheme(browser, live_server, basis):
    owned = Owned()
    scheme = make_scheme(basis=basis, category="industrial" if basis == RESEARCH else "")
    partition = make_partition(site=make_site(aid_scheme=scheme))
    draft = complete_draft(
        organisation=owned.organisation, mode=make_access_mode(), actor=owned.owner, partition=partition
    )
    look_at(browser, reverse("jobs:application_edit", args=[draft.pk]), live_server.url, owned.owner)


@pytest.mark.parametrize("page", ["queue", "review", "awards"])
def test_pages_of_the_helpdesk(browser, live_server, page):
    application, _owner, officer = make_scene()
    url = reverse("jobs:queue") if page == "queue" else reverse("jobs:review", args=[application.pk])
    if page == "awards":
        approve(application=application, gpu_hours=10, ends_on=None, reason="Enough to begin.", actor=officer, at=AT)
        url = reverse("jobs:allocation_awards", args=[Allocation.objects.get().pk])
    look_at(browser, url, live_server.url, officer)


@pytest.mark.parametrize(
    "name",
    [
        "accounts:audit",
        "accounts:roles",
        "accounts:law",
        "accounts:law_scheme_add",
        "accounts:groups",
        "jobs:matching_weights",
    ],
)
def test_pages_of_the_administration(browser, live_server, name):
    administrator = with_second_factor(make_user())
    grant(administrator, Role.ADMINISTRATOR)
    rows = GroupRows(Owned().organisation)
    assert rows.link and rows.event and rows.scheme
    look_at(browser, reverse(name), live_server.url, administrator)


@pytest.mark.parametrize(("role", "page"), [("administrator", "discrepancy"), ("operator", "discrepancies")])
def test_pages_of_usage_in_question(browser, live_server, role, page):
    row = Owned().discrepancy()
    person = with_second_factor(make_user())
    grant(person, Role(role), site_slug=row.site.slug if role == "operator" else "")
    look_at(browser, reverse(f"jobs:{page}", args=[row.pk] if page == "discrepancy" else []), live_server.url, person)


def test_taking_an_award_back(browser, live_server):
    administrator = with_second_factor(make_user())
    grant(administrator, Role.ADMINISTRATOR)
    row = GroupRows(Owned().organisation).award
    look_at(browser, reverse("accounts:award_reverse", args=[row.award]), live_server.url, administrator)


@pytest.mark.parametrize(
    "page", ["duties", "duty", "register", "references", "yearly", "requests", "request_new", "request"]
)
def test_pages_of_duties(browser, live_server, page):
    rows = DutyRows(Owned().organisation)
    about = {"duty": rows.duty, "request": rows.request}
    assert rows.letter and rows.export
    url = reverse(f"accounts:{page}", args=[about[page].pk] if page in about else [])
    look_at(browser, url, live_server.url, make_officer("FI"))


def test_letters_of_a_company(browser, live_server):
    owned = Owned()
    assert DutyRows(owned.organisation).letter
    look_at(browser, reverse("accounts:letters"), live_server.url, owned.owner)


@pytest.mark.parametrize("key", ["law", "policy", "exchange_rate", "national_cap"])
def test_pages_of_law(browser, live_server, key):
    administrator = with_second_factor(make_user())
    grant(administrator, Role.ADMINISTRATOR)
    url = reverse("accounts:law_parameters", args=[key])
    look_at(browser, f"{url}?from=651/2014-28", live_server.url, administrator)


@pytest.mark.parametrize("page", ["aid_ledger", "aid_verdicts", "aid_assessment"])
def test_pages_of_the_aid_ledger(browser, live_server, page):
    organisation, _owner = company()
    row = award(organisation, "1100")
    url = reverse(f"accounts:{page}", args=[row.assessment_id] if page == "aid_assessment" else [])
    look_at(browser, url, live_server.url, auditor())


def test_refusing_what_another_company_states(browser, live_server):
    organisation, owner = company()
    row = state_link(make_company(), controlled=organisation)
    look_at(browser, reverse("accounts:group_link_refuse", args=[row.pk]), live_server.url, owner)
    look_at(browser, reverse("accounts:group"), live_server.url, owner)


def test_the_account_of_a_company_with_a_group(browser, live_server):
    mother, _owner = company()
    daughter, owner = company()
    link(mother, daughter)
    award(mother, "7000")
    award(daughter, "1100")
    look_at(browser, reverse("accounts:aid"), live_server.url, owner)


@pytest.mark.parametrize("page", ["supported", "supported_company"])
def test_pages_of_support_for_the_helpdesk(browser, live_server, page):
    application, _owner, officer = make_scene()
    url = reverse(f"jobs:{page}", args=[application.organisation_id] if page == "supported_company" else [])
    look_at(browser, url, live_server.url, officer)


@pytest.mark.parametrize("page", ["jobs:economic_use", "catalog:manage", "catalog:rates", "catalog:rate_add"])
def test_pages_of_rates_and_meters(browser, live_server, page):
    administrator = with_second_factor(make_user())
    grant(administrator, Role.ADMINISTRATOR)
    partition = make_partition()
    url = reverse(page, args=[partition.pk] if "rate" in page else [])
    look_at(browser, url, live_server.url, administrator)


def test_pages_of_operations(browser, live_server):
    scene = full_scene()
    operator = make_operator(scene.site)
    for theme, width in LOOKS:
        with new_page(browser, theme=theme, width=width) as page:
            sign_in(page, live_server.url, operator)
            for url in addresses(scene):
                page.goto(live_server.url + url)
                axe(page)
                no_sideways_scroll(page)
