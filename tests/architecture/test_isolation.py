"""Nobody reaches what is not theirs: every address with an id in it answers a stranger with 404.

The list comes from the URL configuration. A new address with an id fails here until OBJECTS says how to make one.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from accounts.models import AidAssessment, Invitation, Notification, User
from accounts.roles import Role
from jobs.models import Attempt, Job, JobDraft, UsageDiscrepancy
from models_hub.models import TunedFile, TunedModel
from tests.accounts.size.rows import SizeRows
from tests.accounts.state_aid.duties.rows import DutyRows
from tests.accounts.state_aid.services.rows import GroupRows
from tests.factories import (
    make_allocation,
    make_dataset,
    make_foundation_model,
    make_sme,
    make_user,
    with_second_factor,
)
from tests.jobs.ledger.test_ledger import make_job

# Addresses whose id is no secret: the catalogue is public, and the agent's protocol has tests of its own.
PUBLIC = {"catalog", "siteapi"}


def _walk(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _walk(entry, entry.namespace or namespace)
        else:
            yield namespace, entry


def addresses_with_ids() -> list[tuple[str, str, tuple[str, ...]]]:
    """(view name, its parameters) of every address that names one row."""
    found = []
    for namespace, pattern in _walk(get_resolver()):
        parameters = tuple(pattern.pattern.converters)
        if parameters and pattern.name and namespace not in PUBLIC and namespace in {"accounts", "models_hub", "jobs"}:
            found.append((f"{namespace}:{pattern.name}", pattern.name, parameters))
    return sorted(found)


class Owned:
    """One of everything, all of one organisation."""

    def __init__(self) -> None:
        self.owner = make_user()
        self.organisation = make_sme(owner=self.owner)
        self.allocation = make_allocation(organisation=self.organisation)
        self.job: Job = make_job(self.allocation)
        self.dataset = make_dataset(organisation=self.organisation)

    def application(self) -> uuid.UUID:
        return self.allocation.application_id

    def draft(self) -> uuid.UUID:
        expires = datetime.now(UTC) + timedelta(days=30)
        return JobDraft.objects.create(organisation=self.organisation, recipe="classify", expires_at=expires).pk

    def attempt(self) -> Attempt:
        now = datetime.now(UTC)
        return Attempt.objects.create(
            job=self.job, number=1, key="ft-x-1", site=self.job.site, lease_epoch=1, lease_token="t",
            created_at=now, lease_expires_at=now, not_after=now, last_heard_at=now,
        )  # fmt: skip

    def discrepancy(self) -> UsageDiscrepancy:
        return UsageDiscrepancy.objects.create(
            site=self.job.site, attempt=self.attempt(), kind="receipt", accounting_gpu_seconds=3600,
            other_gpu_seconds=3000,
        )  # fmt: skip

    def tuned_file(self) -> TunedFile:
        tuned = TunedModel.objects.create(
            organisation=self.organisation, job_id=self.job.pk, name="m", recipe="classify", method="encoder",
            base_model=make_foundation_model(), dataset=self.dataset, dataset_digest="0" * 64, spec={},
            spec_hash="0" * 64, licence_spdx="Apache-2.0", result={}, manifest={},
        )  # fmt: skip
        return TunedFile.objects.create(tuned_model=tuned, path="README.md", file="x", sha256="0" * 64, bytes=1)

    def tuned(self) -> uuid.UUID:
        return self.tuned_file().tuned_model_id

    def aid_assessment(self) -> uuid.UUID:
        return AidAssessment.objects.create(
            organisation=self.organisation, on=datetime.now(UTC).date(), regime="x", rule_version="x",
            outcome="allowed", case={}, verdict={},
        ).pk  # fmt: skip

    def size(self) -> SizeRows:
        return SizeRows(self.organisation, self.owner)

    def notification(self) -> uuid.UUID:
        return Notification.objects.create(user=self.owner, kind="x", title="x", organisation=self.organisation).pk

    def invitation(self) -> uuid.UUID:
        return Invitation.objects.create(
            organisation=self.organisation, email="a@example.eu", role="member", token_sha256="0" * 64,
            invited_by=self.owner, expires_at=datetime.now(UTC) + timedelta(days=7),
        ).pk  # fmt: skip


# Which row the address names, by the words its view name begins with; the first that fits is taken.
OBJECTS: dict[str, Callable[[Owned], Any]] = {
    "application": Owned.application,
    "review": Owned.application,
    "allocation": lambda owned: owned.allocation.pk,
    "job": lambda owned: owned.job.pk,
    "operated": lambda owned: owned.job.site.slug,
    "wizard": Owned.draft,
    "draft": Owned.draft,
    "dataset": lambda owned: owned.dataset.pk,
    "discrepancy": lambda owned: owned.discrepancy().pk,
    "result": Owned.tuned,
    "notification": Owned.notification,
    "invitation": Owned.invitation,
    "group_link": lambda owned: GroupRows(owned.organisation).link.pk,
    "group_event": lambda owned: GroupRows(owned.organisation).event.pk,
    "groups_link": lambda owned: GroupRows(owned.organisation).link.pk,
    "groups_event": lambda owned: GroupRows(owned.organisation).event.pk,
    "award_reverse": lambda owned: GroupRows(owned.organisation).award.award,
    "law_scheme": lambda owned: GroupRows(owned.organisation).scheme.pk,
    "law_parameters": lambda _owned: "policy",
    "duty": lambda owned: DutyRows(owned.organisation).duty.pk,
    "letter": lambda owned: DutyRows(owned.organisation).letter.pk,
    "export_file": lambda owned: DutyRows(owned.organisation).export.pk,
    "request": lambda owned: DutyRows(owned.organisation).request.pk,
    "supported": lambda owned: owned.organisation.pk,
    "party_year": lambda owned: owned.size().year.pk,
    "party": lambda owned: owned.size().party.pk,
    "holding": lambda owned: owned.size().holding.pk,
    "evidence": lambda owned: owned.size().paper.pk,
    "size_": lambda owned: owned.size().statement.pk,
    "switch": lambda owned: owned.organisation.pk,
    "organisation": lambda owned: owned.organisation.pk,
    "member": lambda owned: owned.owner.pk,
    "role": lambda owned: owned.owner.role_grants.get(role=Role.OWNER).pk,
    "aid_assessment": Owned.aid_assessment,
    "company": lambda owned: owned.organisation.account_years.get().pk,
    "assessment": lambda owned: owned.organisation.sme_assessments.get().pk,
}
# Values for parameters that are no ids.
WORDS = {
    "agent": uuid.UUID(int=1),
    "attempt": uuid.UUID(int=1),
    "number": 1,
    "step": 1,
    "place": 1,
    "path": "README.md",
    "part": "train",
    "name": "train",
    "code": "support-topics",
    "kind": "log",
}
# A secret token is the permission; a page for the signed-out; or one that names no tenant's row.
# Pages of the administration answer 403 to whoever has no role there, whatever the id: that tells nothing either.
ADMINISTRATION = {
    "accounts:role_revoke",
    "accounts:aid_assessment",
    "accounts:groups_link",
    "accounts:groups_event",
    "accounts:award_reverse",
    "accounts:law_scheme",
    "accounts:law_parameters",
}
OPEN = {"accounts:invitation_accept", "accounts:join", "accounts:outbox_message"}


def address(view: str, name: str, parameters: tuple[str, ...], owned: Owned) -> str:
    for beginning, make in OBJECTS.items():
        if name.startswith(beginning):
            identifier = make(owned)
            break
    else:
        pytest.fail(f"{view}: say in OBJECTS which row this address names")
    values = {parameter: WORDS.get(parameter, identifier) for parameter in parameters}
    try:
        return reverse(view, kwargs=values)
    except NoReverseMatch as error:
        pytest.fail(f"{view}: {error}; add the parameter to WORDS")


def strangers() -> list[User]:
    """An owner of another company, and somebody who belongs nowhere."""
    other = make_user()
    make_sme(owner=other)
    return [other, with_second_factor(make_user())]


@pytest.mark.django_db
@pytest.mark.parametrize(("view", "name", "parameters"), addresses_with_ids())
def test_another_organisations_id_is_not_found(client, view, name, parameters):
    if view in OPEN or "sample" in name:
        assert view
        return
    owned = Owned()
    url = address(view, name, parameters, owned)
    for stranger in strangers():
        client.force_login(stranger)
        answers = {_refusal(client.get(url)), _refusal(client.post(url))}
        allowed = {403, 404, 405} if view in ADMINISTRATION else {404, 405}
        assert answers <= allowed and answers & {403, 404}, f"{url}: {answers}"


def _refusal(answer: HttpResponse) -> int:
    """The status; being sent to found a company first says as little as 404."""
    if answer.status_code == 302 and answer["Location"] == reverse("accounts:organisation"):
        return 404
    return answer.status_code


@pytest.mark.django_db
@pytest.mark.parametrize(("view", "name", "parameters"), addresses_with_ids())
def test_without_signing_in_nothing_is_shown(client, view, name, parameters):
    if view in OPEN or "sample" in name:
        assert view
        return
    url = address(view, name, parameters, Owned())
    answer = client.get(url)
    assert answer.status_code in (302, 404, 405), url
    if answer.status_code == 302:
        assert "/account/login/" in answer.url
