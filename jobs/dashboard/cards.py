"""The dashboard's cards: numbers worked out from the board, ready for the template."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.names import country
from jobs.dashboard.board import GROUPS, Board
from jobs.dashboard.charts import monday_of
from jobs.models import Job
from jobs.states import JOB_WAITING, JobState
from models_hub.tuned.verdict import verdict_of
from portal.ui.numbers import duration, hours, money, number, size

PACE_WEEKS = 4


@dataclass(frozen=True)
class Pace:
    """How fast hours are used, in GPU-seconds a week."""

    this_week: int
    recent: float
    lasting: float | None

    @property
    def sentence(self) -> str:
        if self.lasting is None:
            return ""
        if self.recent <= self.lasting:
            return _("At your current pace this lasts to the end of your allocation.")
        return _("At your current pace this is used up before your allocation ends.")


def pace_of(board: Board, *, on: date) -> Pace:
    """`lasting`: the weekly use with which every active allocation lasts to its end; None without one."""
    monday = monday_of(on)
    this_week = sum(row.gpu_seconds for row in board.use if row.week == monday)
    since = monday - timedelta(weeks=PACE_WEEKS - 1)
    recent = sum(row.gpu_seconds for row in board.use if row.week >= since) / PACE_WEEKS
    lasting = None
    for one in board.active:
        weeks = max(((one.allocation.ends_on - on).days + 1) / 7, 1)
        lasting = (lasting or 0) + max(0, one.balance.available) / weeks
    return Pace(this_week, recent, lasting)


def quotas(board: Board, pace: Pace) -> list[dict[str, Any]]:
    """The cards over the chart. Where there is no limit, none is invented."""
    return [card for card in (_hours(board, pace), _jobs(board), _storage(board), _support(board)) if card]


def _hours(board: Board, pace: Pace) -> dict[str, Any]:
    total = board.total
    used, held = total.used_percent, total.reserved_percent
    decimals = 0 if total.granted >= 100 * 3600 else 1
    return {
        "title": _("GPU-hours"),
        "icon": "cpu",
        "big": hours(max(0, total.available), decimals),
        "unit": _("left of %(granted)s") % {"granted": hours(total.granted, decimals)},
        "used": used,
        "held": held,
        "used_text": _("%(n)s used") % {"n": hours(total.used, decimals)},
        "held_text": _("%(n)s set aside") % {"n": hours(total.reserved, decimals)} if total.reserved else "",
        "tone": "warn" if used + held >= 75 else "",
        "note": pace.sentence if board.active else _("No allocation is active. Ask for compute to go on."),
    }


def _jobs(board: Board) -> dict[str, Any]:
    counts = board.facts.job_counts
    running, waiting = counts.get("running", 0), counts.get("waiting", 0)
    slots = sum({one.allocation.partition_id: one.allocation.partition.gpus_total for one in board.active}.values())
    most = max(slots, running + waiting, 1)
    return {
        "title": _("Jobs now"),
        "icon": "list-task",
        "big": number(running),
        "unit": _("running"),
        "used": 100 * running / most,
        "held": 100 * waiting / most,
        "used_text": _("%(n)s running") % {"n": running},
        "held_text": _("%(n)s waiting") % {"n": waiting} if waiting else "",
        "note": ngettext(
            "Where you have hours there is %(n)s GPU or slot in all, shared with others.",
            "Where you have hours there are %(n)s GPUs or slots in all, shared with others.",
            slots,
        )
        % {"n": number(slots)}
        if slots
        else "",
    }


def _storage(board: Board) -> dict[str, Any]:
    data, models = board.facts.dataset_bytes, board.facts.model_bytes
    total = data + models
    return {
        "title": _("Storage"),
        "icon": "hdd-stack",
        "big": size(total),
        "unit": _("stored"),
        "used": 100 * data / total if total else 0,
        "held": 100 * models / total if total else 0,
        "used_text": _("Data %(size)s") % {"size": size(data)},
        "held_text": _("Models %(size)s") % {"size": size(models)} if models else "",
        "note": _("You delete data and models when you like."),
    }


def _support(board: Board) -> dict[str, Any] | None:
    if not board.rooms:
        return None
    room = board.rooms[0]
    ours = sum(item.aid.amount_eur for item in room.items if item.counted and item.aid.source == "portal")
    return {
        "title": _("Public support (de minimis)"),
        "icon": "bank2",
        "big": money(room.left, 0),
        "unit": _("left of %(ceiling)s in %(state)s")
        % {"ceiling": money(room.ceiling, 0), "state": country(room.granting_state)},
        "used": room.percent_used,
        "held": 0,
        "used_text": _("%(used)s in the last 3 years") % {"used": money(room.used, 0)},
        "held_text": "",
        "tone": "warn" if room.percent_used >= 75 else "",
        "note": _("Includes %(ours)s from this portal.") % {"ours": money(ours)},
    }


def chips(board: Board, group: str) -> list[dict[str, Any]]:
    """The filter over the jobs table."""
    labels = {"running": _("Running"), "waiting": _("Waiting"), "done": _("Finished"), "failed": _("Failed")}
    here = reverse("jobs:dashboard")
    counts = board.facts.job_counts
    all_jobs = {
        "url": f"{here}#h-jobs",
        "label": _("All"),
        "count": counts.get("all", 0),
        "current": group not in GROUPS,
    }
    return [
        all_jobs,
        *(
            {
                "url": f"{here}?jobs={name}#h-jobs",
                "label": labels[name],
                "count": counts.get(name, 0),
                "current": group == name,
            }
            for name in GROUPS
        ),
    ]


@dataclass(frozen=True)
class JobRow:
    """One line of the jobs table."""

    job: Job

    @property
    def charged(self) -> int | None:
        """GPU-seconds charged, None while nothing is settled."""
        booked = getattr(self.job, "booked", None)
        return None if booked is None else -booked

    @property
    def percent(self) -> int | None:
        return self.job.progress if self.job.state == JobState.RUNNING else None

    @property
    def progress(self) -> str:
        job = self.job
        if job.state == JobState.RUNNING:
            left = _(" · about %(time)s left") % {"time": duration(job.eta_seconds)} if job.eta_seconds else ""
            return _("%(n)s%%") % {"n": job.progress} + left
        if job.state in JOB_WAITING:
            return str(job.get_state_display())
        result = getattr(job, "tuned_result", None)
        if job.state == JobState.DONE and result:
            return verdict_of(result).short
        free = _("not charged") if self.charged == 0 and job.state == JobState.FAILED else ""
        return " · ".join(part for part in (job.sentence, free) if part)

    @property
    def action(self) -> tuple[str, str]:
        """(address, words) of the button at the end of the line."""
        tuned = getattr(self.job, "tuned_id", None)
        if tuned:
            return reverse("models_hub:result", args=[tuned]), _("Results")
        page = reverse("jobs:job", args=[self.job.pk])
        return page, _("Fix and retry") if self.job.state == JobState.FAILED else _("View")
