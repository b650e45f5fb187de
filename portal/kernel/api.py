"""API answers for refusals: RFC 9457 problem documents, whatever raised them."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from portal.kernel.errors import DomainError


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: a DomainError or DRF error becomes `application/problem+json`; others stay errors."""
    if isinstance(exc, DomainError):
        return problem(status=exc.status, code=exc.code, detail=exc.sentence)
    response = exception_handler(exc, context)
    if response is None:
        return None
    detail = response.data.get("detail", response.data) if isinstance(response.data, dict) else response.data
    code = getattr(exc, "default_code", "error")
    return problem(status=response.status_code, code=str(code), detail=str(detail))


def problem(*, status: int, code: str, detail: str, **extra: Any) -> Response:
    """A problem document. `type` is a stable urn with the machine code; `detail` is the sentence for people."""
    body = {"type": f"urn:open-paas:problem:{code}", "title": code, "status": status, "detail": detail, **extra}
    return Response(body, status=status, content_type="application/problem+json")
