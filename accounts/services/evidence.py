"""Papers that show what was stated: kept privately, named by their hash, removable only while nothing is signed."""

import hashlib
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit, paper_types
from accounts.models import Evidence, Organisation, Party, User
from accounts.permissions import require
from accounts.roles import Action
from accounts.services.ownership import locked_statement
from portal.kernel.errors import DomainError

MOST_UNSIGNED = 40


def _sha256(file: Any) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in iter(lambda: file.read(1 << 18), b""):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


@transaction.atomic
def add_evidence(
    *,
    actor: User,
    organisation: Organisation,
    subject: str,
    title: str,
    file: File,
    filename: str,
    party: Party | None = None,
) -> Evidence:
    """Keeps a paper. The same paper sent twice before signing is one paper.

    Raises DomainError: paper_empty, paper_too_large, paper_type, paper_limit.
    """
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    size, content = file.size or 0, file.file
    if not size or content is None:
        raise DomainError("paper_empty", _("This file is empty. Choose another one."), field="file")
    if size > paper_types.MOST_BYTES:
        raise DomainError("paper_too_large", _("The file is larger than 10 MB. Send a smaller copy."), field="file")
    kind = paper_types.recognise(content, filename)
    if kind is None:
        raise DomainError(
            "paper_type",
            _("This is no PDF, PNG, JPEG, CSV or XLSX file, or its name does not fit its content. Save it as a PDF."),
            field="file",
        )
    locked_statement(organisation)
    unsigned = organisation.evidence.filter(assessment=None)
    digest = _sha256(content)
    known = unsigned.filter(sha256=digest, subject=subject, party=party).first()
    if known is not None:
        return known
    if unsigned.count() >= MOST_UNSIGNED:
        raise DomainError("paper_limit", _("There are many papers already. Remove what is not needed first."))
    paper = Evidence(
        organisation=organisation,
        subject=subject,
        title=title,
        party=party,
        filename=filename[-200:],
        media_type=kind.media_type,
        bytes=size,
        sha256=digest,
        uploaded_by=actor,
    )
    paper.file.save("paper", file, save=False)
    paper.save()
    audit.record(
        actor=actor, action="evidence.added", target=paper, organisation=organisation, sha256=digest, subject=subject
    )
    return paper


@transaction.atomic
def remove_evidence(*, actor: User, evidence: Evidence) -> None:
    """Deletes a paper that belongs to no signed statement. Raises DomainError("evidence_signed") otherwise."""
    organisation = evidence.organisation
    require(actor, Action.EDIT_ORGANISATION, organisation=organisation)
    locked_statement(organisation)
    evidence.refresh_from_db(fields=["assessment"])
    if evidence.assessment_id is not None:
        raise DomainError(
            "evidence_signed", _("This paper belongs to a signed statement and stays with it. Add a newer one instead.")
        )
    audit.record(
        actor=actor, action="evidence.removed", target=evidence, organisation=organisation, sha256=evidence.sha256
    )
    storage, name = evidence.file.storage, str(evidence.file.name)
    evidence.delete()
    transaction.on_commit(lambda: storage.delete(name))
