"""The calls of site protocol v1. Thin: limits and signatures are checked around them, rules live in the services."""

import base64
import time
from threading import BoundedSemaphore
from typing import Any

from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _

from jobs.models import AgentKey, SiteAgent
from jobs.siteapi import keys, portal_keys, services
from jobs.siteapi.features import PROTOCOLS, common_protocol
from jobs.siteapi.http import lease_token, read_object, site_call
from jobs.siteapi.messages import read_models, read_sync
from jobs.siteapi.openapi import document
from jobs.siteapi.services.store import MAX_TOKENIZER
from jobs.siteapi.signatures import PresentedKey, verify
from models_hub.models import DatasetPart
from models_hub.specs.fields import Fields
from portal.kernel.clock import now
from portal.kernel.errors import DomainError

# A waiting agent holds a thread of this process; the pages keep the rest. Who finds no seat is answered at once.
WAITING_SEATS = BoundedSemaphore(6)
LOOK_EVERY = 0.25
BUSY_POLL_SECONDS = 2


@site_call("POST", signed=False)
def enrol(request: HttpRequest, body: bytes) -> HttpResponseBase:
    """`{"code", "public_key", "agent": {"name", "version"}}`, signed with that very key."""
    fields = Fields(read_object(body), "")
    public_key = fields.text("public_key", longest=100)
    try:
        key = keys.decoded(public_key)
    except ValueError as error:
        raise fields.error("public_key", "An Ed25519 public key in base64 is expected.") from error
    verify(request, body, PresentedKey(key))
    about = fields.object("agent")
    agent = services.enrol(
        code=fields.text("code", longest=100),
        public_key=public_key,
        name=about.text("name", longest=80),
        version=about.text("version", longest=40),
        at=now(),
    )
    return JsonResponse(
        {
            "agent_id": str(agent.pk),
            "site": agent.site.slug,
            "portal_public_key": keys.portal_public_key(),
            "protocol": PROTOCOLS[-1],
        },
        status=201,
    )


@site_call("POST")
def session(request: HttpRequest, body: bytes, agent: SiteAgent) -> HttpResponseBase:
    """`{"protocols", "version", "describe": {…, "models"}}` -> `{"epoch", …}`."""
    raw = read_object(body)
    fields = Fields(raw, "")
    protocol = common_protocol(raw.get("protocols"))
    describe = fields.object("describe")
    models = read_models(describe, "models")
    description = {name: value for name, value in describe.raw.items() if name != "models"}
    if len(str(description)) > 65_536:
        raise describe.error("describe", "The description is too long.")
    opened = services.open_session(
        agent=agent,
        description=description,
        models=models,
        version=fields.text("version", longest=40),
        at=now(),
    )
    return JsonResponse({**opened, "protocol": protocol})


@site_call("POST", with_key=True)
def new_key(request: HttpRequest, body: bytes, agent: SiteAgent, signed_with: AgentKey) -> HttpResponseBase:
    """`{"public_key", "proof"}`, signed with the key in use -> `{"fingerprint", "old_not_after"}`."""
    fields = Fields(read_object(body), "")
    introduced = services.introduce_key(
        signed_with=signed_with,
        public_key=fields.text("public_key", longest=100),
        proof=fields.text("proof", longest=100),
        at=now(),
    )
    return JsonResponse(introduced, status=201)


@site_call("DELETE", with_key=True)
def own_key(
    request: HttpRequest, body: bytes, agent: SiteAgent, signed_with: AgentKey, fingerprint: str
) -> HttpResponseBase:
    """Takes another key of this agent out of use at once."""
    return JsonResponse(services.revoke_own_key(signed_with=signed_with, fingerprint=fingerprint, at=now()))


@site_call("POST", with_key=True)
def sync(request: HttpRequest, body: bytes, agent: SiteAgent, signed_with: AgentKey) -> HttpResponseBase:
    """Reports up, work and wishes down. Waits up to `wait` seconds for something to say."""
    message = read_sync(read_object(body))
    services.check_epoch(agent, message.epoch)
    answer = services.take_reports(agent=agent, message=message, at=now())
    answer |= services.take_work(agent=agent, message=message, at=now())
    answer |= services.fresh_inputs(agent=agent, wanted=message.inputs_wanted, at=now())
    nothing = not (answer["work"] or answer["cancel"] or answer.get("inputs"))
    poll_after = 0
    if message.wait and nothing:
        if WAITING_SEATS.acquire(blocking=False):
            try:
                answer |= _wait_for_work(agent, signed_with, message, drain=answer["drain"])
            finally:
                WAITING_SEATS.release()
        else:
            poll_after = BUSY_POLL_SECONDS
    if agent.knows("keys"):
        answer["replace_key_by"] = services.replace_by(signed_with, at=now())
        answer["portal_key"] = portal_keys.newest_name()
    return JsonResponse({**answer, "time": now().isoformat(), "poll_after": poll_after})


