"""The keys an agent signs with: a new one taken into use beside the old, and a stolen one out of use at once.

An agent introduces its next key with a request that the key in use has signed; both are in force until the new one has
spoken. A key that has been replaced can introduce and revoke nothing, so that who stole an old one gains nothing by it.
"""

import base64
import hmac
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.permissions import require
from accounts.roles import Action
from jobs.models import AgentKey, SiteAgent
from jobs.siteapi import keys, portal_keys
from portal.kernel.errors import DomainError

# How long a replaced key goes on: until the new one has spoken and what was under way has ended, at most a day.
OLD_KEY_LIFE = timedelta(hours=24)
OVERLAP = timedelta(minutes=10)
# An agent that offers more keys than this in a day has lost its mind, or its key.
MOST_KEYS_A_DAY = 10
USE_NOTED_EVERY = timedelta(minutes=1)


def add_key(*, agent: SiteAgent, public_key: str) -> AgentKey:
    """The row of a key that is in force from now on."""
    return AgentKey.objects.create(agent=agent, public_key=public_key, fingerprint=keys.key_id(public_key))


def check_unknown(public_key: str) -> None:
    """A key belongs to one agent, and comes into use once."""
    rows = (AgentKey.objects.filter(public_key=public_key), SiteAgent.objects.filter(public_key=public_key))
    if any(found.exists() for found in rows):
        raise DomainError("key_known", _("This key is known already. Let the agent make a new one."))


def in_force(*, at: datetime) -> Q:
    return Q(revoked_at__isnull=True) & (Q(not_after__isnull=True) | Q(not_after__gt=at))


def keys_named(*, agent: SiteAgent, fingerprint: str) -> QuerySet[AgentKey]:
    """The agent's keys of that name; without a name all it had lately, the newest first."""
    rows = AgentKey.objects.filter(agent=agent).select_related("agent__site").order_by("-pk")
    return rows.filter(fingerprint=fingerprint) if fingerprint else rows[:20]


def check_in_force(key: AgentKey, *, at: datetime) -> None:
    """Says why a key that has signed rightly does not count."""
    if key.agent.revoked_at is not None:
        raise DomainError(
            "agent_revoked", _("This agent's key has been revoked. Enrol it again with a new code."), status=403
        )
    if key.revoked_at is not None:
        raise DomainError(
            "key_revoked",
            _("This key has been revoked. Sign with the agent's newest key, or enrol the agent again with a new code."),
            status=403,
        )
    if key.not_after is not None and key.not_after <= at:
        raise DomainError(
            "key_expired",
            _("This key has been replaced and is no longer accepted. Sign with the agent's newest key."),
            status=401,
        )


def check_still_in_force(key: AgentKey, *, at: datetime) -> None:
    """The same, read anew: while a request waits, its key may be revoked."""
    check_in_force(AgentKey.objects.select_related("agent").get(pk=key.pk), at=at)


def note_use(key: AgentKey, *, at: datetime) -> None:
    """The key has signed. The first word of a new key ends the time of those before it."""
    if key.last_used_at is None:
        _taken_into_use(key, at=at)
    elif key.last_used_at < at - USE_NOTED_EVERY:
        AgentKey.objects.filter(pk=key.pk).update(last_used_at=at)


@transaction.atomic
def _taken_into_use(key: AgentKey, *, at: datetime) -> None:
    if not AgentKey.objects.filter(pk=key.pk, last_used_at__isnull=True).update(last_used_at=at):
        return
    older = AgentKey.objects.filter(in_force(at=at), agent=key.agent_id, pk__lt=key.pk)
    replaced = list(older.values_list("fingerprint", flat=True))
    older.exclude(not_after__lt=at + OVERLAP).update(not_after=at + OVERLAP)
    if replaced:
        audit.record(
            actor=None,
            action="site.key_taken_into_use",
            target=key.agent,
            site=key.agent.site.slug,
            key=key.fingerprint,
            replaced=replaced,
        )


@transaction.atomic
def introduce_key(*, signed_with: AgentKey, public_key: str, proof: str, at: datetime) -> dict[str, Any]:
    """Takes in an agent's next key. The same key again gets the same answer, since the first may have been lost.

    `proof` shows that the agent holds the private half: the new key's signature over the agent's id and itself.
    """
    agent = _locked(signed_with, at=at)
    _check_proof(agent=agent, public_key=public_key, proof=proof)
    known = AgentKey.objects.filter(in_force(at=at), agent=agent, public_key=public_key).first()
    if known is not None:
        old = AgentKey.objects.filter(agent=agent, pk__lt=known.pk).order_by("-pk").first()
        return _introduced(known, until=old.not_after if old else None)
    check_unknown(public_key)
    _check_newest(signed_with)
    if AgentKey.objects.filter(agent=agent, created_at__gt=at - timedelta(days=1)).count() >= MOST_KEYS_A_DAY:
        raise DomainError(
            "too_many_keys", _("This agent has made too many keys today. Try again tomorrow."), status=429
        )
    # Only one key waits to be used: an earlier one that never spoke was lost with its file.
    waiting = AgentKey.objects.filter(agent=agent, pk__gt=signed_with.pk, revoked_at__isnull=True)
    waiting.update(revoked_at=at)
    key = add_key(agent=agent, public_key=public_key)
    until = min(signed_with.not_after or at + OLD_KEY_LIFE, at + OLD_KEY_LIFE)
    AgentKey.objects.filter(pk=signed_with.pk).update(not_after=until)
    SiteAgent.objects.filter(pk=agent.pk).update(public_key=public_key)
    audit.record(
        actor=None,
        action="site.key_introduced",
        target=agent,
        site=agent.site.slug,
        key=key.fingerprint,
        signed_with=signed_with.fingerprint,
    )
    return _introduced(key, until=until)


