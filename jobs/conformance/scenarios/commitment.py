"""Nothing starts before the portal has confirmed that it will give the work to nobody else."""

from jobs.conformance.case import Scenario, cases
from jobs.conformance.lab import Lab


def commitment(lab: Lab) -> None:
    held = lab.offer("ok")
    held.withheld = frozenset({"submitted"})
    lab.start()
    # An agent that waits for nothing may have begun before it said anything: that is the fault looked for.
    lab.until(lambda: held.said("submitted") or lab.starts(held), "submitted is said")
    with lab.case("commit.waits"):
        lab.stays(lambda: not lab.starts(held), "the training was started without the portal's word")
    held.withheld = frozenset()
    with lab.case("commit.starts"):
        lab.done(held)
    taken = lab.offer("ok")
    taken.withheld = frozenset({"submitted"})
    lab.until(lambda: taken.said("submitted") or lab.starts(taken), "submitted is said of the second job")
    with lab.case("commit.closed"):
        lab.stays(lambda: not lab.starts(taken), "the training was started without the portal's word")
        taken.closed_at_once = True
        lab.stays(lambda: not lab.starts(taken), "work that was given to somebody else was started")
    with lab.case("commit.goes_on"):
        lab.done(lab.offer("ok"))


COMMITMENT = Scenario(
    "commitment",
    commitment,
    cases(
        "Commitment",
        commit__waits="Nothing starts while `submitted` is unacknowledged, also when an older state is",
        commit__starts="Once `submitted` is acknowledged the work starts",
        commit__closed="Work that is closed before commitment never starts",
        commit__goes_on="After work was taken back the next job runs",
    ),
)
