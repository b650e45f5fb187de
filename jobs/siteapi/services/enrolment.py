"""How an agent becomes known: a one-time code in, its public key kept. The private key never leaves the site."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from catalog.models import Site
from jobs.models import AgentKey, EnrolmentCode, SiteAgent
from jobs.siteapi import keys
from jobs.siteapi.services.keys import add_key, check_unknown
from portal.kernel.errors import DomainError

CODE_LIFE = timedelta(hours=24)
# Without characters that look alike; 24 of 31 signs are 118 bits.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ2345679"


@transaction.atomic
def create_enrolment_code(*, site: Site, actor: User | None, at: datetime, valid_for: timedelta = CODE_LIFE) -> str:
    """A new one-time code for that site, shown once: only its hash is kept. `actor` None is the portal itself."""
    if actor is not None:
        require(actor, Action.OPERATE_SITE, site_slug=site.slug)
    code = "-".join("".join(secrets.choice(_ALPHABET) for _sign in range(6)) for _group in range(4))
    row = EnrolmentCode.objects.create(
        site=site, code_sha256=code_digest(code), expires_at=at + valid_for, created_by=actor
    )
    audit.record(actor=actor, action="site.enrolment_code_created", target=row, site=site.slug)
    return code


def code_digest(code: str) -> str:
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()


@transaction.atomic
def enrol(*, code: str, public_key: str, name: str, version: str, at: datetime) -> SiteAgent:
    """Turns a code into an enrolled agent. The caller has checked that the request is signed with that key.

    The same agent asking again with the same code gets the same answer, since the first answer may have been lost.
    """
    refused = DomainError(
        "code_refused",
        _("This enrolment code is unknown, used or expired. Ask the portal's administrator for a new one."),
        status=403,
    )
    row = EnrolmentCode.objects.select_for_update(of=("self",)).filter(code_sha256=code_digest(code)).first()
    if row is None or row.expires_at < at:
        raise refused
    if row.used_at is not None:
        again = SiteAgent.objects.filter(
            site=row.site, public_key=public_key, revoked_at__isnull=True, created_at__gte=row.used_at
        ).first()
        if again is None:
            raise refused
        return again
    check_unknown(public_key)
    row.used_at = at
    row.save(update_fields=["used_at"])
    agent = SiteAgent.objects.create(site=row.site, public_key=public_key, name=name[:80], version=version[:40])
    add_key(agent=agent, public_key=public_key)
    Site.objects.filter(pk=row.site_id, status=Site.Status.KNOWN).update(status=Site.Status.CONNECTED)
    audit.record(
        actor=row.created_by,
        action="site.agent_enrolled",
        target=agent,
        site=row.site.slug,
        key=keys.key_id(public_key),
    )
    return agent


@transaction.atomic
def revoke_agent(*, agent: SiteAgent, actor: User, at: datetime) -> None:
    """From now on nothing this agent says counts. What it leased and did not commit to goes back by itself."""
    require(actor, Action.OPERATE_SITE, site_slug=agent.site.slug)
    changed = SiteAgent.objects.filter(pk=agent.pk, revoked_at__isnull=True).update(revoked_at=at)
    if changed:
        AgentKey.objects.filter(agent=agent, revoked_at__isnull=True).update(revoked_at=at)
        audit.record(actor=actor, action="site.agent_revoked", target=agent, site=agent.site.slug)
