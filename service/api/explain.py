"""``POST explain``: what a pasted record is, why, whose fault, and where the fix belongs."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from service.api import documented
from service.api.answer import items, view_of
from service.api.problem import ProblemError, plainly
from service.view import UnknownNameError

router = APIRouter(prefix="/api/v1", tags=["incidents"])

_RECORD = (
    "Nov 20 23:42:22 lb1 haproxy[812]: 192.0.2.9:51123 [20/Nov/2026:23:42:22.118] fe_https/1: "
    "SSL handshake failure (error:0A000415:SSL routines::sslv3 alert certificate expired)"
)
_EXAMPLE: dict[str, Any] = {
    "failure": True,
    "time": "2026-11-20T23:42:22.118Z",
    "stream": "explain",
    "hop": "lb",
    "host": None,
    "sni_sent": None,
    "peer": "192.0.2.9:51123",
    "direction": "downstream",
    "family": "certificate",
    "reason": "expired",
    "rejected_by": "peer",
    "protocol": None,
    "cipher": None,
    "alert": 45,
    "code": "0A000415",
    "message": "SSL handshake failure (error:0A000415:SSL routines::sslv3 alert certificate expired)",
    "raw": _RECORD,
    "format": "haproxy",
    "count": 1,
    "meaning": "The certificate that the load balancer shows is past its end date.",
    "envelopes": ["syslog"],
    "matched": [
        {
            "text": "sslv3 alert certificate expired",
            "stack": "openssl",
            "reason": "expired",
            "rank": 3,
            "source": "OpenSSL SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED",
            "won": True,
        }
    ],
    "matched_why": '"sslv3 alert certificate expired" (openssl) decided: an alert received (rank 3)',
    "verdict": {
        "summary": "the client says that the certificate of lb has expired; renew it at lb",
        "leg": "client -> lb",
        "fix_at": "lb",
        "confidence": 0.95,
        "because": ["the far end sent the alert certificate_expired (45)"],
        "steps": ["openssl s_client -connect HOST:443 -servername HOST </dev/null | openssl x509 -noout -dates"],
    },
}


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, description="One record or several; also a pasted `curl -v`.")]
    hop: Annotated[str | None, Field(description="edge, lb, ingress, mesh or app: who logged it.")] = None
    format: Annotated[str | None, Field(description="A format's name; without it the text is recognised.")] = None


@router.post(
    "/explain",
    summary="What is this error, and whose fault is it?",
    description="The body is JSON, or the text itself as `text/plain` (then with `?hop=` and `?format=`). "
    "Nothing of it is stored.",
    responses=documented.answer(
        documented.a_list(_EXAMPLE),
        "One object a record, in order.",
        problems={413: "The body has more than the 1048576 bytes allowed. Send it in parts.", 422: "text: is required"},
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": Question.model_json_schema(),
                    "example": {"text": _RECORD, "hop": "lb"},
                },
                "text/plain": {"schema": {"type": "string"}, "example": _RECORD},
            },
        }
    },
)
async def explain(request: Request) -> Response:
    question = await _question(request)
    view = view_of(request)
    try:
        found = await run_in_threadpool(view.explain, question.text, question.hop, question.format)
    except UnknownNameError as unknown:
        raise ProblemError(422, str(unknown)) from unknown
    return items(found)


async def _question(request: Request) -> Question:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    try:
        if kind == "text/plain":
            text = body.decode("utf-8", "replace")
            given = {name: request.query_params.get(name) for name in ("hop", "format")}
            return Question(text=text, **given)
        if kind in {"application/json", ""}:
            return Question.model_validate_json(body)
    except ValidationError as invalid:
        problems = plainly(invalid.errors(), list(Question.model_fields))
        detail = "; ".join(f"{one['where']}: {one['problem']}" for one in problems)
        raise ProblemError(422, detail, extra={"errors": problems}) from invalid
    raise ProblemError(415, 'Send {"text": "..."} as application/json, or the text itself as text/plain.')
