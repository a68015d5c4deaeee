"""``GET failures``: the records kept as evidence."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from service.api import documented
from service.api.answer import items, view_of
from service.api.parameters import Cursor, Limit, Narrowing, asking

router = APIRouter(prefix="/api/v1", tags=["data"])

EXAMPLE: Final[dict[str, Any]] = {
    "time": "2026-11-20T23:42:22.118Z",
    "stream": "lb",
    "hop": "lb",
    "host": "api.shop.example",
    "sni_sent": True,
    "peer": "192.0.2.9:51123",
    "direction": "downstream",
    "family": "certificate",
    "reason": "expired",
    "rejected_by": "peer",
    "protocol": "TLSv1.3",
    "cipher": None,
    "alert": 45,
    "code": "0A000415",
    "message": "SSL handshake failure (error:0A000415:SSL routines::sslv3 alert certificate expired)",
    "raw": "192.0.2.9:51123 [20/Nov/2026:23:42:22.118] fe_https/1: SSL handshake failure (error:0A000415:...)",
    "format": "haproxy",
}


class Asked(Narrowing):
    text: Annotated[str | None, Field(max_length=200, description="Looked for in message and raw.")] = None
    cursor: Cursor = None
    limit: Limit = 100


@router.get(
    "/failures",
    summary="Failure records, newest first",
    description="Of a storm only some records are kept; `/api/v1/timeline` and `/metrics` have the exact counts. "
    "Secrets are masked.",
    responses=documented.answer(
        documented.a_list(EXAMPLE),
        "The contract's Failure objects.",
        problems={422: documented.INVALID, 503: documented.NO_STORE},
    ),
)
def failures(request: Request, asked: Annotated[Asked, Query()]) -> Response:
    view = view_of(request)
    filters = asked.filters(view)
    with asking():
        found, cursor = view.queries.failures(
            filters, asked.text, asked.from_, asked.to, cursor=asked.cursor, limit=asked.limit
        )
    return items(found, cursor)
