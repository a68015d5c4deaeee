"""Seconds become minutes after two hours, minutes become hours after two days; sums stay exact."""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, literal, select
from sqlalchemy.dialects import sqlite

from service.store import schema
from service.store.schema import OTHER

SECONDS_KEPT: Final = 2 * 3_600
MINUTES_KEPT: Final = 2 * 86_400
HOSTS_PER_SPAN: Final = 1_000
PEERS_PER_SPAN: Final = 200
"""Distinct ones of a stream that a minute or hour keeps apart after it was rolled up: the largest."""


class Rollup(NamedTuple):
    fine: Table
    coarse: Table
    width: int
    """Seconds of a row of ``coarse``."""
    kept_seconds: int
    """Age at which rows of ``fine`` move."""
    name: str
    """The column that may hold any number of distinct values."""
    most: int


ROLLUPS: Final = (
    Rollup(schema.tally_seconds, schema.tally_minutes, 60, SECONDS_KEPT, "host", HOSTS_PER_SPAN),
    Rollup(schema.tally_minutes, schema.tally_hours, 3_600, MINUTES_KEPT, "host", HOSTS_PER_SPAN),
    Rollup(schema.peer_minutes, schema.peer_hours, 3_600, MINUTES_KEPT, "peer", PEERS_PER_SPAN),
)


def roll_up(connection: Connection, rollup: Rollup, now: float, rows: int) -> bool:
    """Moves about ``rows`` of the oldest rows that are old enough, whole spans only; whether it moved any."""
    fine, width = rollup.fine, rollup.width
    limit = int(now - rollup.kept_seconds) // width * width
    old = select(fine.c.at).where(fine.c.at < limit).order_by(fine.c.at)
    first = connection.execute(old.limit(1)).scalar()
    if first is None:
        return False
    begin = first // width * width
    last = connection.execute(old.offset(rows).limit(1)).scalar()
    end = limit if last is None else max(last // width * width, begin + width)
    moving = (fine.c.at >= begin) & (fine.c.at < end)
    _move(connection, rollup, moving)
    connection.execute(delete(fine).where(moving))
    _fold(connection, rollup, begin, end)
    return True


def _move(connection: Connection, rollup: Rollup, moving: ColumnElement[bool]) -> None:
    fine = rollup.fine
    span = (fine.c.at - fine.c.at % rollup.width).label("at")
    names = [fine.c[column.name] for column in list(fine.primary_key)[1:]]
    summed = select(span, *names, func.sum(fine.c.count).label("count")).where(moving).group_by(span, *names)
    _add_from(connection, rollup.coarse, summed)


def _fold(connection: Connection, rollup: Rollup, begin: int, end: int) -> None:
    """In spans with too many names, the smallest go to ``__other__``."""
    table, name = rollup.coarse, rollup.coarse.c[rollup.name]
    crowded = connection.execute(
        select(table.c.at, table.c.stream)
        .where(table.c.at >= begin, table.c.at < end)
        .group_by(table.c.at, table.c.stream)
        .having(func.count(name.distinct()) > rollup.most + 1)  # one more: __other__ itself
    ).all()
    for at, stream in crowded:
        here = (table.c.at == at) & (table.c.stream == stream)
        largest = (
            select(name)
            .where(here, name != OTHER)
            .group_by(name)
            .order_by(func.sum(table.c.count).desc(), name)
            .limit(rollup.most)
        )
        keep = [*connection.execute(largest).scalars(), OTHER]
        small = here & name.not_in(keep)
        columns = [table.c[column.name] for column in list(table.primary_key)[1:]]
        told = [literal(OTHER).label(column.name) if column is name else column for column in columns]
        grouped = [column for column in columns if column is not name]
        summed = select(literal(at).label("at"), *told, func.sum(table.c.count).label("count"))
        _add_from(connection, table, summed.where(small).group_by(*grouped))
        connection.execute(delete(table).where(small))


def _add_from(connection: Connection, table: Table, rows: Select[Any]) -> None:
    statement = sqlite.insert(table).from_select([*(column.name for column in table.primary_key), "count"], rows)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={"count": table.c.count + statement.excluded.count}
        )
    )
