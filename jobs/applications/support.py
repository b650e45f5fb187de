"""What the officer sees of the group's public support: every limit the grant meets, and what uses it up.

For the decision the officer needs who received what and when, of the whole single undertaking; nothing else about the
other companies is shown here, and applicants never see this page.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts import countries
from accounts.state_aid.case import Counted, Outcome, Room, Verdict
from accounts.state_aid.services import undertaking_of
from accounts.state_aid.wording import REGULATIONS, limit_name, reason_sentence
from jobs.applications.checks import judge_request, rate_for
from jobs.models import Application


@dataclass(frozen=True)
class Line:
    """One grant that uses up a limit."""

    who: str
    amount: Decimal
    granted_on: date
    regulation: str
    reference: str
    declared: bool
    until: date | None


@dataclass(frozen=True)
class Limit:
    """One limit before and after the grant; `lines` what counts for it, the latest first."""

    name: str
    article: str
    ceiling: Decimal
    used: Decimal
    before: Decimal
    after: Decimal
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Support:
    """`largest_hours` is what would fit today, where less than asked does; None where that is no question."""

    state: str
    basis: str
    counts: bool
    members: tuple[str, ...]
    limits: tuple[Limit, ...]
    reasons: tuple[tuple[str, str, str], ...]
    largest: Decimal
    largest_hours: int | None


def support_of(application: Application, *, on: date) -> Support | None:
    """The verdict of the day in words; None while site, hours or rate are missing."""
    judged = judge_request(application, on=on)
    if judged is None or application.site is None:
        return None
    case, verdict = judged
    members = undertaking_of(organisation=application.organisation, on=on)
    names = {member.key: member.name or member.key for member in members}
    return Support(
        state=countries.name(application.site.granting_state),
        basis=str(REGULATIONS.get(case.basis, case.basis)),
        counts=verdict.counts_as_aid,
        members=tuple(member.name or member.key for member in members),
        limits=tuple(_limit(room, names) for room in verdict.rooms),
        reasons=tuple((_TONES[one.weight], reason_sentence(one), one.article) for one in verdict.reasons),
        largest=verdict.largest_eur,
        largest_hours=_hours(application, verdict, on),
    )


_TONES = {Outcome.ALLOWED: "ok", Outcome.NEEDS_REVIEW: "warn", Outcome.REFUSED: "bad"}


def _hours(application: Application, verdict: Verdict, on: date) -> int | None:
    rate = rate_for(application, on=on)
    if verdict.outcome is not Outcome.REFUSED or rate is None or not rate.eur_per_gpu_hour:
        return None
    return int(verdict.largest_eur / rate.eur_per_gpu_hour)


def _limit(room: Room, names: dict[str, str]) -> Limit:
    counted = [item for item in room.items if item.counted]
    return Limit(
        name=limit_name(room.code),
        article=room.article,
        ceiling=room.ceiling_eur,
        used=room.used_eur,
        before=room.before_eur,
        after=room.after_eur,
        lines=tuple(_line(item, names) for item in reversed(counted)),
    )


def _line(item: Counted, names: dict[str, str]) -> Line:
    aid = item.aid
    return Line(
        who=names.get(aid.member, aid.member),
        amount=item.amount_eur,
        granted_on=aid.granted_on,
        regulation=str(REGULATIONS.get(aid.regime, aid.regime)),
        reference=aid.reference,
        declared=aid.source == "declared",
        until=item.falls_out_on,
    )
