"""Counters of failed handshakes that servers keep: what each one stands for (``known.tsv``, next to this file).

``metric`` is the name as its Prometheus exposition has it, less ``_total``; ``labels`` one label that decides and a
pattern of its value; ``within`` a counter that counts these failures too, so that they come off it.

Not among them: Envoy's ``no_certificate``, which counts *successful* connections without a client's certificate, and
``no_filter_chain_match``, which counts plain TCP too.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, cast

import msgspec

from parsers.vocabulary import Direction, RejectedBy

__all__ = ["Counter", "counter", "counters", "line_names"]

_TABLE: Final = Path(__file__).with_name("known.tsv")


class Counter(msgspec.Struct, frozen=True):
    """One row of the table."""

    metric: str
    labels: str
    direction: Direction
    reason: str
    rejected_by: RejectedBy
    within: str
    source: str


def counter(metric: str, labels: Mapping[str, str]) -> Counter | None:
    """What a counter of this name and these labels counts; None if it is no known counter of failures.

    >>> counter("envoy_listener_ssl_fail_verify_no_cert", {}).reason, counter("envoy_listener_ssl_handshake", {})
    ('missing', None)
    """
    for row in counters().get(metric.removesuffix("_total"), ()):
        name, _, pattern = row.labels.partition("=")
        if row.labels == "-" or re.fullmatch(pattern, labels.get(name, "")[:256]):
            return row
    return None


@cache
def counters() -> dict[str, tuple[Counter, ...]]:
    """The table, by metric."""
    found: dict[str, tuple[Counter, ...]] = {}
    header, *lines = _TABLE.read_text("utf-8").splitlines()
    for line in lines:
        cells = cast(dict[str, str], dict(zip(header.split("\t"), line.split("\t"), strict=True)))
        row = msgspec.convert(cells, Counter)
        found[row.metric] = (*found.get(row.metric, ()), row)
    return found


@cache
def line_names() -> re.Pattern[bytes]:
    """Matches the lines of an exposition that hold a known counter."""
    names = "|".join(sorted(map(re.escape, counters()), key=len, reverse=True))
    return re.compile(rb"(?:%b)(?:_total)?[ \t{]" % names.encode())
