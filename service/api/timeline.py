"""``GET timeline``: failures over time, by one label."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from service.api import documented
from service.api.answer import json, view_of
from service.api.parameters import Grouping, Narrowing, Step, asking, step_for
from service.times import rfc3339

router = APIRouter(prefix="/api/v1", tags=["data"])


class Asked(Narrowing):
    step: Annotated[
        Step | None, Field(description="Width of one point: seconds, or 10s, 1m, 1h.", examples=["10s"])
    ] = None
    by: Grouping = "stream"


@router.get(
    "/timeline",
    summary="Failures over time",
    description="A point is `[start of its span, failures in it]`; spans without failures are left out. "
    "The step may come out coarser than asked: seconds are kept for two hours, minutes for two days, then hours. "
    "Of the last hour unless `from` and `to` say otherwise; a step is chosen if none is given.",
    responses=documented.answer(
        {
            "from": "2026-11-20T23:40:00.000Z",
            "to": "2026-11-20T23:45:00.000Z",
            "step_seconds": 10,
            "series": [
                {"by": "lb", "points": [["2026-11-20T23:42:20.000Z", 12], ["2026-11-20T23:42:30.000Z", 31]]},
                {"by": "app", "points": [["2026-11-20T23:42:30.000Z", 9]]},
            ],
        },
        "Largest series first, at most 50; the rest is `__other__`.",
        problems={422: documented.INVALID, 503: documented.NO_STORE},
    ),
)
def timeline(request: Request, asked: Annotated[Asked, Query()]) -> Response:
    view = view_of(request)
    begin, to = asked.bounds()
    filters = asked.filters(view)
    with asking():
        found = view.queries.timeline(begin, to, asked.step or step_for(begin, to), asked.by, filters)
    return json(
        {
            "from": rfc3339(begin),
            "to": rfc3339(to),
            "step_seconds": found.step,
            "series": [
                {"by": name, "points": [[rfc3339(at), failures] for at, failures in points]}
                for name, points in found.series
            ],
        }
    )
