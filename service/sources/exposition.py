"""Counters of failed handshakes out of a Prometheus exposition, and what they rose by since the last one."""

from collections.abc import Iterator
from math import isfinite
from typing import Final

import msgspec
import orjson
from prometheus_client.parser import text_string_to_metric_families

from parsers.counters import counter, line_names

MOST_SERIES: Final = 20_000
"""Kept for one target; an Envoy with a thousand clusters has some 10,000."""
LINE_BYTES: Final = 8_192
"""A longer line holds no counter of ours."""

Series = tuple[str, tuple[tuple[str, str], ...]]
"""Name and labels, sorted."""


class Counts(msgspec.Struct):
    """One exposition's counters of failures."""

    values: dict[Series, float]
    dropped: int = 0
    """Lines that could not be read, or were too many."""


class Increase(msgspec.Struct):
    series: Series
    by: int


def read(text: bytes) -> Counts:
    """The known counters in an exposition. Only their own lines are parsed: most of it is about something else."""
    interesting = line_names().match
    lines = [line for line in text.split(b"\n") if interesting(line)]
    counts = Counts({})
    for line in lines:
        if len(line) > LINE_BYTES or len(counts.values) >= MOST_SERIES:
            counts.dropped += 1
            continue
        try:
            written = line.split(b" # ", 1)[0].decode("utf-8", "replace")  # an exemplar may follow
            (family,) = text_string_to_metric_families(written + "\n")
            (sample,) = family.samples
        except (ValueError, KeyError, IndexError):
            counts.dropped += 1
            continue
        if not isfinite(sample.value) or sample.value < 0:
            counts.dropped += 1
        elif counter(sample.name, sample.labels) is not None:
            series = (sample.name, tuple(sorted(sample.labels.items())))
            counts.values[series] = counts.values.get(series, 0.0) + sample.value
    return counts


def increases(before: dict[Series, float], now: dict[Series, float]) -> list[Increase]:
    """What each counter rose by. One that fell began anew at 0; so did one that was not there before.

    Failures that a second counter counts too (``within``) come off that one.
    """
    risen = {series: rise for series, value in now.items() if (rise := _rise(before.get(series, 0.0), value)) > 0}
    for (metric, labels), rise in list(risen.items()):
        known = counter(metric, dict(labels))
        if known is None or known.within == "-":
            continue
        for whole in ((known.within, labels), (f"{known.within}_total", labels)):
            if whole in risen:
                risen[whole] = max(0, risen[whole] - rise)
    return [Increase(series, rise) for series, rise in sorted(risen.items()) if rise > 0]


def render(found: list[Increase], target: str, time: float, seconds: float) -> bytes:
    """Lines of the format ``counters``: a heartbeat, so that a healthy target's clock advances, and the increases."""
    return b"".join(_lines(found, target, round(time, 3), round(seconds, 3)))


def _lines(found: list[Increase], target: str, time: float, seconds: float) -> Iterator[bytes]:
    yield orjson.dumps({"handspike_scrape": target, "time": time}) + b"\n"
    for increase in found:
        metric, labels = increase.series
        yield (
            orjson.dumps(
                {
                    "handspike_counter": metric,
                    "labels": dict(labels),
                    "increase": increase.by,
                    "time": time,
                    "seconds": seconds,
                }
            )
            + b"\n"
        )


def _rise(before: float, now: float) -> int:
    return int(now - before) if now >= before else int(now)
