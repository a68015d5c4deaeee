"""Errors as ``application/problem+json`` (RFC 9457): what happened, what was expected, the way out."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Send

from service.errors import StoreError

MEDIA_TYPE: Final = "application/problem+json"
LONGEST_ECHO: Final = 120
"""Characters of a caller's own text that an answer repeats."""


class ProblemError(Exception):
    """Raised by a route; answered as a problem document."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra or {}


def document(status: int, detail: str, instance: str, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``type`` is ``about:blank``: the status says what it is, ``title`` is its phrase (RFC 9457 section 4.2.1)."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance[:LONGEST_ECHO],
        **(extra or {}),
    }


def response(
    status: int,
    detail: str,
    instance: str,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    body = orjson.dumps(_encodable(document(status, detail, instance, extra)))
    return Response(body, status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


async def send(out: Send, status: int, detail: str, instance: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """The same straight into an ASGI ``send``, for what refuses a request before any route sees it."""
    body = orjson.dumps(_encodable(document(status, detail, instance)))
    start = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()), *headers]
    await out({"type": "http.response.start", "status": status, "headers": start})
    await out({"type": "http.response.body", "body": body})


def install(app: FastAPI) -> None:
    """Makes every error of ``app`` a problem document, those of the framework included."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(StoreError, _on_store)


def shown(value: object) -> str:
    """A caller's value as it may be repeated to him: one line, bounded."""
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_ECHO else text[: LONGEST_ECHO - 1] + "…"


def plainly(errors: Sequence[Any], known: Sequence[str] = ()) -> list[dict[str, str]]:
    """pydantic's errors in plain words: where, and what was given and expected. At most 20.

    ``known`` are the names there are, told to who uses another.
    """
    return [_invalid(error, known) for error in errors[:20]]


async def _on_problem(request: Request, error: Exception) -> Response:
    problem = cast(ProblemError, error)
    return response(problem.status, problem.detail, request.url.path, problem.headers, problem.extra)


async def _on_http(request: Request, error: Exception) -> Response:
    http = cast(HTTPException, error)
    detail = str(http.detail)
    if http.status_code == 404:
        detail = (
            "There is nothing at this path. /openapi.json lists all paths; the API is under /api/v1/, the page at /."
        )
    elif http.status_code == 405:
        allowed = (http.headers or {}).get("Allow", "another method")
        detail = f"{request.method} does not work here; use {allowed}."
    return response(http.status_code, detail, request.url.path, http.headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    problems = plainly(cast(RequestValidationError, error).errors(), _parameters(request))
    detail = "; ".join(f"{one['where']}: {one['problem']}" for one in problems)
    return response(422, detail, request.url.path, extra={"errors": problems})


async def _on_store(request: Request, error: Exception) -> Response:
    return response(503, str(error), request.url.path, {"Retry-After": "5"})


def _parameters(request: Request) -> list[str]:
    """The names of the route's query parameters, or of its body's fields, as its documentation has them."""
    operation = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    if request.method == "GET":
        return [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return list(request.app.openapi()["components"]["schemas"][reference.rpartition("/")[2]]["properties"])


def _invalid(error: Mapping[str, Any], known: Sequence[str]) -> dict[str, str]:
    place = shown(".".join(str(part) for part in error["loc"] if part not in {"query", "path", "body"}) or "body")
    if error["type"] == "extra_forbidden":
        return {"where": place, "problem": f"there is no such name; there are {', '.join(known)}"}
    if error["type"] == "missing":
        return {"where": place, "problem": "is required"}
    text = str(error["msg"]).removeprefix("Value error, ")
    given = error.get("input")
    if isinstance(given, str | int | float) and shown(given) not in text:
        text = f'"{shown(given)}": {text[:1].lower()}{text[1:]}'
    return {"where": place, "problem": text}


def _encodable(value: Any) -> Any:
    """Lone surrogates (from a percent-decoded path, say) would fail the answer itself."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _encodable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    return value
