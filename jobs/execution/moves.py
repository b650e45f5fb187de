"""Why a job went elsewhere, in words: for the notice, the job's page and the audit record."""

from enum import StrEnum

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.models import JobMove

# Beyond this many moves a job stays where it is: something else is wrong.
MAX_MOVES = 5


class Why(StrEnum):
    DRAINING = "draining"
    REVOKED = "revoked"
    SILENT = "silent"
    LOST = "lost"


_SENTENCES: dict[str, str | Promise] = {
    Why.DRAINING: gettext_lazy(
        "%(old)s takes no new work at the moment, and it had not begun the run. So the run waits at %(new)s now."
    ),
    Why.REVOKED: gettext_lazy(
        "%(old)s is no longer connected, and it had not begun the run. So the run waits at %(new)s now."
    ),
    Why.SILENT: gettext_lazy(
        "%(old)s has not answered for more than ten minutes, and it had not begun the run. "
        "So the run waits at %(new)s now."
    ),
    Why.LOST: gettext_lazy(
        "%(old)s did not answer until the time of the run was over, so nothing can be running there any more. "
        "The run starts anew at %(new)s; whatever %(old)s still reports changes nothing."
    ),
}


def sentence_of(move: JobMove) -> str:
    """What happened, in the reader's language."""
    words = _SENTENCES.get(move.code, _SENTENCES[Why.SILENT])
    return str(words) % {"old": move.from_site.name, "new": move.to_site.name}


def consequence() -> str:
    """What it means for the owner; the same for every move."""
    return _("You allowed this. Nothing was charged, and the GPU time set aside stays the same.")


def story(moves: list[JobMove]) -> list[dict[str, object]]:
    """The moves as the timeline shows them, the newest first."""
    return [
        {
            "title": _("Moved from %(old)s to %(new)s") % {"old": move.from_site.name, "new": move.to_site.name},
            "when": date_format(localtime(move.at), "SHORT_DATETIME_FORMAT"),
            "text": f"{sentence_of(move)} {consequence()}",
            "on": True,
        }
        for move in sorted(moves, key=lambda move: move.at, reverse=True)
    ]
