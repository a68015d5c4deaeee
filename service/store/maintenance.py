"""What keeps the store small: tallies get coarser as they age, the oldest goes, free pages go back to the disk.

All in small transactions of their own, so that a commit never waits long.
"""

import time
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, Engine, Table, delete, func, select

from service.store import schema
from service.store.connecting import transaction
from service.store.rollup import ROLLUPS, roll_up

STEP_ROWS: Final = 5_000
"""Rows that one transaction moves or deletes, about."""
BUDGET_SECONDS: Final = 0.2
MOST_BUDGET_SECONDS: Final = 1.0
"""What one call may take; doubled up to this while calls don't get done."""
MOST_EVIDENCE: Final = 200_000
"""Records kept in all, whatever their age."""
VACUUM_PAGES: Final = 2_000

_TALLIES: Final = (
    schema.tally_seconds,
    schema.tally_minutes,
    schema.tally_hours,
    schema.peer_minutes,
    schema.peer_hours,
)
_AGING: Final = (schema.evidence, *_TALLIES)
"""What the size limit takes from, always the oldest of all."""


class Maintenance:
    def __init__(self, engine: Engine, retention_seconds: float, max_bytes: int) -> None:
        self._engine = engine
        self._retention = retention_seconds
        self._max_bytes = max_bytes
        self._budget = BUDGET_SECONDS

    def run(self, now: float) -> bool:
        """Works until done or out of budget; True if there is more to do."""
        deadline = time.monotonic() + self._budget
        for _ in self._steps(now):
            if time.monotonic() >= deadline:
                self._budget = min(max(self._budget * 2, BUDGET_SECONDS), MOST_BUDGET_SECONDS)
                return True
        self._budget = BUDGET_SECONDS
        return False

    def _steps(self, now: float) -> Iterator[None]:
        """Each step is one transaction; whoever drives this may stop after any."""
        for rollup in ROLLUPS:
            while True:
                with transaction(self._engine) as connection:
                    moved = roll_up(connection, rollup, now, STEP_ROWS)
                if not moved:
                    break
                yield
        for table in (*_AGING, schema.unrecognized, schema.marks):
            while self._delete_oldest(table, now - self._retention):
                yield
        with transaction(self._engine) as connection:
            _delete_incidents(connection, now - self._retention)
            _bound_evidence(connection)
        while self._used_bytes() > self._max_bytes and (oldest := self._oldest_table()) is not None:
            self._delete_oldest(oldest, None)
            yield
        while self._give_back():
            yield

    def _delete_oldest(self, table: Table, before: float | None) -> bool:
        """Deletes about `STEP_ROWS` of the oldest rows, of those ``before`` if given; whether it deleted any."""
        with transaction(self._engine) as connection:
            oldest = select(table.c.at).order_by(table.c.at)
            cut = connection.execute(oldest.offset(STEP_ROWS).limit(1)).scalar()
            if cut is None:
                cut = connection.execute(select(func.max(table.c.at))).scalar()
            if cut is None:
                return False
            condition = table.c.at <= cut if before is None else (table.c.at <= cut) & (table.c.at < before)
            return connection.execute(delete(table).where(condition)).rowcount > 0

    def _oldest_table(self) -> Table | None:
        found: list[tuple[float, Table]] = []
        with transaction(self._engine) as connection:
            for table in _AGING:
                at = connection.execute(select(func.min(table.c.at))).scalar()
                if at is not None:
                    found.append((at, table))
        return min(found, key=lambda each: each[0])[1] if found else None

    def _used_bytes(self) -> int:
        """Pages that hold something; free ones are given back later and don't count."""
        with transaction(self._engine) as connection:
            pages, free, size = (
                int(connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)
                for name in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * size

    def _give_back(self) -> bool:
        """Some free pages back to the disk; whether there are more than it pays to keep for the next rows."""
        with transaction(self._engine) as connection:
            free = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0)
            if free <= VACUUM_PAGES:
                return False
            # SQLAlchemy would not step through a statement without columns, and each step frees one page.
            connection.connection.cursor().execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
        return True


def _delete_incidents(connection: Connection, before: float) -> None:
    table = schema.incidents
    old = select(table.c.id).where(table.c.state == "resolved", table.c.resolved_at < before)
    for link in (schema.incident_streams, schema.incident_hosts):
        connection.execute(delete(link).where(link.c.incident.in_(old)))
    connection.execute(delete(table).where(table.c.state == "resolved", table.c.resolved_at < before))


def _bound_evidence(connection: Connection) -> None:
    table = schema.evidence
    newest = connection.execute(select(func.max(table.c.id))).scalar()
    if newest is not None:
        old = select(table.c.id).where(table.c.id <= newest - MOST_EVIDENCE).order_by(table.c.id).limit(STEP_ROWS)
        connection.execute(delete(table).where(table.c.id.in_(old)))
