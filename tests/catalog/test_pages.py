"""The catalogue's public pages: what they show, how they filter, and how many queries they cost."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from catalog import liveness
from catalog.models import FoundationModel, Site, StoredModel
from catalog.seeding import seed_catalogue
from jobs.models import SiteAgent
from tests.factories import make_access_mode, make_foundation_model, make_partition, make_rate, make_site, make_user

pytestmark = pytest.mark.django_db
PUBLIC, LIST = 6, 8


def names(response) -> list[str]:
    return [row.model.name for row in response.context["rows"]]


def listed(client: Client, **query: str) -> list[str]:
    response = client.get(reverse("catalog:models"), query)
    assert response.status_code == 200
    return names(response)


def store(model: FoundationModel, site: Site) -> StoredModel:
    return StoredModel.objects.create(site=site, model=model, revision="1", last_reported_at=datetime.now(UTC))


@pytest.fixture
def polish():
    return make_foundation_model(
        name="Bocian", languages=["pl"], provider_country="PL", params=11_000_000_000, licence_spdx="Apache-2.0"
    )


@pytest.fixture
def tiny_encoder():
    return make_foundation_model(
        name="Small encoder", task="embedding", languages=["en"], provider_country="FR/US", licence_spdx="MIT"
    )


@pytest.fixture
def conditional():
    return make_foundation_model(
        name="With conditions", licence_spdx="LicenseRef-Gemma", commercial_use=None, languages=[],
        language_words="140 languages", provider_country="US", params=4_000_000_000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"task": "embedding"}, {"Small encoder"}),
        ({"licence": "MIT"}, {"Small encoder"}),
        ({"licence": "commercial"}, {"Bocian", "Small encoder"}),
        ({"memory": "16"}, {"Small encoder", "With conditions"}),
        ({"country": "US"}, {"Small encoder", "With conditions"}),
        ({"language": "en", "task": "embedding"}, {"Small encoder"}),
    ],
)
def test_filters_narrow_the_list(client, polish, tiny_encoder, conditional, query, expected):
    assert set(listed(client, **query)) == expected


def test_a_language_filter_keeps_models_whose_list_nobody_checked(client, polish, tiny_encoder, conditional):
    assert set(listed(client, language="pl")) == {"Bocian", "With conditions"}


def test_ready_shows_only_models_a_connected_site_holds(client, polish, tiny_encoder):
    store(polish, make_site())
    store(tiny_encoder, make_site(status=Site.Status.KNOWN))
    assert listed(client, ready="on") == ["Bocian"]


def test_a_value_that_is_no_choice_is_ignored(client, polish):
    assert listed(client, memory="lots", task="'; drop") == ["Bocian"]


def test_no_result_says_so_and_offers_the_full_list(client, polish):
    response = client.get(reverse("catalog:models"), {"q": "nothing like this"})
    assert b"No model fits all of this" in response.content


def test_half_a_name_is_found(client, polish):
    assert listed(client, q="boci") == ["Bocian"]


def test_the_best_match_of_a_search_comes_first(client):
    make_foundation_model(name="Other", summary="Better than Qwen at everything")
    make_foundation_model(name="Qwen", summary="A model")
    FoundationModel.objects.refresh_search()
    assert listed(client, q="qwen") == ["Qwen", "Other"]


@pytest.mark.parametrize("rows", [1, 50])
def test_the_model_list_costs_the_same_for_one_and_fifty_rows(client, django_assert_max_num_queries, rows):
    site = make_site()
    for _ in range(rows):
        store(make_foundation_model(languages=["pl"]), site)
    with django_assert_max_num_queries(PUBLIC):
        assert client.get(reverse("catalog:models")).status_code == 200
    client.force_login(make_user())
    with django_assert_max_num_queries(LIST):
        client.get(reverse("catalog:models"), {"q": "model", "language": "pl", "ready": "on"})


def test_a_model_page_tells_licence_languages_and_how_sure_we_are(client):
    seed_catalogue(demonstration=False)
    page = client.get(reverse("catalog:model", args=["eurollm-9b-instruct"])).content.decode()
    assert "Apache License 2.0" in page and "Identifier: Apache-2.0" in page
    assert "Croatian" in page and "Maltese" in page
    assert "Shape read at the source" in page
    assert "18.3 GB" in page  # 9.15 billion parameters in 16 bit


def test_a_model_from_memory_says_so(client):
    seed_catalogue(demonstration=False)
    page = client.get(reverse("catalog:model", args=["bge-m3"])).content.decode()
    assert "Not read at the source yet" in page


def test_four_bit_keeps_the_tables_of_words_in_sixteen(client):
    seed_catalogue(demonstration=False)
    memory = client.get(reverse("catalog:model", args=["qwen3-8b"])).context["memory"]
    tables = 2 * 151936 * 4096
    expected = ((8_190_000_000 - tables) * 4.127 + tables * 16) / 8 / 1e9
    assert memory[-1][-1] == pytest.approx(expected)


@pytest.mark.parametrize("rows", [1, 50])
def test_a_model_page_costs_the_same_however_many_sites_hold_it(client, django_assert_max_num_queries, rows):
    model = make_foundation_model()
    for _ in range(rows):
        store(model, make_site())
    with django_assert_max_num_queries(PUBLIC):
        client.get(model.get_absolute_url())


def test_an_unknown_model_is_not_found(client):
    assert client.get(reverse("catalog:model", args=["nothing"])).status_code == 404


def test_three_models_stand_side_by_side_and_a_fourth_is_named(client):
    models = [make_foundation_model(context=512 * n) for n in range(1, 5)]
    response = client.get(reverse("catalog:compare"), {"model": [one.slug for one in models]})
    assert [column["title"] for column in response.context["columns"]] == [one.name for one in models[:3]]
    assert f"Left out: {models[3].name}." in response.content.decode()


def test_comparing_marks_the_lightest_and_the_longest(client):
    light = make_foundation_model(params=1_000_000_000, context=1024)
    long = make_foundation_model(params=2_000_000_000, context=8192)
    rows = client.get(reverse("catalog:compare"), {"model": [light.slug, long.slug]}).context["rows"]
    best = {row["label"]: row["best"] for row in rows}
    assert (best["Weights in 16 bit"], best["Longest text (tokens)"]) == (0, 1)


def test_comparing_nothing_offers_the_list(client):
    page = client.get(reverse("catalog:compare"), {"model": "unknown"})
    assert page.status_code == 200 and b"Nothing to compare yet" in page.content


def test_the_site_list_says_what_the_map_shows(client):
    seed_catalogue(demonstration=True)
    page = client.get(reverse("catalog:sites")).content.decode()
    for site in Site.objects.all():
        # A dot on the map and a row in the list; a connected one is named beside the map too.
        assert page.count(f'href="/sites/{site.slug}/"') == (3 if site.is_connected else 2), site


def test_sites_are_filtered_by_kind(client):
    seed_catalogue(demonstration=True)
    rows = client.get(reverse("catalog:sites"), {"kind": "antennas"}).context["rows"]
    assert len(rows) == 13


@pytest.mark.parametrize("rows", [1, 50])
def test_the_site_list_costs_the_same_for_one_and_fifty_rows(client, django_assert_max_num_queries, rows):
    for _ in range(rows):
        make_partition()
    with django_assert_max_num_queries(PUBLIC):
        client.get(reverse("catalog:sites"))


def test_a_site_page_says_who_decides_and_how_the_rate_was_found(client):
    seed_catalogue(demonstration=False)
    page = client.get(reverse("catalog:site", args=["slaif"])).content.decode()
    assert "€1.025" in page and "published commercial tariff" in page
    assert "EuroHPC Joint Undertaking" in page and "Not counted as State aid" in page
    assert "from memory" in page


def test_an_antenna_leads_to_its_factories_and_they_lead_back(client):
    seed_catalogue(demonstration=False)
    antenna = client.get(reverse("catalog:site", args=["antenna-lv"])).content.decode()
    factory = client.get(reverse("catalog:site", args=["lumi-ai-factory"])).content.decode()
    assert "/sites/lumi-ai-factory/" in antenna
    assert "/sites/antenna-lv/" in factory


@pytest.mark.parametrize("rows", [1, 50])
def test_a_site_page_costs_the_same_for_one_and_fifty_partitions(client, django_assert_max_num_queries, rows):
    site = make_site()
    make_access_mode().sites.add(site)
    for _ in range(rows):
        make_partition(site=site)
        store(make_foundation_model(), site)
    with django_assert_max_num_queries(PUBLIC + 2):  # how busy it is, and its maintenance
        client.get(site.get_absolute_url())


def test_a_connected_site_that_fell_silent_is_called_quiet(client, monkeypatch):
    site = make_site(name="Northern")
    heard = datetime.now(UTC) - timedelta(minutes=12)
    monkeypatch.setattr(liveness, "_reader", lambda ids: {site.pk: heard})
    page = client.get(site.get_absolute_url()).content.decode()
    assert "Last heard from Northern" in page and "12\xa0minutes ago" in page


def test_a_site_heard_from_a_moment_ago_is_connected(client, monkeypatch):
    site = make_site()
    monkeypatch.setattr(liveness, "_reader", lambda ids: {site.pk: datetime.now(UTC)})
    response = client.get(site.get_absolute_url())
    assert response.context["pulse"].state == "connected"


def test_the_newest_word_of_any_agent_counts(client):
    site = make_site()
    for minutes, key in ((30, "a"), (1, "b")):
        SiteAgent.objects.create(
            site=site, name="agent", public_key=key, last_seen_at=datetime.now(UTC) - timedelta(minutes=minutes)
        )
    assert client.get(site.get_absolute_url()).context["pulse"].state == "connected"


def test_a_rate_of_another_day_is_not_shown(client):
    partition = make_partition(rate=None)
    make_rate(partition, "7.77", valid_from=date(2020, 1, 1), valid_to=date(2020, 12, 31))
    page = client.get(partition.site.get_absolute_url()).content.decode()
    assert "€7.77" not in page and "No rate is valid today" in page


def test_access_modes_say_how_much_who_decides_and_by_when(client):
    seed_catalogue(demonstration=True)
    page = client.get(reverse("catalog:access")).content.decode()
    assert "Starter" in page and "at once" in page and "once in 12 months" in page
    assert "within 2 working days" in page and "1 to 5,000" in page


def test_terms_that_have_ended_are_not_offered(client):
    make_access_mode(name="Last year's way", valid_to="2020-12-31", valid_from="2020-01-01")
    assert "Last year" not in client.get(reverse("catalog:access")).content.decode()


@pytest.mark.parametrize("rows", [1, 50])
def test_the_access_page_costs_the_same_for_one_and_fifty_sites(client, django_assert_max_num_queries, rows):
    mode = make_access_mode()
    mode.sites.set([make_site() for _ in range(rows)])
    with django_assert_max_num_queries(PUBLIC):
        client.get(reverse("catalog:access"))


def test_the_landing_page_shows_the_sites(client):
    seed_catalogue(demonstration=True)
    page = client.get("/").content.decode()
    assert "/sites/local/" in page and "/sites/antenna-lv/" not in page


def test_an_odd_unit_of_a_site_is_explained(client):
    partition = make_partition(native_unit="local core-hour", native_per_gpu_hour=Decimal("8"))
    page = client.get(partition.site.get_absolute_url()).content.decode()
    assert "one GPU-hour is 8 × local core-hour" in page
