"""The auditors' ledger: found, recomputed, compared bit by bit, taken along; and for nobody else."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AidAssessment, AuditEvent
from accounts.roles import Role
from accounts.state_aid import rules
from accounts.state_aid.ledger.replaying import replay
from accounts.state_aid.services import assess_grant
from portal.kernel.clock import today
from tests.accounts.state_aid.ledger.scene import auditor, award, company, take_back
from tests.factories import grant, make_user, with_second_factor

pytestmark = pytest.mark.django_db
ADDRESSES = ["aid_ledger", "aid_verdicts", "aid_ledger_export"]


@pytest.fixture
def looking(client):
    client.force_login(auditor())

    def get(name="aid_ledger", **query):
        return client.get(reverse(f"accounts:{name}"), query)

    return get


def found(answer):
    return [row.reference for row in answer.context["page_obj"]]


def tampered(row, **changes):
    """An assessment as somebody with the database's password could have left it."""
    stored = row.assessment
    fields = {"case": stored.case, "verdict": stored.verdict} | changes
    return AidAssessment.objects.create(
        organisation=stored.organisation, on=stored.on, regime=stored.regime, rule_version=stored.rule_version,
        outcome=stored.outcome, **fields,
    )  # fmt: skip


@pytest.mark.parametrize("role", [None, Role.ADMINISTRATOR, Role.HELPDESK])
def test_only_auditors_read_the_ledger(client, role):
    user = with_second_factor(make_user())
    if role:
        grant(user, role, site_slug="somewhere" if role == Role.HELPDESK else "")
    client.force_login(user)
    for name in ADDRESSES:
        assert client.get(reverse(f"accounts:{name}")).status_code == 403, name
    assert client.post(reverse("accounts:aid_replay"), {"scope": "selection"}).status_code == 403


def test_the_ledger_is_searched_by_company_number_and_reference(looking):
    mill, _owner = company(legal_name="Nordlys Textiles", euid="DKCVR.12345678")
    other, _owner = company(legal_name="Alpine Looms")
    award(mill, "100", reference="ALC-2026-0001")
    award(other, "200", reference="ALC-2026-0002")
    for words in ("nordlys", "DKCVR.12345678", "dkcvr.12345678", "ALC-2026-0001", str(mill.pk)):
        assert set(found(looking(q=words))) == {"ALC-2026-0001"}, words


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"state": "FI"}, {"ALC-1"}),
        ({"state": "DK"}, {"ALC-2"}),
        ({"event": "adjusted"}, {"ALC-1"}),
        ({"outcome": "refused"}, set()),
        ({"regime": "2023/2831"}, {"ALC-1", "ALC-2"}),
        ({"regime": "717/2014"}, set()),
        ({"since": "tomorrow"}, set()),
        ({"until": "yesterday"}, {"ALC-2"}),
    ],
)
def test_the_ledger_is_narrowed_by_state_event_outcome_regime_and_period(looking, query, expected):
    days = {"tomorrow": today() + timedelta(days=1), "yesterday": today() - timedelta(days=1)}
    organisation, _owner = company()
    take_back(award(organisation, "100", reference="ALC-1"), "10")
    award(organisation, "200", reference="ALC-2", state="DK", on=today() - timedelta(days=30))
    query = {key: days[value].isoformat() if value in days else value for key, value in query.items()}
    assert set(found(looking(**query))) == expected


def test_a_period_that_ends_before_it_begins_is_explained(looking):
    answer = looking(since="2026-02-01", until="2026-01-01")
    assert "before the first" in answer.content.decode()


def test_refused_verdicts_are_found_too(looking):
    organisation, _owner = company()
    assess_grant(
        organisation=organisation, site_state="FI", authority="A ministry", origin="national_share",
        amount_eur=Decimal("300000.01"), on=today(),
    )  # fmt: skip
    award(organisation, "100")
    rows = looking("aid_verdicts", outcome="refused").context["page_obj"]
    assert [row.outcome for row in rows] == ["refused"]
    assert len(looking("aid_verdicts", state="FI").context["page_obj"]) == 2
    assert len(looking("aid_verdicts", q="ALC-100").context["page_obj"]) == 1


@pytest.mark.parametrize("name", ["aid_ledger", "aid_verdicts"])
def test_a_list_needs_the_same_queries_for_one_row_or_sixty(looking, name):
    counts = []
    for rows in (1, 60):
        while AidAssessment.objects.count() < rows:
            award(company()[0], "10")
        with CaptureQueriesContext(connection) as captured:
            assert looking(name).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 8, captured.captured_queries


def test_a_verdict_is_shown_with_reasons_rooms_group_and_law(client):
    organisation, _owner = company()
    award(organisation, "60000")
    row = award(organisation, "40000")
    client.force_login(auditor())
    text = client.get(reverse("accounts:aid_assessment", args=[row.assessment_id])).content.decode()
    for words in ("€40,000.00", "Left before", "€240,000.00", "€200,000.00", "2023/2831", "A ministry", "Finland"):
        assert words in text, words


