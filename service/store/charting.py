"""Failures over time and largest groups, summed over seconds, minutes and hours alike.

A failure is in exactly one of the tables, so their sum is always right; only how fine it can be told differs.
"""

from collections.abc import Mapping
from math import ceil, floor, isfinite
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Connection, Select, Table, case, func, select, union_all

from parsers.vocabulary import FAMILY_OF
from service.store import schema
from service.store.question import By, Filters, Timeline, conditions
from service.store.schema import OTHER, UNKNOWN
from service.store.writing import LATEST

MOST_POINTS: Final = 2_000
MOST_SERIES: Final = 50
STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)

_TALLIES: Final = ((schema.tally_seconds, 1), (schema.tally_minutes, 60), (schema.tally_hours, 3_600))
_PEERS: Final = ((schema.peer_minutes, 60), (schema.peer_hours, 3_600))


def timeline(
    connection: Connection, hops: Mapping[str, str], from_: float, to: float, step: int, by: By, filters: Filters
) -> Timeline:
    tables = _tables(by, filters)
    begin, end = _bounds(from_, to)
    step = _step(step, begin, end, _resolution(connection, tables, begin, end))
    begin, end = begin // step * step, ceil(end / step) * step
    largest = top(connection, hops, by, begin, end, filters, MOST_SERIES)
    shown = {value for value, _ in largest}
    points: dict[str, dict[int, int]] = {}
    parts = []
    keep = _stored_values(by, shown, hops)
    for table, _ in tables:
        column = _column(table, by)
        told = column if keep is None else case((column.in_(keep), column), else_=OTHER)
        at = (table.c.at - table.c.at % step).label("span")
        within = (table.c.at >= begin, table.c.at < end, *_conditions(table, filters, hops))
        parts.append(
            select(at, told.label("value"), func.sum(table.c.count).label("count"))
            .where(*within)
            .group_by("span", "value")
        )
    for at, stored, count in connection.execute(union_all(*parts)):
        value = _told(by, stored, hops)
        series = points.setdefault(value if value in shown else OTHER, {})
        series[at] = series.get(at, 0) + int(count)
    order = sorted(points, key=lambda value: (value == OTHER, -sum(points[value].values()), value))
    return Timeline(step, [(value, sorted(points[value].items())) for value in order])


def top(
    connection: Connection, hops: Mapping[str, str], by: By, from_: float, to: float, filters: Filters, limit: int
) -> list[tuple[str, int]]:
    """Minutes and hours that only partly lie in the range are counted whole."""
    begin, end = _bounds(from_, to)
    parts = []
    for table, width in _tables(by, filters):
        within = (table.c.at >= begin // width * width, table.c.at < end, *_conditions(table, filters, hops))
        value = _column(table, by).label("value")
        parts.append(select(value, func.sum(table.c.count).label("count")).where(*within).group_by(value))
    both = union_all(*parts).subquery()
    total = func.sum(both.c.count).label("total")
    groups: Select[Any] = select(both.c.value, total).group_by(both.c.value).order_by(total.desc(), both.c.value)
    if by not in ("hop", "family"):  # several stored values make one of these, so they are cut after the summing
        groups = groups.limit(limit)
    found: dict[str, int] = {}
    for stored, count in connection.execute(groups):
        told = _told(by, stored, hops)
        found[told] = found.get(told, 0) + int(count)
    return sorted(found.items(), key=lambda group: (-group[1], group[0]))[:limit]


def _tables(by: By, filters: Filters) -> tuple[tuple[Table, int], ...]:
    """
    Raises:
        ValueError: per peer only the stream is kept.
    """
    if by != "peer" and filters.peer is None:
        return _TALLIES
    asked = [name for name in ("host", "family", "reason", "direction") if getattr(filters, name) is not None]
    if by not in ("peer", "stream", "hop"):
        asked.append(f"by={by}")
    if asked:
        raise ValueError(
            f"peers are counted per stream only, so they can't be combined with {', '.join(asked)}; "
            "leave that out, or look at the failure records"
        )
    return _PEERS


def _bounds(from_: float, to: float) -> tuple[int, int]:
    """
    Raises:
        ValueError: one is no number.
    """
    if not (isfinite(from_) and isfinite(to)):
        raise ValueError("from and to must be finite times")
    begin = min(max(floor(from_), 0), LATEST)
    return begin, max(min(ceil(to), LATEST), begin)


def _resolution(connection: Connection, tables: tuple[tuple[Table, int], ...], begin: int, end: int) -> int:
    """Width of the widest rows there are in the range."""
    widest = tables[0][1]
    for table, width in tables[1:]:
        within = (table.c.at >= begin // width * width, table.c.at < end)
        if connection.execute(select(table.c.at).where(*within).limit(1)).first() is not None:
            widest = width
    return widest


def _step(asked: int, begin: int, end: int, resolution: int) -> int:
    """The asked step if it can be had, else the next that can."""
    needed = max(asked, resolution, ceil((end - begin) / MOST_POINTS), 1)
    if needed == asked and asked % resolution == 0:
        return asked
    for step in STEPS:
        if step >= needed and step % resolution == 0:
            return step
    return ceil(needed / 86_400) * 86_400


def _column(table: Table, by: By) -> ColumnElement[str]:
    return cast("ColumnElement[str]", table.c[{"hop": "stream", "family": "reason"}.get(by, by)])


def _conditions(table: Table, filters: Filters, hops: Mapping[str, str]) -> list[ColumnElement[bool]]:
    found = conditions(table, filters, hops)
    if filters.peer is not None:
        found.append(table.c.peer == filters.peer)
    return found


def _stored_values(by: By, shown: set[str], hops: Mapping[str, str]) -> list[str] | None:
    """The shown values as the table holds them; None where there are few anyway."""
    if by not in ("host", "peer", "stream"):
        return None
    return ["" if by == "host" and value == UNKNOWN else value for value in shown]


def _told(by: By, stored: str, hops: Mapping[str, str]) -> str:
    if by == "hop":
        return hops.get(stored, UNKNOWN)
    if by == "family":
        return FAMILY_OF.get(stored, stored)
    return stored or UNKNOWN
