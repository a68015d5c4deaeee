"""Evidence, incidents, changes and samples, page by page, newest first."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Table, or_, select, tuple_

from service.store import schema
from service.store.question import Filters, conditions
from service.times import parse

LONGEST_PAGE: Final = 1_000
ONSET_MARGIN_SECONDS: Final = 1.0
"""Evidence this much before a spike's onset is still shown as its own: an onset is told to the millisecond."""

Page = tuple[list[dict[str, Any]], str | None]


def failures(
    connection: Connection,
    hops: Mapping[str, str],
    filters: Filters,
    text: str | None,
    from_: float | None,
    to: float | None,
    cursor: str | None,
    limit: int,
) -> Page:
    table = schema.evidence
    where = [*conditions(table, filters, hops), *_between(table, from_, to)]
    document = table.c.document
    if filters.peer is not None:
        address = _like(filters.peer)
        where.append(_field(document, "peer", address, f"{address}:%", f"[{address}]:%"))
    if text:
        where.append(_field(document, "message", f"%{_like(text)}%") | _field(document, "raw", f"%{_like(text)}%"))
    return _page(connection, table, table.c.at, [table.c.document], where, cursor, limit, _document)


def incidents(
    connection: Connection,
    state: str | None,
    host: str | None,
    stream: str | None,
    from_: float | None,
    to: float | None,
    cursor: str | None,
    limit: int,
) -> Page:
    table = schema.incidents
    where: list[ColumnElement[bool]] = []
    if state is not None:
        where.append(table.c.state == state)
    if host is not None:
        link = schema.incident_hosts
        where.append(table.c.id.in_(select(link.c.incident).where(link.c.host == host)))
    if stream is not None:
        link = schema.incident_streams
        where.append(table.c.id.in_(select(link.c.incident).where(link.c.stream == stream)))
    if from_ is not None:
        where.append(or_(table.c.resolved_at.is_(None), table.c.resolved_at >= from_))
    if to is not None:
        where.append(table.c.started_at < to)
    return _page(connection, table, table.c.started_at, [table.c.document], where, cursor, limit, _document)


def incident(connection: Connection, id_: str) -> dict[str, Any] | None:
    table = schema.incidents
    document = connection.execute(select(table.c.document).where(table.c.id == id_)).scalar()
    return None if document is None else orjson.loads(document)


def incident_evidence(connection: Connection, id_: str, limit: int) -> list[dict[str, Any]]:
    document = incident(connection, id_)
    if document is None:
        return []
    spikes = document["spikes"]
    table = schema.evidence
    found: dict[int, tuple[float, str]] = {}
    for index, spike in enumerate(spikes):
        where = [
            table.c[name] == spike[name]
            for name in ("stream", "host", "direction", "reason")
            if spike[name] is not None  # a coarse spike is of all of them
        ]
        where.append(table.c.at >= parse(spike["onset"], 0.0) - ONSET_MARGIN_SECONDS)
        if spike["ended_at"] is not None:
            where.append(table.c.at <= parse(spike["ended_at"], 0.0))
        share = max(1, (limit - len(found)) // (len(spikes) - index))
        rows = select(table.c.id, table.c.at, table.c.document).where(*where).order_by(table.c.at, table.c.id)
        for row, at, text in connection.execute(rows.limit(share)):
            found[row] = (at, text)
        if len(found) >= limit:
            break
    ordered = sorted((at, row, text) for row, (at, text) in found.items())
    return [orjson.loads(text) for _, _, text in ordered[:limit]]


def marks(
    connection: Connection, from_: float | None, to: float | None, stream: str | None, cursor: str | None, limit: int
) -> Page:
    table = schema.marks
    where = _between(table, from_, to)
    if stream is not None:
        where.append(or_(table.c.stream == stream, table.c.stream.is_(None)))
    columns = [table.c[name] for name in ("at", "kind", "what", "stream", "host", "url")]
    return _page(connection, table, table.c.at, columns, where, cursor, limit, _mark)


def unrecognized(connection: Connection, stream: str, limit: int) -> list[tuple[float, str]]:
    table = schema.unrecognized
    rows = select(table.c.at, table.c.text).where(table.c.stream == stream).order_by(table.c.id.desc())
    return [(at, text) for at, text in connection.execute(rows.limit(_bounded(limit)))]


def _page(
    connection: Connection,
    table: Table,
    time: ColumnElement[float],
    columns: list[Any],
    where: list[ColumnElement[bool]],
    cursor: str | None,
    limit: int,
    make: Any,
) -> Page:
    if cursor is not None:
        at, id_ = _read_cursor(cursor, numeric=table is not schema.incidents)
        where = [*where, tuple_(time, table.c.id) < (at, id_)]
    limit = _bounded(limit)
    rows = connection.execute(
        select(time.label("sorted_at"), table.c.id.label("sorted_id"), *columns)
        .where(*where)
        .order_by(time.desc(), table.c.id.desc())
        .limit(limit + 1)
    ).all()
    more = f"{rows[limit - 1][0]!r},{rows[limit - 1][1]}" if len(rows) > limit else None
    return [make(row[2:]) for row in rows[:limit]], more


def _document(row: Any) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(row[0])
    return document


def _mark(row: Any) -> dict[str, Any]:
    return dict(zip(("at", "kind", "what", "stream", "host", "url"), row, strict=True))


def _read_cursor(cursor: str, *, numeric: bool) -> tuple[float, int | str]:
    at, comma, id_ = cursor.partition(",")
    try:
        time = float(at)
        if not comma or not isfinite(time):
            raise ValueError
        return time, min(int(id_), 2**63 - 1) if numeric else id_
    except ValueError:
        raise ValueError(f'cursor: "{cursor[:80]}" is none of ours; take `next` of the page before') from None


def _between(table: Table, from_: float | None, to: float | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if from_ is not None:
        found.append(table.c.at >= from_)
    if to is not None:
        found.append(table.c.at < to)
    return found


def _field(document: ColumnElement[str], name: str, *patterns: str) -> ColumnElement[bool]:
    """Whether a text field of the JSON document is like one of ``patterns`` (ASCII letters in either case)."""
    value = schema.json_text(document, name)
    return or_(*(value.ilike(pattern, escape="\\") for pattern in patterns))


def _like(text: str) -> str:
    """``text`` word for word inside a LIKE pattern."""
    return text[:500].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _bounded(limit: int) -> int:
    return min(max(limit, 1), LONGEST_PAGE)
