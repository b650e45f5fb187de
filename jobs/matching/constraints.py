"""The hard rules: each looks at one thing and says in a sentence what stands against a place, or nothing. Pure."""

from collections.abc import Callable

from jobs.matching.facts import Able, Need, Offer, Outlook, Reason
from jobs.matching.health import UNREACHABLE_AFTER
from jobs.matching.span import span
from models_hub.wording import Text, gettext_noop

HOUR = 3600


def connection(need: Need, offer: Offer, _outlook: Outlook | None) -> Text | None:
    if not offer.known:
        return Text(gettext_noop("The site is not connected to the portal yet."))
    if not offer.taking or (offer.agents and all(agent.draining for agent in offer.agents)):
        return Text(gettext_noop("The site takes no new work at the moment."))
    heard = [agent.silent_seconds for agent in offer.agents if agent.silent_seconds is not None]
    if not heard:
        return Text(gettext_noop("No agent of the site has spoken yet, so nothing can be sent there."))
    if min(heard) > UNREACHABLE_AFTER.total_seconds():
        return Text(gettext_noop("The site has not answered for %(time)s."), {"time": span(min(heard))})
    return None


def residency(need: Need, offer: Offer, _outlook: Outlook | None) -> Text | None:
    outside = sorted(offer.countries - need.residency) if need.residency else []
    if not outside:
        return None
    return Text(
        gettext_noop("Your data may only go to %(allowed_countries)s; the site is in %(site_countries)s."),
        {"allowed_countries": ", ".join(sorted(need.residency)), "site_countries": ", ".join(outside)},
    )


def eligibility(need: Need, offer: Offer, _outlook: Outlook | None) -> Text | None:
    if not need.eligible:
        return Text(gettext_noop("Your company's country does not take part in the programmes behind these sites."))
    if need.needs_hours or (offer.may_grant and offer.eur_per_gpu_hour is not None):
        return None
    return Text(gettext_noop("Nobody can grant hours here yet: the site has no rate in force or no granting State."))


def mode(need: Need, offer: Offer, _outlook: Outlook | None) -> Text | None:
    if not need.mode or offer.modes is None or need.mode in offer.modes:
        return None
    return Text(gettext_noop("This way to access is not open at the site."))


def recipe(need: Need, offer: Offer, _outlook: Outlook | None) -> Text | None:
    if not need.recipe or not offer.agents:
        return None
    if any(agent.recipes is None or need.recipe in agent.recipes for agent in offer.agents):
        return None
    return Text(gettext_noop("The site does not run this kind of job."))


def model(need: Need, offer: Offer, _outlook: Outlook | None) -> Text | None:
    if not need.model or offer.models is None:
        return None
    held = offer.models.get(need.model)
    if held is None:
        return Text(gettext_noop("The site's store does not hold the model you chose."))
    if need.revision is not None and held != need.revision:
        return Text(gettext_noop("The site's store holds another version of the model."))
    return None


def memory(need: Need, offer: Offer, outlook: Outlook | None) -> Text | None:
    wanted = outlook.need_gb if outlook is not None else need.memory_gb
    if wanted is None or wanted <= offer.hardware.memory_gb:
        return None
    return Text(
        gettext_noop("The run does not fit: it needs %(need)s GB on one GPU, and there are %(have)s GB."),
        {"need": round(wanted, 1), "have": offer.hardware.memory_gb},
    )


def size(need: Need, offer: Offer, _outlook: Outlook | None) -> Text | None:
    if need.gpus > offer.hardware.max_gpus * offer.nodes or need.nodes > offer.nodes:
        return Text(gettext_noop("The place has too few GPUs for %(gpus)s at once."), {"gpus": need.gpus})
    if offer.agents and not any(_large_enough(need, agent) for agent in offer.agents):
        return Text(gettext_noop("The site gives one job fewer GPUs than %(gpus)s."), {"gpus": need.gpus})
    return None


def _large_enough(need: Need, agent: Able) -> bool:
    return (agent.gpus is None or need.gpus <= agent.gpus) and (agent.nodes is None or need.nodes <= agent.nodes)


def time(need: Need, offer: Offer, outlook: Outlook | None) -> Text | None:
    longest = need.max_seconds or (outlook.most_seconds if outlook is not None else None)
    limits = [agent.seconds for agent in offer.agents if agent.seconds is not None]
    allowed = [limit for limit in (offer.max_seconds, max(limits) if limits else None) if limit is not None]
    if longest is not None and allowed and longest > min(allowed):
        return Text(
            gettext_noop("The run may take %(time)s, and the site ends every job after %(limit)s."),
            {"time": span(longest), "limit": span(min(allowed))},
        )
    if need.pace is not None and _pace(offer) < need.pace:
        return Text(
            gettext_noop("The hardware is slower than planned, so the run might not end in the time set aside.")
        )
    return None


def _pace(offer: Offer) -> float:
    return offer.hardware.bf16_tflops * offer.hardware.share_low


def hours(need: Need, offer: Offer, outlook: Outlook | None) -> Text | None:
    if not need.needs_hours:
        return None
    if offer.hours_left is None:
        return Text(gettext_noop("You have no GPU-hours there. Ask for some first."))
    wanted = need.gpu_seconds or (round(outlook.gpu_hours * HOUR) if outlook is not None else 1)
    if offer.hours_left < max(1, wanted):
        return Text(
            gettext_noop("Too few GPU-hours left there: %(left)s, and the run needs %(need)s."),
            {"left": round(max(0, offer.hours_left) / HOUR, 2), "need": round(wanted / HOUR, 2)},
        )
    return None


Constraint = Callable[[Need, Offer, Outlook | None], Text | None]

CONSTRAINTS: tuple[Constraint, ...] = (
    connection,
    residency,
    eligibility,
    mode,
    recipe,
    model,
    memory,
    size,
    time,
    hours,
)


def objections(need: Need, offer: Offer, outlook: Outlook | None) -> tuple[Reason, ...]:
    """Everything that stands against the place, in the order of the table."""
    found = ((rule.__name__, rule(need, offer, outlook)) for rule in CONSTRAINTS)
    return tuple(Reason(code, words) for code, words in found if words is not None)
