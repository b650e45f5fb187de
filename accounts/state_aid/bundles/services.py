"""Recording what was asked, answering it with one bundle, and keeping what was sent."""

import hashlib
import json
from datetime import date
from typing import Any

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AidDuty, InformationRequest, User
from accounts.state_aid.bundles.contents import files_of, scope_of, threads_in
from accounts.state_aid.duties.clocks import clock_on
from accounts.state_aid.duties.rows import clocks_of
from accounts.state_aid.duties.scope import require_keeping, states_seen_by
from accounts.state_aid.duties.services import close_duty, open_duty
from accounts.state_aid.registers.files import packed
from portal.kernel.errors import DomainError

README = """Answer to request {reference}

State: {state}
Asked by: {asked_by}
Received on: {received_on}
Prepared on: {prepared_on}

awards.csv, awards.json   the awards in scope; in the JSON every row of each award's life, with its valuation
assessments/              the verdict on each award with every input it rests on
replay.json               whether the stored inputs give the stored verdict again today
declarations/             what the companies declared about other aid
letters/                  the letters to the beneficiaries, as PDF
decisions/                what was decided, by whom in which role, and on which checks
duties.json               what had to be done about each award, by when, and the registers' numbers
manifest.json             SHA-256 of every other file

Records of de minimis aid are kept for ten years from the grant (Regulation (EU) 2023/2831, Art 6(3)), records of
block-exempted aid for ten years (Regulation (EU) No 651/2014, Art 12). This bundle is kept for the same time.
Amounts are gross grant equivalents in EUR.
"""


@transaction.atomic
def record_request(
    *,
    reference: str,
    asked_by: str,
    question: str,
    state: str,
    scope: dict[str, Any],
    received_on: date,
    actor: User,
    on: date,
) -> InformationRequest:
    """Keeps what was asked and starts the clock of Art 6(7) with the day after its receipt.

    Raises DomainError: request_in_future, request_days, request_known.
    """
    require_keeping(actor, state)
    if received_on > on:
        raise DomainError("request_in_future", _("It cannot have been received after today."), field="received_on")
    if scope.get("from") and scope.get("to") and scope["from"] > scope["to"]:
        raise DomainError("request_days", _("The first day lies after the last one."), field="until")
    clock = clock_on(AidDuty.Kind.ANSWER, received_on, rows=clocks_of(state))
    if clock is None:
        raise DomainError("request_clock", _("No rule gives the time for an answer that day. Ask an administrator."))
    try:
        with transaction.atomic():
            request = InformationRequest.objects.create(
                reference=reference.strip(),
                asked_by=asked_by.strip(),
                question=question.strip(),
                granting_state=state,
                scope=scope,
                received_on=received_on,
                due_on=clock.due_on(received_on, state),
            )
    except IntegrityError:
        raise DomainError(
            "request_known", _("A request with this reference is recorded already."), field="reference"
        ) from None
    open_duty(kind=AidDuty.Kind.ANSWER, state=state, authority="", subject=str(request.pk), clock=clock, on=received_on)
    audit.record(actor=actor, action="information_request.recorded", target=request, due_on=request.due_on.isoformat())
    return request


def requests_visible_to(user: User) -> Any:
    """Requests about the States whose registers the person keeps; auditors and administrators see all."""
    states = states_seen_by(user)
    found = InformationRequest.objects.order_by("answered_on", "due_on")
    return found if states is None else found.filter(granting_state__in=states)


def bundle_of(request: InformationRequest, *, on: date) -> bytes:
    """The ZIP as it would be sent on that day: the same rows and the same day give the same bytes."""
    files = files_of(threads_in(scope_of(request)))
    readme = README.format(
        reference=request.reference,
        state=request.granting_state,
        asked_by=request.asked_by,
        received_on=request.received_on.isoformat(),
        prepared_on=on.isoformat(),
    )
    files = {"README.txt": readme.encode(), **files}
    manifest = {
        "request": request.reference,
        "question": request.question,
        "scope": {"state": request.granting_state, **request.scope},
        "prepared_on": on.isoformat(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    told = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    return packed({**files, "manifest.json": told.encode()})


@transaction.atomic
def answer_request(*, request: InformationRequest, actor: User, on: date, note: str = "") -> InformationRequest:
    """Records that the bundle was sent: keeps the file and its hash and closes the duty.

    Raises DomainError("request_answered") when somebody answered first; then nothing changes.
    """
    require_keeping(actor, request.granting_state)
    row = InformationRequest.objects.select_for_update().get(pk=request.pk)
    if row.answered_on is not None:
        raise DomainError("request_answered", _("This request was answered already. Reload the page to see it."))
    content = bundle_of(row, on=on)
    row.sha256 = hashlib.sha256(content).hexdigest()
    row.answered_on, row.answered_by = on, actor
    row.bundle.save(f"{row.pk}.zip", ContentFile(content), save=False)
    row.save(update_fields=["sha256", "answered_on", "answered_by", "bundle"])
    duty = AidDuty.objects.open().filter(kind=AidDuty.Kind.ANSWER, subject=str(row.pk)).first()
    if duty is not None:
        close_duty(duty=duty, reference=row.reference, actor=actor, on=on, note=note)
    audit.record(actor=actor, action="information_request.answered", target=row, sha256=row.sha256)
    return row
