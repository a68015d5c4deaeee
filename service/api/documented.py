"""What OpenAPI says of an answer: its example, the schema which that example shows, and the errors to expect."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from service.api.problem import MEDIA_TYPE

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was expected, and the way out."},
        "instance": {"type": "string", "description": "The path that was asked for."},
    },
}
INVALID: Final = 'from: "yesterday" is no time; write an RFC 3339 time such as 2026-11-20T23:42:22Z, or -1h'
NO_STORE: Final = "The store can't be read now; its message says why."


def answer(example: Any, description: str, *, status: int = 200, problems: dict[int, str] | None = None) -> Any:
    """``responses`` of a route: the good answer, and the problem documents with their ``detail`` as example."""
    known: dict[int | str, dict[str, Any]] = {
        status: {
            "description": description,
            "content": {"application/json": {"schema": schema_of(example), "example": example}},
        }
    }
    for code, detail in (problems or {}).items():
        title = HTTPStatus(code).phrase
        shown = {"type": "about:blank", "title": title, "status": code, "detail": detail, "instance": "/api/v1/..."}
        known[code] = {
            "description": title,
            "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA, "example": shown}},
        }
    return known


def complete(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Puts the examples back as they were given: FastAPI leaves every null out of them."""
    generate = app.openapi
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            paths = generate()["paths"]
            for route in routes:
                for method in route.methods or ():
                    shown = paths[route.path_format][method.lower()]["responses"]
                    for code, response in route.responses.items():
                        shown[str(code)]["content"] = response["content"]
        return generate()

    app.openapi = document  # type: ignore[method-assign]


def a_list(of: Any) -> dict[str, Any]:
    """The example of a list answer."""
    return {"items": [of], "next": None}


def schema_of(example: Any) -> dict[str, Any]:
    """The JSON schema that an example shows: all its keys are always there, any plain value may also be null."""
    if isinstance(example, dict):
        properties = {str(name): schema_of(value) for name, value in example.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}
    if isinstance(example, list):
        return {"type": "array", "items": schema_of(example[0]) if example else {}}
    for kind, name in ((bool, "boolean"), (int | float, "number"), (str, "string")):
        if isinstance(example, kind):
            return {"type": [name, "null"]}
    return {}
