"""All attacks on one portal, over HTTP: for whoever runs a portal and wants to see it refuse them."""

from collections.abc import Iterable

from jobs.conformance.attacks import Attack
from jobs.conformance.case import Case, Result, Status
from jobs.conformance.launch import CannotStart
from jobs.conformance.rogue import Rogue, Send, over_http, set_stage


def besiege(attacks: Iterable[Attack], *, url: str, codes: tuple[str, str], send: Send = over_http) -> list[Result]:
    """Each attack once, its refusal held against the one it must meet. What changed inside, only the portal knows."""
    honest, other = Rogue(send, url), Rogue(send, url)
    stage = set_stage(honest, other, codes=codes)
    if stage is None:
        raise CannotStart(
            "The portal took one of the codes not, or has no job waiting for the first one's site. "
            "Make two new codes, and submit a job to the first site."
        )
    results = []
    # What takes the honest agent's key away comes last.
    for attack in sorted(attacks, key=lambda one: one.id.startswith("keys.")):
        if attack.id.startswith("keys.") or stage.old is None:
            attack.prepare(stage)
        wrong = attack.met(attack.act(stage))
        case = Case(id=attack.id, title=attack.title, section="rogue agent")
        results.append(Result(case, "portal", Status.FAIL if wrong else Status.PASS, wrong))
    return results
