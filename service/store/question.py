"""What can be asked of the counts, and how a filter becomes a condition."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from sqlalchemy import ColumnElement, Table

from parsers.vocabulary import FAMILY_OF
from service.store.schema import UNKNOWN

By = Literal["stream", "hop", "host", "family", "reason", "direction", "peer"]


class Filters(msgspec.Struct, frozen=True):
    """Only what matches all that are given. ``peer`` is an address without port."""

    stream: str | None = None
    hop: str | None = None
    host: str | None = None
    family: str | None = None
    reason: str | None = None
    direction: str | None = None
    peer: str | None = None


class Timeline(msgspec.Struct):
    """``step`` seconds apart; points of zero are left out. Times are multiples of the step, start of their span."""

    step: int
    series: list[tuple[str, list[tuple[int, int]]]]
    """(value of ``by``, [(time, failures), ...] in order), largest series first, at most 50 and ``__other__``."""


NO_FILTERS: Final = Filters()


def conditions(table: Table, filters: Filters, hops: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """``filters`` but the peer on a table that has stream, host, direction and reason.

    Times and the peer are the caller's: tables differ in them.
    """
    found: list[ColumnElement[bool]] = []
    if filters.stream is not None:
        found.append(table.c.stream == filters.stream)
    if filters.hop is not None:
        found.append(table.c.stream.in_([stream for stream, hop in hops.items() if hop == filters.hop]))
    if filters.host is not None:
        found.append(table.c.host == ("" if filters.host == UNKNOWN else filters.host))
    if filters.family is not None:
        found.append(table.c.reason.in_([reason for reason, family in FAMILY_OF.items() if family == filters.family]))
    if filters.reason is not None:
        found.append(table.c.reason == filters.reason)
    if filters.direction is not None:
        found.append(table.c.direction == filters.direction)
    return found