def _wait_for_work(agent: SiteAgent, signed_with: AgentKey, message: Any, *, drain: bool | None) -> dict[str, Any]:
    """Looks four times a second. Between two looks this thread holds no transaction and no database connection."""
    give_up = time.monotonic() + message.wait
    found: dict[str, Any] = {"work": [], "cancel": [], "drain": drain}
    while time.monotonic() < give_up and not (found["work"] or found["cancel"]) and found["drain"] == drain:
        if not connection.in_atomic_block:
            connection.close()
        time.sleep(min(LOOK_EVERY, max(0.0, give_up - time.monotonic())))
        newest = SiteAgent.objects.filter(pk=agent.pk).values_list("epoch", "revoked_at").first()
        if newest is None or newest != (message.epoch, None):
            raise DomainError("stale_epoch", _("A newer session of this agent has begun."))
        services.check_still_in_force(signed_with, at=now())
        found = services.take_work(agent=agent, message=message, at=now())
    return found


@site_call("GET")
def attempt_input(request: HttpRequest, body: bytes, agent: SiteAgent, key: str, name: str) -> HttpResponseBase:
    """One part of the data of an attempt this agent holds; `Repr-Digest` says what it must be."""
    attempt = services.attempt_under_lease(agent=agent, key=key, token=lease_token(request))
    return _file(*services.input_of(attempt, name))


@site_call("GET")
def signed_input(request: HttpRequest, body: bytes, agent: SiteAgent, token: str) -> HttpResponseBase:
    """The same by an address made for this agent; it says by itself what it leads to."""
    return _file(*services.input_at_address(agent=agent, token=token, at=now()))


def _file(part: DatasetPart, sha256: str) -> HttpResponseBase:
    response = FileResponse(part.file.open("rb"), content_type="application/jsonl")
    response["Repr-Digest"] = f"sha-256=:{_base64_of(sha256)}:"
    return response


@site_call("GET")
def artefacts(request: HttpRequest, body: bytes, agent: SiteAgent, key: str) -> HttpResponseBase:
    attempt = services.attempt_under_lease(agent=agent, key=key, token=lease_token(request))
    return JsonResponse({"artefacts": services.list_artefacts(attempt)})


@site_call("PUT")
def artefact(request: HttpRequest, body: bytes, agent: SiteAgent, key: str, path: str) -> HttpResponseBase:
    """One piece of a result file: `?offset=…&bytes=…&sha256=…` of the whole file, the piece as the body."""
    attempt = services.attempt_under_lease(agent=agent, key=key, token=lease_token(request))
    try:
        offset, total = int(request.GET.get("offset", "0")), int(request.GET["bytes"])
    except (KeyError, ValueError) as error:
        raise DomainError("artefact_shape", _("Say offset, bytes and sha256 of the file."), status=400) from error
    answer = services.receive_chunk(
        attempt=attempt,
        path=path,
        offset=offset,
        total=total,
        sha256=request.GET.get("sha256", ""),
        content=body,
        at=now(),
    )
    return JsonResponse(answer)


@site_call("PUT", max_body=MAX_TOKENIZER)
def tokenizer(request: HttpRequest, body: bytes, agent: SiteAgent, slug: str) -> HttpResponseBase:
    """`{"tokenizer": "<tokenizer.json as text>", "config": {…}}`: what the portal counts tokens with."""
    fields = Fields(read_object(body), "")
    config = fields.raw.get("config")
    services.store_tokenizer(
        site=agent.site,
        slug=slug,
        content=fields.text("tokenizer", longest=MAX_TOKENIZER).encode(),
        config=config if isinstance(config, dict) else {},
    )
    return JsonResponse({"stored": True})


@site_call("GET", signed=False)
def openapi(request: HttpRequest, body: bytes) -> HttpResponseBase:
    """Every message with its fields and an example."""
    return JsonResponse(document())


@site_call("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", signed=False, max_body=MAX_TOKENIZER)
def unknown_address(request: HttpRequest, body: bytes, rest: str) -> HttpResponseBase:
    raise DomainError(
        "address_unknown", _("There is no such address. docs/site-protocol.md lists those there are."), status=404
    )


def _base64_of(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
