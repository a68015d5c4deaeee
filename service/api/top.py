"""``GET top``: the largest groups in a time range."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api import documented
from service.api.answer import items, view_of
from service.api.parameters import Grouping, Limit, Narrowing, asking

router = APIRouter(prefix="/api/v1", tags=["data"])


class Asked(Narrowing):
    by: Grouping = "host"
    limit: Limit = 20


@router.get(
    "/top",
    summary="The largest groups of failures in a time range",
    description="Of the last hour unless `from` and `to` say otherwise. `by` in the answer is the group's name.",
    responses=documented.answer(
        documented.a_list({"by": "api.shop.example", "failures": 1873}),
        "Largest first.",
        problems={422: "by: \"hosts\": input should be 'stream', 'hop', 'host' ...", 503: documented.NO_STORE},
    ),
)
def top(request: Request, asked: Annotated[Asked, Query()]) -> Response:
    view = view_of(request)
    begin, to = asked.bounds()
    filters = asked.filters(view)
    with asking():
        groups = view.queries.top(asked.by, begin, to, filters, asked.limit)
    return items([{"by": name, "failures": failures} for name, failures in groups])
