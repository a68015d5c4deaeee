"""``changes``: deployments, rotations, policy changes; what people and deploy hooks tell us happened."""

import time
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field

from parsers.masking import mask
from service.api import documented
from service.api.answer import items, json, view_of
from service.api.parameters import Cursor, Host, Limit, Span, Strict, Time, asking, known_stream
from service.api.problem import ProblemError
from service.store.commit import Mark
from service.times import rfc3339

router = APIRouter(prefix="/api/v1", tags=["data"])

FARTHEST_AHEAD_SECONDS: Final = 366 * 86_400.0
_EXAMPLE: Final[dict[str, Any]] = {
    "at": "2026-11-20T23:42:10.000Z",
    "kind": "certificate",
    "what": "rotated the listener's certificate",
    "stream": "lb",
    "host": "api.shop.example",
    "url": "https://ci.example/run/812",
}


def _one_line(value: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if not text:
        raise ValueError("is empty")
    return text


def _link(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc or not value.isprintable() or " " in value:
        raise ValueError("is no http or https address")
    if "@" in parts.netloc:
        raise ValueError("holds a user name or password; leave it out")
    return value


class Asked(Span):
    stream: Annotated[str | None, Field(max_length=256, description="Those of this stream, and those of none.")] = None
    cursor: Cursor = None
    limit: Limit = 100


class Told(Strict):
    at: Annotated[Time | None, Field(description="When; now if left out. RFC 3339 or relative.", examples=["-5m"])] = (
        None
    )
    kind: Annotated[
        str,
        Field(max_length=64, description="deployment, certificate, policy ..."),
        AfterValidator(_one_line),
    ]
    what: Annotated[str, Field(max_length=500, description="One line."), AfterValidator(_one_line)]
    stream: Annotated[str | None, Field(max_length=256)] = None
    host: Host | None = None
    url: Annotated[
        Annotated[str, Field(max_length=2048), AfterValidator(_link)] | None, Field(description="More about it.")
    ] = None


@router.get(
    "/changes",
    summary="Changes, latest first",
    responses=documented.answer(
        documented.a_list(_EXAMPLE), "Markers.", problems={422: documented.INVALID, 503: documented.NO_STORE}
    ),
)
def changes(request: Request, asked: Annotated[Asked, Query()]) -> Response:
    view = view_of(request)
    known_stream(view, asked.stream)
    with asking():
        found, cursor = view.queries.marks(asked.from_, asked.to, asked.stream, cursor=asked.cursor, limit=asked.limit)
    return items([shown(mark) for mark in found], cursor)


@router.post(
    "/changes",
    summary="Tell of a change",
    description="For deploy hooks and people; it is stored when the answer comes, and shows on timelines. "
    "Secrets and the query values of addresses are masked.",
    status_code=201,
    responses=documented.answer(
        _EXAMPLE,
        "Stored.",
        status=201,
        problems={
            403: "A write from another web site is refused (Origin or Sec-Fetch-Site says so). Send it without.",
            413: "The body has more than the 1048576 bytes allowed. Send it in parts.",
            422: "body.what: is required",
            503: documented.NO_STORE,
        },
    ),
    openapi_extra={"requestBody": {"content": {"application/json": {"example": _EXAMPLE}}}},
)
def tell(request: Request, told: Told) -> Response:
    view = view_of(request)
    known_stream(view, told.stream)
    now = time.time()
    at = now if told.at is None else told.at
    if not 0 <= at <= now + FARTHEST_AHEAD_SECONDS:
        raise ProblemError(422, f"at: {rfc3339(at)} lies before 1970 or more than a year ahead.")
    # A pasted command or a signed link may hold a secret; what is stored is shown to everyone who may look.
    mark = Mark(at, mask(told.kind), mask(told.what), told.stream, told.host, told.url and mask(told.url))
    try:
        view.add_mark(mark)
    except TimeoutError as late:
        raise ProblemError(
            503, "The store did not take the change in time; ask for /api/v1/changes before you send it again."
        ) from late
    return json(shown({name: getattr(mark, name) for name in mark.__struct_fields__}), 201)


def shown(mark: dict[str, Any]) -> dict[str, Any]:
    """A stored marker as the contract shows it."""
    return {**mark, "at": rfc3339(mark["at"])}
