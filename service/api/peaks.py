"""When each spike of an incident was at its worst, from the counts in the store."""

from collections.abc import Mapping
from typing import Any, Final

from service.store.queries import Filters, Queries
from service.times import parse

MOST_SPIKES: Final = 30
"""One query a spike; the spikes after these are told without a peak."""


def peaks(queries: Queries, incident: Mapping[str, Any], now: float) -> dict[int, tuple[float, int, int]]:
    """Index of a spike -> (start of its fullest span, failures in it, the span's seconds). Of equals the earliest.

    As fine as the store still keeps; a spike whose counts are gone has no entry.
    """
    found: dict[int, tuple[float, int, int]] = {}
    for index, spike in enumerate(incident["spikes"][:MOST_SPIKES]):
        begin = parse(spike["onset"], now)
        end = now if spike["ended_at"] is None else parse(spike["ended_at"], now)
        filters = Filters(
            stream=spike["stream"],
            host=spike["host"],
            family=spike["family"],
            reason=spike["reason"],
            direction=spike["direction"],
        )
        timeline = queries.timeline(begin, max(end, begin) + 1, 1, "stream", filters)
        points = [point for _, series in timeline.series for point in series]
        if points:
            at, failures = max(points, key=lambda point: (point[1], -point[0]))
            found[index] = (max(float(at), begin), failures, timeline.step)
    return found
