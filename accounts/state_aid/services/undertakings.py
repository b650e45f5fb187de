"""Reading the dated graph of undertakings: what is known about one organisation's group, by keys.

What counts for whom: a confirmed statement counts for everybody it names. An unconfirmed one counts for nobody; the
organisation that made it sees it in its own case as unconfirmed, so that a person looks at each of its grants.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from accounts.models import ControlStatement, Organisation, UndertakingEvent
from accounts.state_aid import case
from accounts.state_aid.keys import names_a_company, organisation_id, organisation_key


@dataclass(frozen=True)
class Undertaking:
    """One organisation's group with its history.

    links, events  in keys where every organisation of this portal is `org:…`; unconfirmed links of its own included
    known          every key that confirmed rows tie to it, on whatever day; aid of these is looked at
    names          what a key is called, as far as the organisation may know
    canonical      every key that may stand in a row -> the one it is counted under
    """

    member: str
    links: tuple[case.ControlLink, ...] = ()
    events: tuple[case.GroupEvent, ...] = ()
    known: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    canonical: Mapping[str, str] = field(default_factory=dict)

    @property
    def organisations(self) -> dict[str, UUID]:
        """The known members that are organisations of this portal."""
        found = {key: organisation_id(key) for key in self.known}
        return {key: pk for key, pk in found.items() if pk is not None}


def read_undertaking(organisation: Organisation) -> Undertaking:
    """Follows confirmed rows from key to key until nothing new appears: a few queries for each step outwards."""
    walk = _Walk(organisation)
    while walk.frontier:
        walk.step()
    return walk.result()


class _Walk:
    """One walk over the graph. `canonical` maps every key seen to the one it is counted under."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.member = organisation_key(organisation.pk)
        self.canonical: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.known: set[str] = set()
        self.statements: dict[UUID, ControlStatement] = {}
        self.stated_events: dict[UUID, UndertakingEvent] = {}
        self._join(self.member, (organisation,))
        self.frontier = {key for key, own in self.canonical.items() if own == self.member}

    def step(self) -> None:
        """Reads what names a key of the frontier; new keys behind confirmed rows are the next frontier."""
        keys = sorted(self.frontier)
        mine = Q(confirmed_on__isnull=False) | Q(organisation=self.organisation)
        statements = ControlStatement.objects.filter(Q(controller__in=keys) | Q(controlled__in=keys)).filter(
            mine, refused_on=None
        )
        said = Q(confirmed_by__isnull=False) | Q(organisation=self.organisation)
        events = (
            UndertakingEvent.objects.filter(Q(before__has_any_keys=keys) | Q(after__has_any_keys=keys))
            .filter(said, superseded_by__isnull=True)
            .exclude(before=[], after=[])
        )
        reached: set[str] = set()
        for statement in statements:
            self.statements[statement.pk] = statement
            self.names.setdefault(statement.controller, statement.controller_name)
            self.names.setdefault(statement.controlled, statement.controlled_name)
            if statement.confirmed_on is not None:
                reached |= {statement.controller, statement.controlled}
        for event in events:
            self.stated_events[event.pk] = event
            for key, name in event.names.items():
                self.names.setdefault(key, name)
            if event.confirmed_by_id is not None:
                reached |= {*event.before, *event.after}
        new = reached - set(self.canonical)
        self.frontier = self._resolve(new) if new else set()

    def _resolve(self, keys: set[str]) -> set[str]:
        """Gives each new key the organisation it belongs to; every other key of that organisation is new as well."""
        by_kind: dict[str, list[str]] = {"org": [], "vat": [], "euid": []}
        for key in keys:
            kind, _colon, rest = key.partition(":")
            if kind in by_kind:
                by_kind[kind].append(rest)
        before = set(self.canonical)
        if any(by_kind.values()):
            found = Organisation.objects.filter(
                Q(pk__in=by_kind["org"]) | Q(vat_number__in=by_kind["vat"]) | Q(euid__in=by_kind["euid"])
            )
            for organisation in found:
                self._join(organisation_key(organisation.pk), (organisation,))
        for key in keys:
            if key not in self.canonical:
                self._join(key, ())
        return set(self.canonical) - before

    def _join(self, key: str, organisations: Iterable[Organisation]) -> None:
        self.known.add(key)
        self.canonical[key] = key
        for organisation in organisations:
            self.names[key] = organisation.legal_name
            for other in other_keys(organisation):
                self.canonical[other] = key

    def result(self) -> Undertaking:
        links = [self._link(row) for row in self.statements.values()]
        links += [link for row in self.stated_events.values() if not _counts(row) for link in _doubts(row)]
        links = [link for link in links if link.controller != link.controlled]
        events = [self._event(row) for row in self.stated_events.values() if _counts(row)]
        return Undertaking(
            member=self.member,
            links=tuple(sorted(links, key=lambda link: (link.valid_from, link.controller, link.controlled))),
            events=tuple(sorted(events, key=lambda event: (event.on, event.kind, event.before))),
            known=frozenset(self.known),
            names={self._own(key): name for key, name in self.names.items()},
            canonical=dict(self.canonical),
        )

    def _own(self, key: str) -> str:
        return self.canonical.get(key, key)

    def _link(self, row: ControlStatement) -> case.ControlLink:
        return case.ControlLink(
            controller=self._own(row.controller),
            controlled=self._own(row.controlled),
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            ground=row.ground,
            confirmed=row.confirmed_on is not None,
        )

    def _event(self, row: UndertakingEvent) -> case.GroupEvent:
        return case.GroupEvent(
            kind=case.Change(row.kind),
            on=row.on,
            before=tuple(self._own(key) for key in row.before),
            after=tuple(self._own(key) for key in row.after),
            equity={self._own(key): Decimal(amount) for key, amount in row.equity.items()},
            used_by={reference: self._own(key) for reference, key in row.used_by.items()},
            confirmed=row.confirmed_by_id is not None,
        )


def other_keys(organisation: Organisation) -> list[str]:
    """The keys others may have used for an organisation of this portal."""
    keys = [f"vat:{organisation.vat_number}"] if organisation.vat_number else []
    return [*keys, f"euid:{organisation.euid}"] if organisation.euid else keys


def keys_of(organisation: Organisation) -> list[str]:
    """Every key that means this organisation."""
    return [organisation_key(organisation.pk), *other_keys(organisation)]


def _counts(event: UndertakingEvent) -> bool:
    """A split takes aid off an undertaking, so it counts only when confirmed; the others only add."""
    return event.confirmed_by_id is not None or event.kind != UndertakingEvent.Kind.SPLIT


def _doubts(event: UndertakingEvent) -> list[case.ControlLink]:
    """In the place of an event that does not count yet, unconfirmed links send each grant to a person."""
    parties = list(dict.fromkeys([*event.before, *event.after]))
    return [
        case.ControlLink(controller=parties[0], controlled=other, valid_from=event.on, confirmed=False)
        for other in parties[1:]
    ]


def needs_nobody_else(keys: Iterable[str], organisation: Organisation) -> bool:
    """Whether a statement names only the organisation itself and parties that nobody else can know."""
    own = set(keys_of(organisation))
    return all(key in own or not names_a_company(key) for key in keys)


def still_so(row: ControlStatement, on: date) -> bool:
    return row.valid_from <= on and (row.valid_to is None or on < row.valid_to)
