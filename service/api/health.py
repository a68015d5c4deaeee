"""Is it alive, is it ready, and its metrics."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from service import metrics
from service.api import documented, problem
from service.api.answer import json, view_of
from service.metrics import version
from service.view import Readiness, StreamStatus

router = APIRouter(tags=["service"])

_METRICS_EXAMPLE = (
    "# HELP handspike_incidents_open Incidents not over yet; /api/v1/incidents?state=open tells them.\n"
    "# TYPE handspike_incidents_open gauge\n"
    "handspike_incidents_open 1.0\n"
)


@router.get(
    "/healthz",
    summary="Is the process alive?",
    responses=documented.answer({"status": "ok", "version": "0.1.0"}, "It answers, so it is."),
)
async def healthz() -> Response:
    return json({"status": "ok", "version": version()})


@router.get(
    "/readyz",
    summary="Is it reading and storing?",
    description="503 only while starting, draining or without a usable store. Failing streams are listed, with 200: "
    "the others go on. Where a token is set, only who sends it sees the lists.",
    responses=documented.answer(
        {
            "ready": True,
            "phase": "ready",
            "text": "",
            "failing": [{"name": "lb", "state": "failed", "text": "/var/log/haproxy.log: Permission denied"}],
            "waiting": [{"name": "edge", "state": "waiting", "text": "/var/log/nginx/error.log is not there yet"}],
        },
        "Ready.",
        problems={503: "starting: reading the stored state"},
    ),
)
def readyz(request: Request) -> Response:
    view = view_of(request)
    readiness = view.ready()
    streams = view.streams() if getattr(request.state, "authorized", False) else []
    body = {
        "ready": readiness.is_ready,
        "phase": readiness.phase,
        "text": readiness.text,
        "failing": [_listed(stream) for stream in streams if stream.state == "failed"],
        "waiting": [_listed(stream) for stream in streams if stream.state == "waiting"],
    }
    if readiness.is_ready:
        return json(body)
    return problem.response(503, _why(readiness), request.url.path, {"Retry-After": "2"}, extra=body)


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    description="Committed values only. OpenMetrics for who asks for it in Accept.",
    response_class=PlainTextResponse,
    responses={200: {"description": "Text.", "content": {"text/plain": {"example": _METRICS_EXAMPLE}}}},
)
def prometheus(request: Request) -> Response:
    body, content_type = metrics.render(view_of(request), request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type})


def _listed(stream: StreamStatus) -> dict[str, str]:
    return {"name": stream.name, "state": stream.state, "text": stream.text}


def _why(readiness: Readiness) -> str:
    phase = readiness.phase.replace("_", " ")
    return f"{phase}: {readiness.text}" if readiness.text else phase
