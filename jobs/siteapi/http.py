"""What every call of the protocol has in common: limits, authentication, problem documents."""

import errno
import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from jobs.models import SiteAgent
from jobs.siteapi import services
from jobs.siteapi.signatures import authenticate, claimed_agent
from models_hub.specs import SpecError
from portal.kernel.clock import now
from portal.kernel.errors import DomainError

logger = logging.getLogger(__name__)

MAX_BODY = 4 * 1024 * 1024

Call = Callable[..., HttpResponseBase]


def site_call(
    *methods: str, signed: bool = True, with_key: bool = False, max_body: int = MAX_BODY
) -> Callable[[Call], Call]:
    """Wraps a view of the protocol: `view(request, body, agent, …)`, or `view(request, body, …)` when not signed.

    `with_key` gives it the key that signed as well: `view(request, body, agent, signed_with, …)`.
    """

    def wrap(view: Call) -> Call:
        @csrf_exempt
        @wraps(view)
        def answer(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            try:
                if "\0" in request.path_info:
                    raise DomainError("address_unknown", _("There is no such address; it is damaged."), status=404)
                if request.method not in methods:
                    raise DomainError("method_not_allowed", _("This address does not know that method."), status=405)
                body = read_body(request, most=max_body)
                if signed:
                    key = authenticate(request, body, at=now())
                    kwargs |= {"agent": key.agent, "signed_with": key} if with_key else {"agent": key.agent}
                response = view(request, body=body, **kwargs)
            except Exception as error:
                response = refusal(error)
                _write_down(request, error, kwargs.get("agent"))
                if response.status_code == 405:
                    response["Allow"] = ", ".join(methods)
            response["Cache-Control"] = "no-store"
            return response

        answer.answers_machines = True  # type: ignore[attr-defined]
        return answer

    return wrap


def read_body(request: HttpRequest, *, most: int) -> bytes:
    """The body, read from the stream and never more of it than allowed, whatever length was announced."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    try:
        body = request.read(most + 1) if announced.isdigit() and int(announced) <= most else b" " * (most + 1)
    except UnreadablePostError as error:
        raise DomainError("body_cut", _("The message ended too early. Send it again."), status=400) from error
    if len(body) > most:
        raise DomainError(
            "body_too_large",
            _("A message holds at most %(size)d bytes. Send it in pieces.") % {"size": most},
            status=413,
        )
    if len(body) < int(announced):
        raise DomainError("body_cut", _("The message ended too early. Send it again."), status=400)
    return body


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. NaN, infinities and what PostgreSQL cannot keep are taken out."""
    try:
        value = json.loads(body, parse_constant=lambda name: None)
    except (ValueError, RecursionError) as error:
        raise DomainError("not_json", _("The body is not JSON."), status=400) from error
    if not isinstance(value, dict):
        raise DomainError("not_json", _("A JSON object is expected."), status=400)
    cleaned: dict[str, Any] = clean(value)
    return cleaned


def clean(value: Any) -> Any:
    """Replaces NUL and lone surrogates by question marks; lengths in bytes stay what they were for NUL."""
    if isinstance(value, str):
        if "\0" in value:
            value = value.replace("\0", "?")
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


def _write_down(request: HttpRequest, error: Exception, proven: SiteAgent | None) -> None:
    """Refusals stand on the page of the site's operators, those that speak of bad intent in the audit record as well.

    `proven` is the agent whose signature held, if it came that far. That this fails changes no answer.
    """
    if not isinstance(error, DomainError | SpecError):
        return
    code = error.code if isinstance(error, DomainError) else "malformed"
    try:
        agent = proven or claimed_agent(request)
        if agent is not None:
            name = (request.resolver_match.url_name if request.resolver_match else None) or ""
            services.note_refusal(agent=agent, call=name, problem=code, proven=proven is not None, at=now())
            if services.suspicious(code):
                services.write_down_refusal(agent=agent, call=f"{request.method} {name}", code=code, at=now())
    except DatabaseError:
        logger.exception("A refusal could not be written down")


def refusal(error: Exception) -> HttpResponse:
    """Any error as an RFC 9457 problem document; what was not foreseen is logged and says no more than that."""
    if isinstance(error, DomainError):
        return problem(status=error.status, code=error.code, detail=str(error.sentence))
    if isinstance(error, SpecError):
        return problem(status=400, code="malformed", detail=error.sentence, field=error.field)
    if isinstance(error, OperationalError | InterfaceError):
        response = problem(status=503, code="unavailable", detail=_("The portal's database is away. Try again soon."))
        response["Retry-After"] = "10"
        return response
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        response = problem(status=507, code="portal_full", detail=_("The portal's disk is full. Try again later."))
        response["Retry-After"] = "60"
        return response
    logger.error("The site protocol failed", exc_info=error)
    return problem(
        status=500, code="internal", detail=_("The portal made a mistake. Send the same message again later.")
    )


def problem(*, status: int, code: str, detail: str, **extra: Any) -> JsonResponse:
    """`type` is a stable urn with the machine code; `detail` is the sentence for people."""
    body = {"type": f"urn:open-paas:problem:{code}", "title": code, "status": status, "detail": detail, **extra}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def lease_token(request: HttpRequest) -> str:
    return request.headers.get("Lease-Token", "")