def _locked(signed_with: AgentKey, *, at: datetime) -> SiteAgent:
    """The agent, for this transaction alone; its key may have been revoked since the request was read."""
    agent = SiteAgent.objects.select_for_update(of=("self",)).select_related("site").get(pk=signed_with.agent_id)
    check_still_in_force(signed_with, at=at)
    return agent


def _introduced(key: AgentKey, *, until: datetime | None) -> dict[str, Any]:
    return {"fingerprint": key.fingerprint, "old_not_after": until.isoformat() if until else None}


def _check_proof(*, agent: SiteAgent, public_key: str, proof: str) -> None:
    try:
        keys.decoded(public_key).verify(base64.b64decode(proof, validate=True), keys.proof_text(agent.pk, public_key))
    except (ValueError, InvalidSignature) as error:
        raise DomainError(
            "key_proof_invalid",
            _("The proof is not the new key's signature over the agent's id and that key. Send a right one."),
            status=422,
        ) from error


def _check_newest(signed_with: AgentKey) -> None:
    """Whoever holds a key that a newer one has replaced may neither introduce nor revoke."""
    newer = AgentKey.objects.filter(agent=signed_with.agent_id, pk__gt=signed_with.pk, revoked_at__isnull=True)
    if newer.filter(last_used_at__isnull=False).exists():
        raise DomainError(
            "key_superseded", _("A newer key of this agent is in use. Sign this request with it."), status=403
        )


@transaction.atomic
def revoke_own_key(*, signed_with: AgentKey, fingerprint: str, at: datetime) -> dict[str, Any]:
    """An agent takes another key of its own out of use at once. Said again it changes nothing."""
    agent = _locked(signed_with, at=at)
    key = AgentKey.objects.filter(agent=agent, fingerprint=fingerprint).first()
    if key is None:
        raise DomainError("key_unknown", _("This agent has no key of that name."), status=404)
    if hmac.compare_digest(key.public_key, signed_with.public_key):
        raise DomainError("key_in_use", _("A key cannot revoke itself. Sign this request with another one."))
    _check_newest(signed_with)
    if key.revoked_at is None:
        _revoke(agent, key, actor=None, at=at)
        key.refresh_from_db()
    return {"fingerprint": key.fingerprint, "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None}


@transaction.atomic
def revoke_key(*, key: AgentKey, actor: User, at: datetime) -> None:
    """A person takes one key of an agent out of use at once, for instance since it was stolen."""
    require(actor, Action.OPERATE_SITE, site_slug=key.agent.site.slug)
    agent = SiteAgent.objects.select_for_update(of=("self",)).select_related("site").get(pk=key.agent_id)
    key = AgentKey.objects.get(pk=key.pk)
    if key.revoked_at is None:
        _revoke(agent, key, actor=actor, at=at)


def _revoke(agent: SiteAgent, key: AgentKey, *, actor: User | None, at: datetime) -> None:
    AgentKey.objects.filter(pk=key.pk).update(revoked_at=at)
    left = AgentKey.objects.filter(in_force(at=at), agent=agent).order_by("-pk").first()
    if left is not None:
        # An older key that was to end goes on, since the newer one is gone.
        AgentKey.objects.filter(pk=left.pk, pk__lt=key.pk).update(not_after=None)
        SiteAgent.objects.filter(pk=agent.pk).exclude(public_key=left.public_key).update(public_key=left.public_key)
    audit.record(actor=actor, action="site.key_revoked", target=agent, site=agent.site.slug, key=key.fingerprint)


@transaction.atomic
def ask_for_new_key(*, agent: SiteAgent, by: datetime, actor: User, at: datetime) -> None:
    """Sets the day after which the agent's present key is no longer accepted; the agent hears of it and replaces it."""
    require(actor, Action.OPERATE_SITE, site_slug=agent.site.slug)
    if by <= at:
        raise DomainError("in_the_past", _("Choose a moment in the future, or revoke the key at once."), field="by")
    newest = AgentKey.objects.filter(in_force(at=at), agent=agent).order_by("-pk").first()
    if newest is None:
        raise DomainError("no_key", _("This agent has no key in force. Enrol it again with a new code."))
    AgentKey.objects.filter(Q(not_after__isnull=True) | ~Q(not_after=by), pk=newest.pk).update(not_after=by)
    audit.record(
        actor=actor,
        action="site.key_to_be_replaced",
        target=agent,
        site=agent.site.slug,
        key=newest.fingerprint,
        by=by.isoformat(),
    )


def agents_without_newest_key(*, name: str, since: datetime) -> list[SiteAgent]:
    """Agents seen lately that do not say they trust the portal's newest key, whose short name is given."""
    lately = SiteAgent.objects.filter(revoked_at__isnull=True, last_seen_at__gte=since).select_related("site")
    return [agent for agent in lately if name not in (portal_keys.trusted_by(agent.description) or ())]


def note_portal_key(*, action: str, name: str, **data: Any) -> None:
    """Writes into the audit record that the portal's own key has changed."""
    for agent in SiteAgent.objects.filter(revoked_at__isnull=True):
        audit.record(actor=None, action=action, target=agent, site=agent.site.slug, key=name, **data)


def replace_by(key: AgentKey, *, at: datetime) -> str | None:
    """Until when the agent must have replaced the key it signs with, where a person has set such a day."""
    newer = AgentKey.objects.filter(in_force(at=at), agent=key.agent_id, pk__gt=key.pk)
    return key.not_after.isoformat() if key.not_after is not None and not newer.exists() else None
