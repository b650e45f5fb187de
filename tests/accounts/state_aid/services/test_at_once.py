"""Decisions at the same moment: two daughters, two sites, and a group that changes meanwhile."""

from datetime import date
from decimal import Decimal
from functools import partial
from itertools import pairwise

import pytest
from django.db import connection, transaction

from accounts.state_aid import services
from accounts.state_aid.services.locks import STRUCTURE
from tests.accounts.state_aid.services.given import (
    TODAY,
    confirmed_link,
    grant_aid,
    left,
    link,
    make_administrator,
    make_company,
    make_scheme,
)
from tests.accounts.together import outcomes, together

pytestmark = pytest.mark.django_db(transaction=True)
PARENT = "vat:DE136695976"


def test_two_daughters_at_once_do_not_pass_the_ceiling_together():
    one, other = make_company(), make_company()
    confirmed_link(one, controller=PARENT)
    confirmed_link(other, controller=PARENT)
    acts = [partial(grant_aid, firm, "50000") for firm in (one, other) for _n in range(6)]
    found = outcomes(together(*acts))
    assert (found.count("done"), set(found)) == (6, {"done", "aid_refused"})
    assert left(one) == left(other) == 0


def test_grants_of_two_states_to_two_daughters_pass_each_other():
    one, other = make_company(), make_company()
    confirmed_link(one, controlled=other)
    acts = [partial(grant_aid, firm, "150000", state=state) for firm in (one, other) for state in ("LU", "FI")]
    assert outcomes(together(*acts)) == ["done"] * 4


def test_a_limit_over_all_states_holds_for_grants_of_different_states_at_once():
    sound = {"recovery_order": False, "difficulty": {"limited_liability": True}}
    one, other = make_company(statements=sound), make_company(statements=sound)
    confirmed_link(one, controlled=other)
    project = services.Project(submitted_on=date(2026, 11, 1), works_start_on=date(2026, 12, 1))
    acts = [
        partial(grant_aid, firm, "110000", state=state, scheme=make_scheme(state=state), project=project,
                reviewed_by=firm.owner)
        for firm in (one, other) for state in ("LU", "FI")
    ]  # fmt: skip
    found = outcomes(together(*acts))
    assert (found.count("done"), found.count("aid_refused")) == (2, 2)


def test_a_group_formed_during_decisions_lets_nothing_through():
    """Whatever comes first, once the link counts no further grant passes above the common ceiling."""
    one, other = make_company(), make_company()
    row = link(one, controlled=other)
    administrator = make_administrator()
    grant_aid(other, "200000")
    act = partial(services.confirm_link, statement=row, actor=administrator, on=TODAY)
    late = partial(grant_aid, one, "200000", reviewed_by=administrator)
    found = outcomes(together(act, late))
    # Either the grant came first and stays lawful, or the group did and the grant was refused.
    assert found in (["done", "done"], ["aid_refused", "done"])
    assert left(one) == left(other) == (Decimal(0) if found == ["done", "done"] else Decimal("100000.00"))


def test_a_change_of_structure_waits_until_decisions_are_over():
    company = make_company()
    with transaction.atomic():
        services.lock_undertaking(granting_state="LU", organisation=company)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted", [STRUCTURE]
            )
            assert cursor.fetchall() == [("ShareLock",)]


def test_locks_of_overlapping_groups_taken_in_any_order_do_not_block_each_other_for_good():
    firms = [make_company() for _n in range(4)]
    for above, below in pairwise(firms):
        confirmed_link(above, controlled=below)
    acts = [partial(grant_aid, firm, "1000", state=state) for firm in firms for state in ("LU", "FI", "DE")]
    assert outcomes(together(*acts)) == ["done"] * 12


@pytest.mark.parametrize("call", ["lock_structure", "lock_undertaking"])
def test_locks_need_a_transaction(call):
    company = make_company()
    arguments = {} if call == "lock_structure" else {"granting_state": "LU", "organisation": company}
    with pytest.raises(RuntimeError, match="transaction"):
        getattr(services, call)(**arguments)
