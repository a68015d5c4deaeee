"""Answers as JSON bytes, without going through a model: documents leave the store as they go to the client."""

import json as standard_json
from typing import Any

import msgspec
import orjson
from fastapi import Request, Response

from service.times import rfc3339
from service.view import View


def json(value: Any, status: int = 200) -> Response:
    """``value`` as JSON; msgspec structs too."""
    try:
        body = orjson.dumps(value, default=msgspec.to_builtins)
    except TypeError:  # orjson refuses lone surrogates and huge integers; the standard library writes them
        body = standard_json.dumps(value, default=msgspec.to_builtins).encode()
    return Response(body, status_code=status, media_type="application/json")


def items(found: list[Any], cursor: str | None = None) -> Response:
    """The shape of every list."""
    return json({"items": found, "next": cursor})


def view_of(request: Request) -> View:
    """The service that this request is about."""
    return request.app.state.view  # type: ignore[no-any-return]


def time_or_none(epoch: float | None) -> str | None:
    return None if epoch is None else rfc3339(epoch)
