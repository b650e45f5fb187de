"""Law as rows: entered with a source, never edited, the newest counting; and schemes with every change on record."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, LegalParameter
from accounts.state_aid import regimes, serial
from accounts.state_aid.case import AGRICULTURE, GENERAL, INNOVATION, Policy
from accounts.state_aid.parameters import KEYS, READINGS, policy_from
from accounts.state_aid.services import enter_parameter, parameter, save_scheme, units_per_euro
from accounts.state_aid.services.law import Rules
from portal.kernel.errors import DomainError, NotAllowed
from tests.accounts.state_aid.services.given import (
    TODAY,
    grant_aid,
    item,
    left,
    make_administrator,
    make_company,
    make_scheme,
    refused,
    verdict,
)

pytestmark = pytest.mark.django_db
SOURCE = "OJ C 123, 1.10.2026, p. 4"


def enter(key, value, *, state="", since=date(2026, 1, 1), until=None, source=SOURCE, actor=None):
    return enter_parameter(
        key=key, value=value, state=state, valid_from=since, valid_to=until, source=source,
        actor=actor or make_administrator(),
    )  # fmt: skip


GOOD = {
    "policy": ("", {"boundary_day_counts": False}),
    "discount_base_rate": ("FI", {"per_cent": "2.50"}),
    "exchange_rate": ("SEK", {"units_per_euro": "11.2345"}),
    "national_cap": ("FI", {"regime": AGRICULTURE, "cap_eur": "1000000", "used_eur": "0"}),
    "fisheries_register": ("FI", {"runs": True}),
    "sme": ("", {"approved_after_days": 180, "grace_days": 90, "ownership_change_mode": "review"}),
    "law": ("", serial.law_to_json(regimes.DE_MINIMIS[0])),
    "duty_clock": ("", {"kind": "register", "regimes": [GENERAL], "amount": 15, "unit": "working_days"}),
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_kind_of_row_can_be_entered_and_read(key):
    state, value = GOOD[key]
    enter(key, value, state=state)
    assert parameter(key, on=TODAY, state=state) == value


@pytest.mark.parametrize(
    ("key", "state", "value", "field"),
    [
        ("exchange_rate", "SEK", {"units_per_euro": "0"}, "units_per_euro"),
        ("exchange_rate", "SEK", {"units_per_euro": "many"}, "units_per_euro"),
        ("exchange_rate", "EUR", {"units_per_euro": "1"}, "state"),
        ("discount_base_rate", "XX", {"per_cent": "2"}, "state"),
        ("discount_base_rate", "FI", {"per_cent": "NaN"}, "per_cent"),
        ("national_cap", "FI", {"regime": GENERAL, "cap_eur": "1", "used_eur": "0"}, "regime"),
        ("national_cap", "FI", {"regime": AGRICULTURE, "cap_eur": "-1", "used_eur": "0"}, "cap_eur"),
        ("policy", "", {}, ""),
        ("policy", "", {"something": True}, "something"),
        ("policy", "", {"compute_is_support_service": "perhaps"}, "compute_is_support_service"),
        ("fisheries_register", "FI", {"runs": "perhaps"}, "runs"),
        ("sme", "", {"approved_after_days": "-1", "grace_days": 1, "ownership_change_mode": "review"},
         "approved_after_days"),
        ("law", "", {"code": "x"}, "row"),
        ("law", "", [], "row"),
        ("duty_clock", "", {"kind": "register"}, "row"),
    ],
)  # fmt: skip
def test_a_value_of_another_shape_is_refused_beside_its_part(key, state, value, field):
    with pytest.raises(DomainError) as caught:
        enter(key, value, state=state)
    assert caught.value.field == field
    assert not LegalParameter.objects.exists()


def test_a_faulty_row_of_law_names_the_place():
    row = serial.law_to_json(regimes.DE_MINIMIS[0])
    row["limits"][0]["ceiling_eur"] = "a lot"
    with pytest.raises(DomainError, match=r"limits\[0\]\.ceiling_eur"):
        enter("law", row)


def test_a_row_needs_its_source():
    with refused("source"):
        enter("exchange_rate", {"units_per_euro": "11"}, state="SEK", source=" ")


def test_only_administrators_enter_law():
    with pytest.raises(NotAllowed):
        enter("exchange_rate", {"units_per_euro": "11"}, state="SEK", actor=make_company().owner)


def test_a_correction_is_another_row_and_the_newest_counts():
    enter("exchange_rate", {"units_per_euro": "11"}, state="SEK")
    enter("exchange_rate", {"units_per_euro": "12"}, state="SEK")
    assert units_per_euro("SEK", on=TODAY) == Decimal(12)
    assert LegalParameter.objects.count() == 2
    assert AuditEvent.objects.filter(action="law.entered").count() == 2


def test_the_database_keeps_what_was_entered():
    row = enter("exchange_rate", {"units_per_euro": "11"}, state="SEK")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        LegalParameter.objects.filter(pk=row.pk).update(source="else")


def test_a_row_counts_between_its_days_only():
    enter("exchange_rate", {"units_per_euro": "11"}, state="SEK", since=date(2026, 3, 1), until=date(2026, 3, 31))
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1)]
    assert [units_per_euro("SEK", on=day) for day in days] == [None, Decimal(11), Decimal(11), None]


# ---- what rows do to a verdict -------------------------------------------------------------------------------------


def test_every_open_question_has_its_reading():
    assert {reading.name for reading in READINGS} == set(Policy.__dataclass_fields__)


def test_the_first_answer_of_every_question_is_the_careful_one():
    assert policy_from([{reading.name: reading.choices[0].value for reading in READINGS}]) == Policy()


def test_a_reading_holds_from_its_day_on():
    company = make_company(items=[item("100000", day=date(2023, 11, 21))])
    assert left(company) == Decimal("200000.00")
    enter("policy", {"boundary_day_counts": False}, since=date(2026, 11, 21))
    assert left(company) == Decimal("300000.00")


def test_readings_of_different_rows_stand_together():
    enter("policy", {"boundary_day_counts": False})
    enter("policy", {"union_share_is_aid": True})
    policy = Rules(TODAY).policy
    assert (policy.boundary_day_counts, policy.union_share_is_aid) == (False, True)


def test_union_time_counts_where_the_reading_says_so():
    enter("policy", {"union_share_is_aid": True})
    company = make_company()
    grant_aid(company, "100000", origin="union_share")
    assert left(company) == Decimal("200000.00")


def test_a_new_version_of_the_block_exemption_opens_new_grants_when_it_is_entered():
    old = next(law for law in regimes.BUILT_IN if law.code == INNOVATION)
    row = serial.law_to_json(old) | {
        "version": "2027/1", "valid_from": "2027-01-01", "valid_to": "2033-12-31", "adjustment_until": "2034-06-30",
    }  # fmt: skip
    enter("law", row, since=date(2027, 1, 1))
    scheme = make_scheme(valid_from=date(2027, 2, 1), published_on=date(2027, 1, 15))
    found = verdict(make_company(), "1000", on=date(2027, 3, 1), scheme=scheme)
    assert found.law_version == "2027/1"
    assert "new_scheme_after_expiry" not in found.codes


def test_what_is_left_of_a_national_cap_is_what_was_entered_less_our_own_awards():
    enter("national_cap", {"regime": AGRICULTURE, "cap_eur": "1000", "used_eur": "400"}, state="FI")
    assert Rules(TODAY).national_left("FI", AGRICULTURE) == Decimal(600)
    assert Rules(TODAY).national_left("SE", AGRICULTURE) is None


# ---- schemes -------------------------------------------------------------------------------------------------------


def test_every_change_of_a_scheme_is_on_record():
    scheme, administrator = make_scheme(), make_administrator()
    scheme.title = "Another title"
    assert save_scheme(scheme=scheme, actor=administrator, on=TODAY)
    assert not save_scheme(scheme=scheme, actor=administrator, on=TODAY)
    said = AuditEvent.objects.get(action="law.scheme_changed").data["changes"]
    assert said == {"title": ["Compute for small firms", "Another title"]}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"published_on": date(2026, 3, 1), "valid_from": date(2026, 2, 1)}, "scheme_published"),
        ({"valid_to": date(2026, 1, 1)}, "scheme_days"),
        ({"basis": "a hunch"}, "scheme_basis"),
    ],
)
def test_a_scheme_that_cannot_be_right_is_refused(fields, code):
    scheme = make_scheme()
    for name, value in fields.items():
        setattr(scheme, name, value)
    with refused(code):
        save_scheme(scheme=scheme, actor=make_administrator(), on=TODAY)


def test_what_awards_rest_on_no_longer_changes():
    scheme, company = make_scheme(), make_company(statements={"recovery_order": False})
    grant_aid(company, "10", scheme=scheme, reviewed_by=company.owner)
    scheme.authority = "Another ministry"
    with refused("scheme_frozen"):
        save_scheme(scheme=scheme, actor=make_administrator(), on=TODAY)


def test_owners_save_no_schemes():
    with pytest.raises(NotAllowed):
        save_scheme(scheme=make_scheme(), actor=make_company().owner, on=TODAY)
