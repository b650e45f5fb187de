"""Where the rules and the naive references differ, in words; an empty list means that they agree."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from accounts.sme.graph import ChangeMode, Ownership
from accounts.sme.rules import classify
from accounts.state_aid import regimes
from accounts.state_aid.case import GENERAL, Case, Outcome, Room
from accounts.state_aid.rules import assess
from tests.accounts.reference import graphs, histories
from tests.accounts.reference.naive_aid import Answer, Measured, judge
from tests.accounts.reference.naive_size import size_of
from tests.accounts.reference.seeds import seeded

LAW = regimes.BUILT_IN
# Limits of a grant's own costs: not a ceiling over time.
NO_CEILING = {"project", "same_costs", "union_funding"}
# Relations that bring figures along; what else a party is called is left to the page.
COUNTED = ("linked", "partner")


def differences_of_aid(case: Case, on: date) -> list[str]:
    verdict, answer = assess(case, on=on), judge(case, on)
    found = []
    if verdict.counts_as_aid != answer.is_aid:
        return [f"counts as aid: {verdict.counts_as_aid}, reference {answer.is_aid}"]
    if (verdict.outcome is Outcome.REFUSED) != answer.refused:
        found.append(f"{verdict.outcome} {verdict.codes}, reference refused={answer.refused}")
    if answer.is_aid and verdict.largest_eur != answer.largest:
        found.append(f"largest {verdict.largest_eur}, reference {answer.largest}")
    if case.basis == GENERAL and case.costs is None and answer.is_aid and not answer.refused:
        # once the register covers three years it has to be asked, instead of the declaration
        unasked = case.register_eur is None and on >= date(2029, 1, 1)
        if (verdict.outcome is Outcome.NEEDS_REVIEW) != (answer.doubtful or unasked):
            found.append(f"{verdict.outcome} {verdict.codes}, reference doubtful={answer.doubtful}")
    if answer.is_aid and set(verdict.group) != answer.group:
        found.append(f"group {verdict.group}, reference {sorted(answer.group)}")
    for room in verdict.rooms:
        granted = Decimal(0) if verdict.outcome is Outcome.REFUSED else case.amount_eur
        if room.after_eur != max(Decimal(0), room.before_eur - granted):
            found.append(f"after {room.after_eur}, before {room.before_eur}")
    return found + _rooms(verdict.rooms, answer)


def _rooms(rooms, answer: Answer) -> list[str]:
    """Each limit by its ceiling: what is used, what is left, where the window begins, and every award's part in it."""
    ours = sorted((_as_words(room) for room in rooms if room.code not in NO_CEILING), key=str)
    theirs = sorted((_reference_words(one) for one in answer.measured), key=str)
    return [f"rooms {one}\n reference {two}" for one, two in zip(ours, theirs, strict=False) if one != two] + (
        [f"{len(ours)} limits, reference {len(theirs)}"] if len(ours) != len(theirs) else []
    )


def _as_words(room: Room) -> tuple:
    items = [
        (one.aid.reference, one.why, *((one.amount_eur, one.falls_out_on) if one.counted else (None, None)))
        for one in room.items
    ]
    return (room.ceiling_eur, room.used_eur, room.before_eur, room.window_from, tuple(sorted(items)))


def _reference_words(one: Measured) -> tuple:
    items = [(it.aid.reference, it.why, it.eur if it.counts else None, it.falls_out_on) for it in one.items]
    return (Decimal(one.eur), one.used, one.room, one.window_from, tuple(sorted(items)))


def differences_of_size(graph: Ownership, on: date, mode: ChangeMode = ChangeMode.REVIEW) -> list[str]:
    ours, theirs = classify(graph, on=on, mode=mode), size_of(graph, on, mode)
    found = []
    if ours.size != theirs.size:
        found.append(f"size {ours.size} {ours.codes}, reference {theirs.size}")
    if ours.size != "review" and ours.figures is not None and theirs.figures is not None:
        figures = (ours.figures.awu, ours.figures.turnover_eur, ours.figures.balance_sheet_eur)
        if tuple(map(Fraction, figures)) != theirs.figures:
            found.append(f"figures {figures}, reference {tuple(map(float, theirs.figures))}")
    relations = {one.party: one.kind.value for one in ours.relations if one.kind.value in COUNTED}
    reference = {party: word for party, (word, _share) in theirs.relations.items() if word in COUNTED}
    if ours.size != "review" and theirs.figures is not None and relations != reference:
        found.append(f"relations {relations}, reference {reference}")
    return found


def disagreement_of_aid(seed: int) -> str:
    """ "" or the smallest case around that seed on which rule and reference differ."""
    case, on = histories.history(seeded(seed), LAW)
    if not differences_of_aid(case, on):
        return ""
    small = histories.reduced(case, lambda one: bool(differences_of_aid(one, on)))
    return f"seed {seed} on {on}: {differences_of_aid(small, on)}\n{replace(small, law=())}"


def disagreement_of_size(seed: int) -> str:
    graph, mode = graphs.ownership(seeded(seed)), list(ChangeMode)[seed % 3]
    if not differences_of_size(graph, graphs.ON, mode):
        return ""
    small = graphs.reduced(graph, lambda one: bool(differences_of_size(one, graphs.ON, mode)))
    return f"seed {seed}, {mode}: {differences_of_size(small, graphs.ON, mode)}\n{small}"
