"""What each question about usage means, and what its two answers do, in plain words."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.models import UsageDiscrepancy

Kind = UsageDiscrepancy.Kind


@dataclass(frozen=True)
class Words:
    """What happened, what the two figures are, and how people usually find out who is right."""

    what: str | Promise
    ours: str | Promise
    theirs: str | Promise
    look: str | Promise


_WORDS: dict[str, Words] = {
    Kind.RECEIPT: Words(
        _("The scheduler's accounting and the receipt that the job itself wrote differ by more than 60 s or 1 %."),
        _("Accounting"),
        _("The job's receipt"),
        _("Ask the site for its accounting of this run, with all its starts. Accounting can lose a start; a receipt "
          "ends too early when a node dies."),
    ),
    Kind.PROVISIONAL: Words(
        _("While the run went on, the site said by its heartbeats that it held another time than it accounted later."),
        _("Accounting, up to the last heartbeat"),
        _("Heartbeats"),
        _("A site's clock that is wrong shows here first. Look at the receipt; where it agrees with the accounting, "
          "the accounting stands."),
    ),
    Kind.MISSING: Words(
        _("The job ran, and an hour after its end no usage had come. Nothing is charged."),
        _("Accounting"),
        _("Heartbeats"),
        _("Ask the site. If its agent was away, the usage comes by itself and this question closes."),
    ),
    Kind.LATE: Words(
        _("This usage came after the job was settled. It is kept in the book and not charged."),
        _("Late accounting"),
        _("Counted at the settlement"),
        _("A correction counts it from now on, never beyond what was set aside for the run."),
    ),
    Kind.DIGEST: Words(
        _("The site's book of a day and ours differ, and sending every row again did not mend it."),
        _("Our book"),
        _("The site's book"),
        _("Ask the site which of the two its scheduler confirms."),
    ),
}  # fmt: skip

_DIGEST = {
    "conflict": _("Both books have this start, with other numbers. Rows never change: ours stands until corrected."),
    "unknown_at_site": _("Our book has this start, and the site's has not."),
    "refused": _("The site's book has this start, and its numbers cannot be true; they were refused."),
    "incomplete": _("The site counts more rows than it sends."),
    "digest": _("Every row agrees, and yet the digests differ: the site's agent makes its digest in another way."),
}


def explain(row: UsageDiscrepancy) -> Words:
    """The words for one question."""
    words = _WORDS[row.kind]
    why = _DIGEST.get(str(row.detail.get("why"))) if row.kind == Kind.DIGEST else None
    return words if why is None else Words(why, words.ours, words.theirs, words.look)
