"""What an attack is, and the words most of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jobs.conformance.rogue import Heard, Stage

# Refused in one way or another: not by the protocol, but before it.
ANY = 0
# A lease that is not in force.
OLD = "old"
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Attack:
    """`act` makes the request; it must be answered with one of `codes`, as a problem of `status`.

    A `status` of 200 means one refused report in an answer that takes in the rest. `recorded`: it smells of forgery, so
    that it must stand in the audit record. `prepare` is honest and may change things.
    """

    id: str
    title: str
    act: Callable[[Stage], Heard]
    status: int
    codes: tuple[str, ...]
    recorded: bool = True
    prepare: Callable[[Stage], Any] = lambda stage: None
    # For forged reports: the words alone, so that they can be hidden among honest ones.
    words: Callable[[Stage], dict[str, Any]] | None = None
    by_other: bool = False

    def met(self, heard: Heard) -> str:
        """What is wrong with the answer; empty when it is the right refusal."""
        if self.status == ANY:
            return "" if 400 <= heard.status < 500 else f"answered {heard.status}"
        if self.status != 200:
            good = heard.status == self.status and heard.code in self.codes
            if good and not {"type", "title", "status", "detail"} <= heard.body.keys():
                return "it is no problem document"
            return "" if good else f"answered {heard.status} {heard.code}, not {self.status} {' or '.join(self.codes)}"
        found = {row["code"] for row in heard.body.get("refused", [])}
        if heard.status != 200:
            return f"answered {heard.status} {heard.code}: one bad report must harm no other"
        return "" if found and found <= set(self.codes) else f"refused {sorted(found)}, not {' or '.join(self.codes)}"


def report(
    id: str,
    title: str,
    words: Callable[[Stage], dict[str, Any]],
    *codes: str,
    recorded: bool = True,
    by_other: bool = False,
) -> Attack:
    def act(stage: Stage) -> Heard:
        return (stage.other if by_other else stage.honest).sync(**words(stage))

    return Attack(id, title, act, 200, codes, recorded=recorded, words=words, by_other=by_other)


def usage(id: str, title: str, code: str, **changes: Any) -> Attack:
    """A forged usage row: `changes` may hold seconds from now in place of moments."""

    def words(stage: Stage) -> dict[str, Any]:
        fixed = {n: stage.moment(v) if n.endswith("_at") else v for n, v in changes.items()}
        return {"usage": [stage.usage(**{"native_id": "78", "id": "78", **fixed})]}

    return report(f"usage.{id}", title, words, code)


def signed(stage: Stage, **words: Any) -> Heard:
    return stage.honest.call("POST", "/sync", {"epoch": stage.honest.epoch}, **words)
