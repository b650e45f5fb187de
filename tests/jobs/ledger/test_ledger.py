"""Every GPU-second is booked once, and nobody spends what is not there."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from jobs.ledger.services import adjust, balance, balances, recharge, reserve, reverse, settle
from jobs.models import Job, LedgerEntry
from portal.kernel.errors import DomainError
from tests.factories import make_allocation, make_dataset, make_foundation_model, make_sme, make_user

HOUR = 3600


def make_job(allocation, **fields):
    return Job.objects.create(
        **{
            "reference": f"JOB-T-{Job.objects.count() + 1}",
            "organisation": allocation.organisation,
            "allocation": allocation,
            "site": allocation.site,
            "partition": allocation.partition,
            "base_model": make_foundation_model(),
            "dataset": make_dataset(organisation=allocation.organisation),
            "name": "A job",
            "recipe": "classify",
            "method": "encoder",
            "spec": {},
            "spec_hash": "0" * 64,
            "max_seconds": HOUR,
            "reserved_gpu_seconds": HOUR,
            **fields,
        }
    )


@pytest.fixture
def allocation(db):
    return make_allocation(organisation=make_sme(owner=make_user()), gpu_hours=10)


@pytest.mark.django_db
def test_a_reservation_lowers_what_is_available(allocation):
    reserve(allocation=allocation, job=make_job(allocation), gpu_seconds=4 * HOUR)
    now = balance(allocation)
    assert (now.granted, now.reserved, now.used, now.available) == (10 * HOUR, 4 * HOUR, 0, 6 * HOUR)


@pytest.mark.django_db
def test_settling_charges_what_was_used_and_gives_the_rest_back(allocation):
    job = make_job(allocation)
    reserve(allocation=allocation, job=job, gpu_seconds=4 * HOUR)
    assert settle(job=job, charged_gpu_seconds=100) is True
    now = balance(allocation)
    assert (now.reserved, now.used, now.available) == (0, 100, 10 * HOUR - 100)


@pytest.mark.django_db
def test_settling_twice_books_once(allocation):
    job = make_job(allocation)
    reserve(allocation=allocation, job=job, gpu_seconds=HOUR)
    settle(job=job, charged_gpu_seconds=100)
    assert settle(job=job, charged_gpu_seconds=999) is False
    assert balance(allocation).used == 100


@pytest.mark.django_db
def test_more_than_is_left_is_refused_and_books_nothing(allocation):
    with pytest.raises(DomainError) as refusal:
        reserve(allocation=allocation, job=make_job(allocation), gpu_seconds=10 * HOUR + 1)
    assert refusal.value.code == "not_enough_hours"
    assert "10.00" in refusal.value.sentence
    assert balance(allocation).reserved == 0


@pytest.mark.django_db
def test_a_second_reservation_for_one_job_is_refused_by_the_database(allocation):
    job = make_job(allocation)
    reserve(allocation=allocation, job=job, gpu_seconds=HOUR)
    with pytest.raises(IntegrityError), transaction.atomic():
        reserve(allocation=allocation, job=job, gpu_seconds=HOUR)


@pytest.mark.django_db
def test_a_reversed_charge_is_as_if_it_never_was_and_both_rows_stay(allocation):
    job = make_job(allocation)
    reserve(allocation=allocation, job=job, gpu_seconds=HOUR)
    settle(job=job, charged_gpu_seconds=100)
    charge = LedgerEntry.objects.get(job=job, kind=LedgerEntry.Kind.CHARGE)
    reverse(entry=charge, reason="the site's fault", actor=None)
    assert balance(allocation).used == 0
    assert LedgerEntry.objects.filter(job=job).count() == 4
    with pytest.raises(DomainError, match="already_reversed"):
        reverse(entry=charge, reason="again", actor=None)


def charged(job):
    return sorted(entry.gpu_seconds for entry in job.ledger_entries.filter(kind__in=["charge", "reverse"]))


@pytest.mark.django_db
def test_a_charge_booked_anew_reverses_the_one_before_and_every_row_stays(allocation):
    job = make_job(allocation)
    reserve(allocation=allocation, job=job, gpu_seconds=HOUR)
    settle(job=job, charged_gpu_seconds=100)
    recharge(job=job, gpu_seconds=70, reason="corrected", actor=None)
    recharge(job=job, gpu_seconds=90, reason="corrected again", actor=None)
    assert balance(allocation).used == 90
    assert charged(job) == [-100, -90, -70, 70, 100]


@pytest.mark.django_db
def test_the_same_charge_is_not_booked_again(allocation):
    job = make_job(allocation)
    reserve(allocation=allocation, job=job, gpu_seconds=HOUR)
    settle(job=job, charged_gpu_seconds=100)
    assert recharge(job=job, gpu_seconds=100, reason="no change", actor=None) is None
    assert charged(job) == [-100]


@pytest.mark.django_db
def test_what_was_never_charged_is_not_charged_anew(allocation):
    job = make_job(allocation)
    reserve(allocation=allocation, job=job, gpu_seconds=HOUR)
    with pytest.raises(DomainError, match="not_charged"):
        recharge(job=job, gpu_seconds=100, reason="x", actor=None)


@pytest.mark.django_db
def test_the_database_refuses_a_second_charge_and_a_second_one_after_one_reversal(allocation):
    job = make_job(allocation)
    reserve(allocation=allocation, job=job, gpu_seconds=HOUR)
    settle(job=job, charged_gpu_seconds=100)
    anew = recharge(job=job, gpu_seconds=70, reason="corrected", actor=None)
    fields = {"allocation": allocation, "job": job, "kind": "charge", "gpu_seconds": -70}
    for after in (None, anew.after):
        with pytest.raises(IntegrityError), transaction.atomic():
            LedgerEntry.objects.create(**fields, after=after)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_to_change_an_entry(allocation, change):
    entry = allocation.entries.get()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        if change == "update":
            LedgerEntry.objects.filter(pk=entry.pk).update(gpu_seconds=1)
        else:
            entry.delete()


@pytest.mark.django_db
def test_an_allocation_cannot_be_lowered_below_what_is_set_aside(allocation):
    reserve(allocation=allocation, job=make_job(allocation), gpu_seconds=9 * HOUR)
    with pytest.raises(DomainError, match="below_what_is_used"):
        adjust(allocation=allocation, gpu_seconds=-2 * HOUR, reason="less", actor=make_user())
    adjust(allocation=allocation, gpu_seconds=-HOUR, reason="less", actor=make_user())
    assert balance(allocation).available == 0


@pytest.mark.django_db
def test_many_balances_cost_one_query(allocation, django_assert_num_queries):
    others = [make_allocation(organisation=allocation.organisation) for _ in range(3)]
    with django_assert_num_queries(1):
        found = balances([allocation, *others])
    assert {entry.available for entry in found.values()} == {10 * HOUR}


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_for_the_last_hours_one_wins():
    allocation = make_allocation(organisation=make_sme(owner=make_user()), gpu_hours=1)
    jobs = [make_job(allocation), make_job(allocation)]
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def click(job):
        barrier.wait()
        try:
            reserve(allocation=allocation, job=job, gpu_seconds=HOUR)
            outcomes.append("reserved")
        except DomainError as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["not_enough_hours", "reserved"]
    assert balance(allocation).available == 0
