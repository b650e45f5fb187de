"""Electricity and CO2e of what ran: measured where the site does, else estimated; each start once; the method named."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.roles import Role
from jobs.execution.services.corrections import decide_discrepancy
from jobs.metering.energy import footprint_of, footprints
from jobs.models import Job, UsageDiscrepancy
from tests.factories import grant, make_user
from tests.jobs.metering.scene import START, end, metered_scene, use

pytestmark = pytest.mark.django_db
KWH = 3_600_000


@pytest.fixture
def scene():
    scene = metered_scene(pue="1.25", grid_g_per_kwh=200, grid_source="ENTSO-E 2023")
    scene.partition.tdp_watts = 500
    scene.partition.save()
    return scene


def footprint(scene):
    return footprints([scene.job.pk])[scene.job.pk]


def figures(scene):
    found = footprint(scene)
    return round(found.kwh, 6), round(found.co2e_kg, 6), str(found.method)


def test_a_measured_run_counts_as_measured_with_the_buildings_overhead(scene):
    use(scene.attempt, energy_joules=2 * KWH)
    assert figures(scene) == (2.5, 0.5, "measured")
    assert footprint(scene).measured_kwh == 2.0


@pytest.mark.parametrize("joules", [None, 0, -2])
def test_where_nothing_was_measured_power_times_hours_counts(scene, joules):
    """Zero or less is how meters say that they do not know."""
    use(scene.attempt, energy_joules=joules)
    assert figures(scene) == (0.625, 0.125, "estimated")


def test_starts_with_and_without_a_meter_add_up(scene):
    use(scene.attempt, seconds=1800, energy_joules=KWH)
    use(scene.attempt, begin=2000, seconds=1440)
    assert figures(scene) == (1.5, 0.3, "partly measured")
    assert footprint(scene).starts == 2


def test_a_receipt_beside_the_accounting_is_not_counted_again(scene):
    use(scene.attempt)
    use(scene.attempt, begin=3, seconds=3590, method="receipt")
    assert figures(scene)[0] == 0.625


def test_what_ran_counts_charged_or_not(scene):
    use(scene.attempt, seconds=1800)
    end(scene.attempt, hint_code="disk_full")
    use(scene.attempt, begin=1900, seconds=1800, at=START + timedelta(days=1))
    assert figures(scene)[0] == 0.625


def test_a_corrected_start_counts_as_corrected(scene):
    use(scene.attempt, receipt_gpu_seconds=1800)
    person = make_user()
    grant(person, Role.ADMINISTRATOR)
    question = UsageDiscrepancy.objects.get()
    decide_discrepancy(
        discrepancy=question,
        outcome="corrected",
        gpu_seconds=1800,
        note="x",
        actor=person,
        at=START + timedelta(days=1),
    )
    assert figures(scene)[0] == 0.3125


def test_all_jobs_together_are_summed_site_by_site(scene):
    use(scene.attempt)
    other = metered_scene(slug="second", pue="1.0", grid_g_per_kwh=1000)
    other.partition.tdp_watts = 1000
    other.partition.save()
    use(other.attempt)
    found = footprint_of(Job.objects.all())
    assert (round(found.kwh, 6), round(found.co2e_kg, 6)) == (1.625, 1.125)
    assert {grid.g_per_kwh for grid in found.grids} == {200, 1000}


def test_the_jobs_page_names_method_and_source(client, scene):
    use(scene.attempt, receipt_gpu_seconds=3000)
    end(scene.attempt)
    client.force_login(scene.owner)
    page = client.get(reverse("jobs:job_cost", args=[scene.job.pk])).content.decode()
    for words in (
        "0.62 kWh", "0.12 kg CO2e", "Estimated: GPU-hours times", "200 g CO2e per kWh (ENTSO-E 2023)",
        "Accounts of this run's GPU time differ",
    ):  # fmt: skip
        assert words in page
    assert "0.62 kWh, 0.12 kg CO2e" in client.get(reverse("jobs:job", args=[scene.job.pk])).content.decode()
