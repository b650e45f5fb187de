"""`assess` beside the naive reference on random histories, and what must hold for every case."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from accounts.state_aid.case import Aid, Case, Outcome, Verdict
from accounts.state_aid.rules import RULE_VERSION, assess, replay
from accounts.state_aid.serial import case_from_json, case_to_json, verdict_to_json
from tests.accounts.reference.agreement import LAW, disagreement_of_aid
from tests.accounts.reference.histories import CENT, history
from tests.accounts.reference.seeds import seeded

CASES = 2_000
EACH = 300


def histories(count: int = EACH, start: int = 0) -> Iterator[tuple[Case, date, Random]]:
    for seed in range(start, start + count):
        rng = seeded(seed)
        case, on = history(rng, LAW)
        yield case, on, rng


def limited(count: int = EACH) -> Iterator[tuple[Case, date, Verdict]]:
    """Those that are aid."""
    for case, on, _rng in histories(count):
        verdict = assess(case, on=on)
        if verdict.counts_as_aid:
            yield case, on, verdict


@pytest.mark.parametrize("start", range(0, CASES, CASES // 4))
def test_rule_and_reference_agree_on_two_thousand_random_histories(start):
    found = [words for seed in range(start, start + CASES // 4) if (words := disagreement_of_aid(seed))]
    assert not found, "\n\n".join(found[:3])


def test_the_largest_amount_fits_and_a_cent_more_does_not():
    for case, on, verdict in limited():
        assert assess(replace(case, amount_eur=verdict.largest_eur), on=on).outcome is not Outcome.REFUSED
        more = replace(case, amount_eur=verdict.largest_eur + CENT)
        assert assess(more, on=on).outcome is Outcome.REFUSED, verdict.largest_eur


def test_less_than_a_grant_that_fits_always_fits():
    for case, on, verdict in limited():
        if verdict.outcome is not Outcome.REFUSED:
            for part in (Decimal(0), CENT, case.amount_eur / 2):
                smaller = replace(case, amount_eur=min(part, case.amount_eur))
                assert assess(smaller, on=on).outcome is not Outcome.REFUSED


def test_aid_of_another_state_never_changes_the_room_of_this_one():
    for case, on, verdict in limited():
        foreign = Aid(case.member, "PT", Decimal(200_000), on - timedelta(days=10), case.basis, reference="abroad")
        after = assess(replace(case, aid=(*case.aid, foreign)), on=on)
        everywhere = {limit.code for law in LAW for limit in law.limits if not limit.per_state}
        assert used(verdict, everywhere) == used(after, everywhere)


def used(verdict: Verdict, everywhere: set[str]) -> list[tuple[str, Decimal]]:
    return sorted((one.code, one.used_eur) for one in verdict.rooms if one.code not in everywhere)


def test_more_aid_never_makes_more_room():
    for case, on, verdict in limited():
        another = Aid(case.member, case.granting_state, Decimal(1), on - timedelta(days=10), case.basis)
        assert assess(replace(case, aid=(*case.aid, another)), on=on).largest_eur <= verdict.largest_eur


def test_a_wider_group_never_has_more_room():
    for case, on, verdict in limited():
        alone = assess(replace(case, links=()), on=on)
        if not case.events:
            assert verdict.largest_eur <= alone.largest_eur


def test_a_refused_grant_uses_up_nothing():
    for case, on, verdict in limited():
        if verdict.outcome is Outcome.REFUSED:
            assert all(room.after_eur == room.before_eur for room in verdict.rooms), (case, on)


def test_the_order_in_which_aid_links_and_events_are_listed_does_not_matter():
    for case, on, rng in histories():
        shuffled = replace(
            case,
            aid=tuple(rng.sample(case.aid, len(case.aid))),
            links=tuple(rng.sample(case.links, len(case.links))),
            events=tuple(rng.sample(case.events, len(case.events))),
        )
        assert essence(assess(shuffled, on=on)) == essence(assess(case, on=on))


def essence(verdict: Verdict) -> object:
    rooms = [(one.code, one.used_eur, one.before_eur, one.after_eur) for one in verdict.rooms]
    return verdict.outcome, verdict.largest_eur, sorted(rooms), sorted(verdict.codes), verdict.group


def test_a_stored_case_gives_the_same_bits_again():
    for case, on, _rng in histories():
        stored = json.dumps(case_to_json(case, on, RULE_VERSION))
        verdict = json.dumps(verdict_to_json(assess(case, on=on)), sort_keys=True)
        assert json.dumps(replay(json.loads(stored)), sort_keys=True) == verdict


def test_a_case_survives_json_without_loss():
    for case, on, _rng in histories():
        assert case_from_json(json.loads(json.dumps(case_to_json(case, on, RULE_VERSION)))) == (case, on)


def test_an_award_counts_until_the_day_before_it_falls_out():
    """Counted from the outside, by asking on two days, with nothing else changing between them."""
    walked = 0
    for case, on, _rng in histories(800):
        quiet = replace(case, links=(), events=(), register_eur=None)
        for room in assess(quiet, on=on).rooms:
            for item in room.items:
                if item.counted and item.falls_out_on and item.falls_out_on < date(2026, 12, 31) + timedelta(days=900):
                    last = counted(quiet, item.falls_out_on - timedelta(days=1), room.code, item.aid)
                    first = counted(quiet, item.falls_out_on, room.code, item.aid)
                    walked += last is True
                    assert (last, first) in ((True, False), (None, None), (True, None)), (item, last, first)
    assert walked > 50


def counted(case: Case, on: date, code: str, aid: Aid) -> bool | None:
    """Whether that limit counts the award on that day; None when no such limit is looked at."""
    rooms = [room for room in assess(case, on=on).rooms if room.code == code]
    return next((item.counted for room in rooms for item in room.items if item.aid == aid), None)
