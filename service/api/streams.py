"""The streams: what is read, how far, and what was counted."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.api import documented
from service.api.answer import items, time_or_none, view_of
from service.store.commit import StreamCounts
from service.view import StreamStatus

router = APIRouter(prefix="/api/v1", tags=["service"])

_EXAMPLE = {
    "name": "lb",
    "hop": "lb",
    "format": "haproxy",
    "state": "reading",
    "text": "",
    "up": True,
    "lag_seconds": 0.2,
    "last_record_at": "2026-11-20T23:42:31.000Z",
    "clock_offset_seconds": -0.4,
    "position": {"/var/log/haproxy.log": 1048576},
    "counts": {
        "lines": 81214,
        "bytes": 9012345,
        "candidates": 412,
        "failures": 409,
        "unrecognized": 3,
        "dropped": 0,
        "dropped_by_cause": {},
        "late": 0,
    },
}


@router.get(
    "/streams",
    summary="Each stream: its state, how far it is read, what was counted",
    description="Counts are committed values since the stream was first seen; they survive restarts.",
    responses=documented.answer(documented.a_list(_EXAMPLE), "All configured streams, in path order."),
)
def streams(request: Request) -> Response:
    return items([_shown(stream) for stream in view_of(request).streams()])


def _shown(stream: StreamStatus) -> dict[str, Any]:
    return {
        "name": stream.name,
        "hop": stream.hop,
        "format": stream.format,
        "state": stream.state,
        "text": stream.text,
        "up": stream.is_up,
        "lag_seconds": stream.lag_seconds,
        "last_record_at": time_or_none(stream.last_record_at),
        "clock_offset_seconds": stream.clock_offset_seconds,
        "position": stream.position,
        "counts": _counts(stream.counts),
    }


def _counts(counts: StreamCounts) -> dict[str, Any]:
    return {
        "lines": counts.lines,
        "bytes": counts.bytes,
        "candidates": counts.candidates,
        "failures": counts.failures,
        "unrecognized": counts.unrecognized,
        "dropped": sum(counts.dropped.values()),
        "dropped_by_cause": counts.dropped,
        "late": counts.late,
    }
