"""Writing letters once, keeping what they say, and drawing them again."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidAward, AidDuty, AidLetter, Organisation, User
from accounts.notices import notify
from accounts.selectors import owners_of
from accounts.state_aid.duties.scope import states_seen_by
from accounts.state_aid.letters import facts
from accounts.state_aid.letters.paper import paper_of
from accounts.state_aid.letters.wording import ENGLISH, closest, languages
from accounts.state_aid.states import DutyState
from accounts.state_aid.threads import thread_of
from portal.kernel.errors import DomainError
from portal.papers import DRAWN_BY, draw, paper_from_json, to_json

logger = logging.getLogger(__name__)


def issue_open_letters(*, on: date) -> int:
    """Writes the letter of every open duty to tell a beneficiary; says how many. Twice at once writes each once."""
    waiting = AidDuty.objects.open().filter(kind=AidDuty.Kind.NOTICE).values_list("pk", flat=True)
    written = 0
    for pk in list(waiting):
        try:
            written += _issue(pk, on)
        except Exception:
            # One award that cannot be written about must not hold up the others; its duty stays open and turns overdue.
            logger.exception("The letter of duty %s could not be written.", pk)
    return written


@transaction.atomic
def _issue(duty_pk: UUID, on: date) -> bool:
    duty = AidDuty.objects.select_for_update(skip_locked=True).filter(pk=duty_pk, state=DutyState.OPEN).first()
    if duty is None or duty.award is None:
        return False
    thread = thread_of(duty.award)
    _award, _colon, row_pk = duty.subject.partition(":")
    if row_pk:
        row = AidAward.objects.get(pk=row_pk, award=duty.award)
        stated = facts.of_correction(thread, row, issued_on=on)
    else:
        stated = facts.of_notice(thread, issued_on=on)
    organisation = thread.first.organisation
    letter = _keep(stated, language_of(organisation), duty.award, organisation)
    duty.move_to(DutyState.DONE, done_on=on, reference=stated["ident"])
    audit.record(
        actor=None,
        action="aid_letter.issued",
        target=letter,
        organisation=organisation,
        kind=letter.kind,
        language=letter.language,
        sha256=letter.sha256,
    )
    _tell(organisation, letter)
    return True


def _keep(stated: Mapping[str, Any], language: str, award: UUID, organisation: Organisation) -> AidLetter:
    paper = paper_of(stated, language)
    return AidLetter.objects.create(
        award=award,
        organisation=organisation,
        kind=stated["kind"],
        language=language,
        content={"facts": stated, "paper": to_json(paper), "drawn_by": DRAWN_BY},
        sha256=hashlib.sha256(draw(paper)).hexdigest(),
    )


def language_of(organisation: Organisation) -> str:
    """The language its owner reads, as far as there are letters in it."""
    owner = owners_of(organisation).order_by("date_joined").first()
    return closest(owner.language) if owner else ENGLISH


def _tell(organisation: Organisation, letter: AidLetter) -> None:
    for owner in owners_of(organisation):
        with translation.override(owner.language):
            changed = letter.kind == "correction"
            notify(
                user=owner,
                kind="aid_letter",
                title=_("Public support was changed: your letter")
                if changed
                else _("Your letter about public support"),
                body=_("It names the Regulation and the amount. Keep it for ten years."),
                path=reverse("accounts:letters"),
                organisation=organisation,
                email=True,
            )


def letters_visible_to(user: User) -> "QuerySet[AidLetter]":
    """Letters to the person's own organisations, and those of the States whose registers they keep or audit."""
    own = Q(organisation__role_grants__user=user)
    states = states_seen_by(user)
    if states is None:
        return AidLetter.objects.all()
    if states:
        own |= Q(award__in=AidAward.objects.filter(granting_state__in=states).values("award"))
    return AidLetter.objects.filter(own).distinct()


@transaction.atomic
def letter_in(*, letter: AidLetter, language: str, actor: User) -> AidLetter:
    """The same letter in another language: the one there is, else a new one. The caller found it visible to the actor.

    Raises DomainError("letter_language") for a language there are no texts in.
    """
    if language not in languages():
        raise DomainError("letter_language", _("Choose one of the languages in the list."), field="language")
    ident = letter.content["facts"]["ident"]
    same = AidLetter.objects.filter(award=letter.award, kind=letter.kind, language=language)
    for other in same.order_by("created_at"):
        if other.content["facts"]["ident"] == ident:
            return other
    copy = _keep(letter.content["facts"], language, letter.award, letter.organisation)
    audit.record(
        actor=actor, action="aid_letter.translated", target=copy, organisation=letter.organisation, language=language
    )
    return copy


def pdf_of(letter: AidLetter) -> tuple[bytes, bool]:
    """The letter drawn again, and whether the bytes are those of the first time."""
    pdf = draw(paper_from_json(letter.content["paper"]))
    return pdf, hashlib.sha256(pdf).hexdigest() == letter.sha256


def filename(letter: AidLetter) -> str:
    """Letters and digits only, so that every system can store it."""
    ident = letter.content["facts"]["ident"].replace("/", "-")
    return f"{letter.kind}-{ident}-{letter.language}.pdf"
