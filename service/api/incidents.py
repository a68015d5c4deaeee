"""``incidents``: the list, one with its records, and what happened in order."""

import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from service.api import documented, failures
from service.api.answer import items, json, view_of
from service.api.incident_timeline import CHANGE_MARGIN_SECONDS, events, span_of
from service.api.parameters import Cursor, Host, IncidentState, Limit, Span, asking, known_stream
from service.api.peaks import peaks
from service.api.problem import ProblemError, shown
from service.view import View

router = APIRouter(prefix="/api/v1", tags=["incidents"])

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "i-20261120-234222-lb",
    "revision": 3,
    "state": "open",
    "merged_into": None,
    "started_at": "2026-11-20T23:42:22.000Z",
    "detected_at": "2026-11-20T23:42:25.000Z",
    "resolved_at": None,
    "first": {
        "stream": "lb",
        "hop": "lb",
        "host": "api.shop.example",
        "onset": "2026-11-20T23:42:22.000Z",
        "onset_between": ["2026-11-20T23:42:21.000Z", "2026-11-20T23:42:22.000Z"],
        "confidence": 0.97,
        "tie_with": [],
    },
    "hosts": ["api.shop.example"],
    "failures": 1873,
    "peers": 212,
    "peers_estimated": False,
    "spikes": [
        {
            "stream": "lb",
            "hop": "lb",
            "host": "api.shop.example",
            "direction": "downstream",
            "family": "certificate",
            "reason": "expired",
            "onset": "2026-11-20T23:42:22.000Z",
            "detected_at": "2026-11-20T23:42:25.000Z",
            "ended_at": None,
            "failures": 1873,
            "peers": 212,
            "peak_per_second": 14.0,
            "baseline_per_second": 0.002,
        }
    ],
    "verdict": {
        "summary": "lb broke first, 23:42:22 UTC, api.shop.example: clients reject its certificate as expired",
        "leg": "client -> lb",
        "fix_at": "lb",
        "confidence": 0.97,
        "provisional": False,
        "because": ["1873 clients sent the alert certificate_expired (45) to lb"],
        "steps": ["openssl s_client -connect api.shop.example:443 -servername api.shop.example </dev/null"],
        "cleared": [{"stream": "edge", "why": "had traffic and no change"}],
        "unseen": [{"stream": "mesh", "why": "silent since 23:10"}],
    },
}
_NOT_FOUND: Final = 'There is no incident "x"; /api/v1/incidents lists them (old ones go with the retention).'
_LONG_ID: Final = "id: string should have at most 200 characters"
_Id = Annotated[str, Path(max_length=200, description="The incident's id; it never changes.")]


class Asked(Span):
    state: Annotated[IncidentState | None, Field(description="Both if left out.")] = None
    host: Annotated[Host | None, Field(description="Those that touched this server name.")] = None
    stream: Annotated[str | None, Field(max_length=256, description="Those that this stream took part in.")] = None
    cursor: Cursor = None
    limit: Limit = 50


@router.get(
    "/incidents",
    summary="Incidents, latest start first",
    description="With `from` and `to`: those that lasted into that range.",
    responses=documented.answer(
        documented.a_list(_EXAMPLE),
        "The contract's incident objects.",
        problems={422: documented.INVALID, 503: documented.NO_STORE},
    ),
)
def incidents(request: Request, asked: Annotated[Asked, Query()]) -> Response:
    view = view_of(request)
    known_stream(view, asked.stream)
    with asking():
        found, cursor = view.queries.incidents(
            asked.state, asked.host, asked.stream, asked.from_, asked.to, cursor=asked.cursor, limit=asked.limit
        )
    return items(found, cursor)


@router.get(
    "/incidents/{id}",
    summary="One incident, with records that prove it",
    description="One that was merged into another says so in `merged_into`.",
    responses=documented.answer(
        {**_EXAMPLE, "evidence": [failures.EXAMPLE]},
        "The incident, and in `evidence` the first records of each of its spikes.",
        problems={404: _NOT_FOUND, 422: _LONG_ID, 503: documented.NO_STORE},
    ),
)
def incident(request: Request, id: _Id) -> Response:
    view = view_of(request)
    return json({**_found(view, id), "evidence": view.queries.incident_evidence(id)})


@router.get(
    "/incidents/{id}/timeline",
    summary="What happened, in order",
    description="Onset, peak and recovery of each spike, and the changes that were told of from half an hour before.",
    responses=documented.answer(
        documented.a_list(
            {
                "at": "2026-11-20T23:42:22.000Z",
                "kind": "onset",
                "stream": "lb",
                "hop": "lb",
                "host": "api.shop.example",
                "reason": "expired",
                "text": "begins: certificate/expired downstream, up to 14/s where 0.002/s is normal",
            }
        ),
        "kind is onset, peak, change or recovery.",
        problems={404: _NOT_FOUND, 422: _LONG_ID, 503: documented.NO_STORE},
    ),
)
def incident_timeline(request: Request, id: _Id) -> Response:
    view = view_of(request)
    document = _found(view, id)
    now = time.time()
    begin, end = span_of(document, now)
    with asking():
        marks, _ = view.queries.marks(begin - CHANGE_MARGIN_SECONDS, end + CHANGE_MARGIN_SECONDS, limit=500)
        highest = peaks(view.queries, document, now)
    hops = {stream.name: stream.hop for stream in view.streams()}
    return items(events(document, marks, highest, hops))


def _found(view: View, id: str) -> dict[str, Any]:
    document = view.queries.incident(id)
    if document is None:
        raise ProblemError(
            404, f'There is no incident "{shown(id)}"; /api/v1/incidents lists them (old ones go with the retention).'
        )
    return document
