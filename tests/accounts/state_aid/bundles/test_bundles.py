"""One file answers a request; it proves itself, and is kept as it was sent."""

import hashlib
import io
import json
import zipfile
from datetime import date

import pytest

from accounts.models import AidDeclaration, AidDuty, InformationRequest
from accounts.state_aid.bundles.services import answer_request, bundle_of, record_request, requests_visible_to
from accounts.state_aid.duties.services import open_duties
from accounts.state_aid.letters.services import issue_open_letters
from portal.kernel.errors import DomainError
from tests.accounts.state_aid.duties.scene import GRANTED, make_auditor, make_award, make_officer, take_back
from tests.factories import make_allocation, make_organisation, make_partition, make_site, make_user

pytestmark = pytest.mark.django_db
RECEIVED = date(2026, 11, 30)


@pytest.fixture
def officer():
    return make_officer("FI")


def asked(actor, **changes):
    said = {
        "reference": "COMP/2026/1", "asked_by": "European Commission", "question": "All awards, please.",
        "state": "FI", "scope": {}, "received_on": RECEIVED, "on": RECEIVED,
    }  # fmt: skip
    return record_request(actor=actor, **{**said, **changes})


def granted(**fields):
    award = make_award(**fields)
    open_duties(award=award, on=award.granted_on)
    return award


def opened(content):
    return zipfile.ZipFile(io.BytesIO(content))


def test_the_clock_runs_twenty_working_days_from_the_day_after_receipt(officer):
    request = asked(officer)
    duty = AidDuty.objects.get(kind="answer")
    # Offices in Finland are closed on 24 and 25 December.
    assert request.due_on == duty.due_on == date(2026, 12, 30)
    assert duty.subject == str(request.pk)


def test_a_request_is_recorded_once_and_not_from_tomorrow(officer):
    asked(officer)
    with pytest.raises(DomainError, match="request_known"):
        asked(officer)
    with pytest.raises(DomainError, match="request_in_future"):
        asked(officer, reference="x", received_on=date(2026, 12, 1))
    with pytest.raises(DomainError, match="request_days"):
        asked(officer, reference="y", scope={"from": "2026-02-01", "to": "2026-01-01"})


def test_the_bundle_holds_everything_and_the_manifest_proves_each_file(officer):
    owner = make_user(language="fi")
    firm = make_organisation(owner=owner)
    award = granted(organisation=firm)
    AidDeclaration.objects.create(organisation=firm, items=[], signed_by=owner, signed_on=GRANTED)
    issue_open_letters(on=GRANTED)
    archive = opened(bundle_of(asked(officer), on=RECEIVED))
    names = archive.namelist()
    for folder in ("assessments/", "declarations/", "letters/"):
        assert sum(name.startswith(folder) for name in names) == 1
    assert {"README.txt", "awards.csv", "awards.json", "duties.json", "replay.json", "manifest.json"} <= set(names)
    manifest = json.loads(archive.read("manifest.json"))
    assert set(manifest["files"]) == set(names) - {"manifest.json"}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    [told] = json.loads(archive.read("awards.json"))
    assert told["award"] == str(award.award) and [row["event"] for row in told["rows"]] == ["reserved", "granted"]
    assert "ten years" in archive.read("README.txt").decode()
    assert archive.testzip() is None


def test_the_same_rows_give_the_same_bundle(officer):
    granted()
    issue_open_letters(on=GRANTED)
    request = asked(officer)
    assert bundle_of(request, on=RECEIVED) == bundle_of(request, on=RECEIVED)


def test_what_the_decision_rested_on_comes_from_the_app_that_decided(officer):
    firm = make_organisation()
    allocation = make_allocation(organisation=firm, partition=make_partition(site=make_site(granting_state="FI")))
    granted(organisation=firm, award=allocation.award)
    archive = opened(bundle_of(asked(officer), on=RECEIVED))
    told = json.loads(archive.read(f"decisions/{allocation.reference}.json"))
    assert told["award"] == str(allocation.award)
    assert told["request"]["reference"] == allocation.application.reference


def test_an_assessment_that_cannot_be_computed_again_is_said_to_be_so(officer):
    granted()
    archive = opened(bundle_of(asked(officer), on=RECEIVED))
    [said] = json.loads(archive.read("replay.json")).values()
    assert said.startswith("not computed")


def test_the_scope_narrows_state_company_and_days(officer):
    firm = make_organisation()
    wanted = granted(organisation=firm, on=date(2026, 6, 1))
    granted(organisation=firm, on=date(2026, 2, 1))
    granted(on=date(2026, 6, 1))
    granted(organisation=firm, state="SE", on=date(2026, 6, 1))
    scope = {"organisations": [str(firm.pk)], "from": "2026-05-01", "to": "2026-06-30"}
    archive = opened(bundle_of(asked(officer, scope=scope), on=RECEIVED))
    assert [one["award"] for one in json.loads(archive.read("awards.json"))] == [str(wanted.award)]


def test_an_answer_keeps_what_was_sent_and_stops_the_clock(officer):
    award = granted()
    request = answer_request(request=asked(officer), actor=officer, on=RECEIVED)
    with request.bundle.open("rb") as file:
        sent = file.read()
    assert hashlib.sha256(sent).hexdigest() == request.sha256
    assert AidDuty.objects.get(kind="answer").state == "done"
    take_back(award, "10.00")
    with InformationRequest.objects.get().bundle.open("rb") as file:
        assert file.read() == sent


def test_a_request_is_answered_once(officer):
    request = answer_request(request=asked(officer), actor=officer, on=RECEIVED)
    with pytest.raises(DomainError, match="request_answered"):
        answer_request(request=request, actor=officer, on=RECEIVED)


def test_officers_of_other_states_neither_see_nor_answer(officer):
    request, other = asked(officer), make_officer("SE")
    assert not requests_visible_to(other).exists()
    assert requests_visible_to(make_auditor()).exists()
    for somebody in (other, make_auditor()):
        with pytest.raises(DomainError, match="not_allowed"):
            answer_request(request=request, actor=somebody, on=RECEIVED)


def test_declarations_of_companies_out_of_scope_stay_out(officer):
    owner = make_user()
    other = make_organisation(owner=owner)
    AidDeclaration.objects.create(organisation=other, items=[], signed_by=owner, signed_on=GRANTED)
    granted()
    archive = opened(bundle_of(asked(officer), on=RECEIVED))
    assert not [name for name in archive.namelist() if name.startswith("declarations/")]
