"""What an hour is worth is decided by two administrators, on evidence that is kept, and never rewritten."""

from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import AuditEvent, Notification
from accounts.roles import Role
from catalog.manage.rates import approve_rate, propose_rate, withdraw_rate
from catalog.manage.selectors import history
from catalog.models import RateCard
from catalog.states import RateState
from jobs.allocations.grants import rate_on
from portal.kernel.errors import DomainError, NotAllowed
from tests.factories import grant, make_partition, make_rate, make_user, with_second_factor

pytestmark = pytest.mark.django_db

DAY = date(2026, 12, 1)
PDF = b"%PDF-1.4 price list"


@pytest.fixture
def first():
    return administrator()


@pytest.fixture
def second():
    return administrator()


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def administrator():
    user = with_second_factor(make_user())
    grant(user, Role.ADMINISTRATOR)
    return user


def propose(partition, actor, day=DAY, eur="3.00", paper=None):
    return propose_rate(
        partition=partition, eur_per_gpu_hour=Decimal(eur), method=RateCard.Method.HOST_TARIFF,
        evidence="Price list of that day", evidence_url="", valid_from=day, actor=actor, paper=paper,
    )  # fmt: skip


def test_a_proposed_rate_does_not_count(first):
    partition = make_partition(rate="2.20")
    propose(partition, first)
    assert rate_on(partition, DAY).eur_per_gpu_hour == Decimal("2.20")


def test_a_rate_approved_by_another_administrator_counts_from_its_first_day(first, second):
    partition = make_partition(rate="2.20")
    card = approve_rate(card=propose(partition, first), actor=second, on=date(2026, 11, 21))
    assert rate_on(partition, DAY - timedelta(days=1)).eur_per_gpu_hour == Decimal("2.20")
    assert rate_on(partition, DAY) == card
    assert card.decided_by == second
    assert RateCard.objects.valid_on(DAY).filter(partition=partition).count() == 1


def test_nobody_approves_their_own_rate(first):
    card = propose(make_partition(), first)
    with pytest.raises(DomainError, match="own_rate"):
        approve_rate(card=card, actor=first, on=DAY)
    card.refresh_from_db()
    assert card.state == RateState.PROPOSED


def test_the_database_refuses_a_rate_approved_by_its_proposer(first):
    card = propose(make_partition(), first)
    with pytest.raises(IntegrityError), transaction.atomic():
        RateCard.objects.filter(pk=card.pk).update(state=RateState.APPROVED, decided_by=first)


@pytest.mark.parametrize("change", [{"eur_per_gpu_hour": 9}, {"state": "withdrawn"}, {"valid_to": DAY}])
def test_the_database_refuses_to_change_an_approved_rate(change):
    card = make_partition().rate_cards.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        RateCard.objects.filter(pk=card.pk).update(**change)


def test_the_database_refuses_to_delete_an_approved_rate():
    card = make_partition().rate_cards.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        card.delete()


def test_a_rate_cannot_start_before_one_that_is_there(first):
    partition = make_partition()
    with pytest.raises(DomainError) as refused:
        propose(partition, first, date(2025, 1, 1))
    assert (refused.value.code, refused.value.field) == ("rate_overlaps", "valid_from")
    assert partition.rate_cards.count() == 1


def test_a_rate_approved_meanwhile_stops_an_older_proposal(first, second):
    partition = make_partition()
    card = propose(partition, first)
    make_rate(partition, "5", valid_from=DAY)
    with pytest.raises(DomainError, match="rate_overlaps"):
        approve_rate(card=card, actor=second, on=DAY)


def test_only_one_proposal_waits_for_each_hardware(first, second):
    partition = make_partition()
    propose(partition, first)
    with pytest.raises(DomainError, match="rate_waiting"):
        propose(partition, second)


def test_a_withdrawn_proposal_stays_in_the_history_and_never_counts(first, second):
    partition = make_partition()
    withdraw_rate(card=propose(partition, first), actor=second, on=DAY)
    cards = list(partition.rate_cards.order_by("-valid_from"))
    assert [row.card.state for row in history(cards, on=DAY)] == ["withdrawn", "approved"]
    assert rate_on(partition, DAY) == cards[1]


def test_the_history_ends_each_rate_the_day_before_its_successor():
    partition = make_partition()
    make_rate(partition, "3", valid_from=DAY)
    cards = list(partition.rate_cards.order_by("-valid_from"))
    rows = history(cards, on=DAY)
    assert [(row.until, row.in_force) for row in rows] == [(None, True), (DAY - timedelta(days=1), False)]


def test_others_are_told_and_the_acts_are_recorded(first, second):
    approve_rate(card=propose(make_partition(), first), actor=second, on=DAY)
    assert [note.user for note in Notification.objects.filter(kind="rate_proposed")] == [second]
    recorded = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"catalog.rate_proposed", "catalog.rate_approved"} <= recorded


def test_only_administrators_propose_approve_and_withdraw(first):
    card = propose(make_partition(), first)
    for act in (
        lambda who: propose(make_partition(), who),
        lambda who: approve_rate(card=card, actor=who, on=DAY),
        lambda who: withdraw_rate(card=card, actor=who, on=DAY),
    ):
        with pytest.raises(NotAllowed):
            act(make_user())


def sent(**changes):
    return {"eur_per_gpu_hour": "3", "method": "host_tariff", "evidence": "Our list", "valid_from": "2026-12-01",
            **changes}  # fmt: skip


def test_the_uploaded_paper_is_kept_with_its_checksum_and_given_back(client, first):
    partition = make_partition()
    client.force_login(first)
    paper = SimpleUploadedFile("list.pdf", PDF)
    answer = client.post(reverse("catalog:rate_add", args=[partition.pk]), sent(paper=paper))
    assert answer.status_code == 302, answer.context["form"].errors
    card = partition.rate_cards.proposed().get()
    assert card.evidence_sha256 == sha256(PDF).hexdigest()
    download = client.get(reverse("catalog:rate_paper", args=[card.pk]))
    assert b"".join(download.streaming_content) == PDF
    assert download["Content-Disposition"] == 'attachment; filename="list.pdf"'


def test_a_program_called_pdf_is_no_evidence_and_nothing_typed_is_lost(client, first):
    partition = make_partition()
    client.force_login(first)
    paper = SimpleUploadedFile("list.pdf", b"\x7fELF\x00\x01")
    answer = client.post(reverse("catalog:rate_add", args=[partition.pk]), sent(paper=paper))
    assert answer.status_code == 422 and "paper" in answer.context["form"].errors
    assert "Our list" in answer.content.decode()


def test_an_auditor_reads_the_paper_and_a_member_does_not(client, first):
    card = propose(make_partition(), first, paper=("list.pdf", PDF))
    url = reverse("catalog:rate_paper", args=[card.pk])
    auditor = with_second_factor(make_user())
    grant(auditor, Role.AUDITOR)
    client.force_login(auditor)
    assert client.get(url).status_code == 200
    client.force_login(make_user())
    assert client.get(url).status_code == 403


def test_the_page_offers_approval_to_the_other_administrator_only(client, first, second):
    partition = make_partition()
    card = propose(partition, first)
    url, approve = reverse("catalog:rates", args=[partition.pk]), reverse("catalog:rate_approve", args=[card.pk])
    client.force_login(first)
    assert approve not in client.get(url).content.decode()
    client.force_login(second)
    assert approve in client.get(url).content.decode()
    client.post(approve)
    card.refresh_from_db()
    assert card.state == RateState.APPROVED