def test_a_refusal_is_shown_with_the_amount_that_fits(client):
    organisation, _owner = company()
    stored = assess_grant(
        organisation=organisation, site_state="FI", authority="A ministry", origin="national_share",
        amount_eur=Decimal("300000.01"), on=today(),
    )  # fmt: skip
    client.force_login(auditor())
    text = client.get(reverse("accounts:aid_assessment", args=[stored.pk])).content.decode()
    assert "Largest that would fit" in text and "€300,000.00" in text


def test_an_auditor_recomputes_a_verdict_and_that_is_recorded(client):
    row = award(company()[0], "1100")
    user = auditor()
    client.force_login(user)
    answer = client.post(reverse("accounts:aid_assessment", args=[row.assessment_id]))
    assert "the same verdict, bit by bit" in answer.content.decode()
    event = AuditEvent.objects.get(action="aid.replayed")
    assert (event.actor, event.data) == (user, {"checked": 1, "different": 0})


def test_a_verdict_that_was_touched_is_shown_side_by_side(client):
    row = award(company()[0], "1100")
    verdict = json.loads(json.dumps(row.assessment.verdict))
    verdict["rooms"][0]["used_eur"] = "5.00"
    stored = tampered(row, verdict=verdict)
    (difference,) = replay(stored).differences
    assert (difference.path, difference.stored, difference.now) == ("rooms[0].used_eur", "5.00", "0.00")
    client.force_login(auditor())
    text = client.post(reverse("accounts:aid_assessment", args=[stored.pk])).content.decode()
    assert "differs from the stored one" in text and "rooms[0].used_eur" in text


def test_a_touched_input_gives_another_verdict():
    row = award(company()[0], "1100")
    case = json.loads(json.dumps(row.assessment.case))
    case["case"]["amount_eur"] = "300000.01"
    assert not replay(tampered(row, case=case)).same


@pytest.mark.parametrize("case", [{}, {"rule_version": "of-a-later-release/9"}, {"rule_version": None, "case": 3}])
def test_a_case_that_cannot_be_computed_says_so(client, case):
    stored = tampered(award(company()[0], "1100"), case=case)
    assert replay(stored).problem
    client.force_login(auditor())
    assert client.get(reverse("accounts:aid_assessment", args=[stored.pk])).status_code == 200
    assert "could not be computed" in client.post(
        reverse("accounts:aid_assessment", args=[stored.pk])
    ).content.decode().replace("It ", "")


def test_the_chosen_verdicts_are_recomputed_together(client):
    rows = [award(company()[0], "10") for _number in range(3)]
    client.force_login(auditor())
    chosen = [str(row.assessment_id) for row in rows[:2]]
    answer = client.post(reverse("accounts:aid_replay"), {"scope": "chosen", "assessment": [*chosen, "nonsense"]})
    assert (answer.context["checked"], answer.context["different"]) == (2, [])


def test_the_whole_selection_is_recomputed_and_differences_are_named(client):
    row, other = award(company()[0], "10", state="FI"), award(company()[0], "10", state="DK")
    tampered(row, verdict={**row.assessment.verdict, "largest_eur": "1.00"})
    client.force_login(auditor())
    sent = {"scope": "selection", "query": "state=FI", "here": "verdicts"}
    answer = client.post(reverse("accounts:aid_replay"), sent)
    assert (answer.context["checked"], len(answer.context["different"])) == (2, 1)
    assert "largest_eur" in answer.content.decode()
    sent |= {"query": "state=DK", "here": "awards"}
    assert client.post(reverse("accounts:aid_replay"), sent).context["checked"] == 1
    assert other.assessment_id


def test_choosing_nothing_leads_back(client):
    client.force_login(auditor())
    assert client.post(reverse("accounts:aid_replay"), {"scope": "chosen"}).status_code == 302


def exported(looking, wanted, **query):
    answer = looking("aid_ledger_export", format=wanted, **query)
    assert answer.status_code == 200
    return b"".join(one if isinstance(one, bytes) else one.encode() for one in answer.streaming_content)


def test_the_selection_is_taken_along_as_csv(looking):
    organisation, _owner = company(legal_name="=HYPERLINK(1)")
    take_back(award(organisation, "1100"), "100")
    award(company()[0], "9", state="DK")
    rows = list(csv.DictReader(io.StringIO(exported(looking, "csv", state="FI").decode("utf-8-sig"))))
    assert [row["amount_eur"] for row in rows] == ["-100.00", "0.00", "1100.00"]
    assert rows[0]["legal_name"] == "'=HYPERLINK(1)"
    assert AuditEvent.objects.filter(action="aid.ledger_exported", data__filters="state=FI").exists()


def test_the_selection_is_taken_along_as_a_workbook_without_formulas(looking):
    award(company(legal_name="=1+1")[0], "1100")
    book = zipfile.ZipFile(io.BytesIO(exported(looking, "xlsx")))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "1100" in sheet and "<f>" not in sheet


def test_json_carries_what_is_needed_to_recompute(looking):
    award(company()[0], "1100")
    rows = json.loads(exported(looking, "json"))
    assert all(rules.replay(row["case"]) == row["verdict"] for row in rows)


def test_an_unknown_format_does_not_exist(looking):
    assert looking("aid_ledger_export", format="exe").status_code == 404
