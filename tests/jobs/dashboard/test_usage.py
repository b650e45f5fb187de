"""Usage: hours, value and energy by allocation and run, for one organisation only, on a page and as CSV."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.urls import reverse

from jobs.dashboard.exports import safe_cell
from jobs.models import Attempt, LedgerEntry, UsageRecord
from jobs.states import JobState
from tests.factories import (
    make_allocation,
    make_dataset,
    make_foundation_model,
    make_job,
    make_organisation,
    make_partition,
    make_rate,
    make_site,
    make_user,
)

pytestmark = pytest.mark.django_db
# A page of figures like the dashboard: its budget, and two for energy (of the period, of the runs on the page).
BUDGET = 17


@pytest.fixture
def owner():
    return make_user(time_zone="UTC")


@pytest.fixture
def company(owner):
    return make_organisation(owner=owner)


@pytest.fixture
def get(client, owner):
    client.force_login(owner)

    def get(**query):
        response = client.get(reverse("jobs:usage"), query)
        assert response.status_code == 200
        return response

    return get


def settled(allocation, gpu_seconds, **fields):
    return make_job(
        allocation=allocation, charged_gpu_seconds=gpu_seconds,
        **{"state": JobState.DONE, "settled_at": datetime.now(UTC), **fields},
    )  # fmt: skip


def record(job, *, joules, method=UsageRecord.Method.ACCOUNTING, corrects=None, number=1, start=None):
    attempt, _new = Attempt.objects.get_or_create(
        job=job, number=number,
        defaults={
            "key": f"{job.pk}-{number}", "site": job.site, "lease_epoch": 1, "lease_token": "t",
            "lease_expires_at": datetime.now(UTC), "not_after": datetime.now(UTC), "last_heard_at": datetime.now(UTC),
            "created_at": datetime.now(UTC),
        },
    )  # fmt: skip
    start = start or datetime(2026, 11, 1, 10, tzinfo=UTC)
    return UsageRecord.objects.create(
        attempt=attempt, site=job.site, cluster="c", native_id=str(job.pk), started_at=start,
        ended_at=start + timedelta(hours=1), gpus=1, gpu_seconds=3600, energy_joules=joules, method=method,
        corrects=corrects,
    )  # fmt: skip


def test_value_is_counted_at_the_rate_frozen_with_the_grant(get, company):
    allocation = make_allocation(organisation=company, partition=make_partition(rate="2.20"))
    make_rate(allocation.partition, "99", valid_from=date(2026, 1, 2))
    settled(allocation, 9000)  # 2.5 hours
    response = get()
    row = response.context["allocations"][0]
    assert (row.used, row.value) == (9000, Decimal("5.50"))
    assert response.context["totals"] == {"used": 9000, "value": Decimal("5.50")}
    assert response.context["jobs"][0].value == Decimal("5.50")


def test_a_reversal_takes_the_use_back(get, company):
    allocation = make_allocation(organisation=company)
    job = settled(allocation, 3600)
    charge = job.ledger_entries.get(kind=LedgerEntry.Kind.CHARGE)
    LedgerEntry.objects.create(
        allocation=allocation, job=job, kind=LedgerEntry.Kind.REVERSE, gpu_seconds=3600, reverses=charge
    )
    response = get()
    assert response.context["totals"]["used"] == 0
    assert response.context["jobs"][0].used == 0


def test_runs_outside_the_period_are_left_out(get, company):
    allocation = make_allocation(organisation=company)
    settled(allocation, 3600, name="Long ago", settled_at=datetime(2025, 3, 1, tzinfo=UTC))
    settled(allocation, 3600, name="Lately")
    assert [row.job.name for row in get().context["jobs"]] == ["Lately"]
    response = get(**{"from": "2025-03-01", "to": "2025-03-01"})
    assert [row.job.name for row in response.context["jobs"]] == ["Long ago"]


def test_a_run_that_has_not_ended_is_not_listed(get, company):
    make_job(allocation=make_allocation(organisation=company), state=JobState.RUNNING)
    assert b"No run was settled in this period" in get().content


@pytest.mark.parametrize("query", [{"from": "soon"}, {"from": "2026-05-01", "to": "2026-04-01"}])
def test_a_period_that_cannot_be_is_told_and_the_usual_one_shown(get, company, query):
    response = get(**query)
    assert response.context["form"].errors
    assert response.context["period"].last >= date(2026, 1, 1)


def test_a_long_period_is_charted_for_a_year_only(get, company):
    response = get(**{"from": "2015-01-01", "to": "2026-11-20"})
    assert len(response.context["chart"].labels) == 53
    assert response.context["chart_cut"]


def kwh(response):
    return round(response.context["footprint"].kwh, 6)


def at_a_site(company):
    """An allocation at a site of PUE 1.5 with GPUs of 400 W, on a grid of 100 g a kWh."""
    site = make_site(pue="1.5", grid_g_per_kwh=100, grid_source="ENTSO-E 2023")
    return make_allocation(organisation=company, partition=make_partition(site=site, tdp_watts=400))


def test_energy_is_measured_where_a_site_does_and_else_estimated(get, company):
    allocation = at_a_site(company)
    record(settled(allocation, 3600), joules=7_200_000)
    record(settled(allocation, 3600), joules=None)
    response = get()
    assert kwh(response) == 3.6  # (2.0 measured + 0.4 rated) × 1.5
    assert {(row.footprint.method, round(row.footprint.co2e_kg, 3)) for row in response.context["jobs"]} == {
        ("measured", 0.3),
        ("estimated", 0.06),
    }
    text = response.content.decode()
    assert "3.60 kWh" in text and "0.36 kg CO2e" in text
    assert "Partly measured by the site" in text and "100 g CO2e per kWh (ENTSO-E 2023)" in text


def test_a_run_that_held_nothing_has_no_energy(get, company):
    settled(make_allocation(organisation=company), 0)
    response = get()
    assert response.context["footprint"] is None
    assert [row.footprint for row in response.context["jobs"]] == [None]


def test_a_receipt_beside_the_accounting_is_not_counted_twice(get, company):
    job = settled(make_allocation(organisation=company), 3600)
    record(job, joules=3_600_000)
    record(job, joules=3_500_000, method=UsageRecord.Method.RECEIPT)
    assert kwh(get()) == 1.3


def test_a_corrected_record_is_replaced_by_its_correction(get, company):
    job = settled(make_allocation(organisation=company), 3600)
    wrong = record(job, joules=36_000_000)
    record(job, joules=3_600_000, method=UsageRecord.Method.CORRECTION, corrects=wrong)
    assert kwh(get()) == 1.3


def test_another_companys_use_is_not_shown(get, client, company):
    other = make_allocation(organisation=make_organisation(owner=make_user()))
    settled(other, 3600, name="Secret run")
    page = get().content.decode()
    assert "Secret run" not in page and other.reference not in page
    table = b"".join(client.get(reverse("jobs:usage_csv")).streaming_content).decode()
    assert "Secret run" not in table


def test_a_person_without_a_company_is_led_to_the_first_steps(client):
    client.force_login(make_user())
    assert client.get(reverse("jobs:usage")).url == reverse("jobs:dashboard")
    assert client.get(reverse("jobs:usage_csv")).url == reverse("jobs:dashboard")


def table(client, **query) -> list[dict[str, str]]:
    response = client.get(reverse("jobs:usage_csv"), query)
    assert response.streaming and response["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_the_csv_holds_every_run_with_exact_seconds(client, get, company):
    allocation = make_allocation(organisation=company, partition=make_partition(rate="2.20"))
    job = settled(allocation, 4999, name="Sorter")
    record(job, joules=1_800_000)
    (row,) = table(client)
    assert (row["job"], row["name"], row["gpu_seconds"], row["gpu_hours"]) == (job.reference, "Sorter", "4999", "1.39")
    assert (row["value_eur"], row["eur_per_gpu_hour"]) == ("3.05", "2.2000")
    assert (row["energy_kwh"], row["energy_method"], row["energy_measured_kwh"]) == ("0.65", "measured", "0.5")
    assert (row["co2e_kg"], row["pue"], row["grid_g_per_kwh"], row["starts"]) == ("0.1625", "1.3", "250", "1")
    assert row["grid_source"] == "our default, because no figure of this country was read"


def test_the_csv_never_starts_a_formula(client, get, company):
    settled(make_allocation(organisation=company), 60, name='=HYPERLINK("http://example.eu")')
    assert table(client)[0]["name"] == '\'=HYPERLINK("http://example.eu")'


@pytest.mark.parametrize(
    ("value", "cell"),
    [("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"), ("a=1", "a=1"), (-1, "-1"), (None, ""), ("", "")],
)
def test_a_cell_is_text_unless_it_is_a_number(value, cell):
    assert safe_cell(value) == cell


@pytest.mark.parametrize("rows", [1, 50])
def test_the_page_costs_the_same_for_one_and_fifty_rows(get, company, django_assert_max_num_queries, rows):
    base, data = make_foundation_model(), make_dataset(organisation=company)
    for _ in range(rows):
        settled(make_allocation(organisation=company), 60, base_model=base, dataset=data)
    with django_assert_max_num_queries(BUDGET):
        get()


def test_the_csv_costs_the_same_for_one_and_fifty_rows(client, get, company, django_assert_max_num_queries):
    base, data = make_foundation_model(), make_dataset(organisation=company)
    for _ in range(50):
        settled(make_allocation(organisation=company), 60, base_model=base, dataset=data)
    with django_assert_max_num_queries(8):
        assert len(table(client)) == 50
