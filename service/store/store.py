"""The store: everything that must outlive the process, in one SQLite file with one writer.

What is written together stands or falls together: a commit is one transaction, on the disk when `Store.commit`
returns. A commit that raised `StoreBusyError` or `StoreFullError` left nothing behind; try the same one again.
"""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson
from sqlalchemy import select

from service.store import schema
from service.store.commit import Commit, IncidentRow, StreamCounts
from service.store.connecting import readers, transaction, writer
from service.store.maintenance import Maintenance
from service.store.opening import DATABASE, lock, prepare
from service.store.writing import CommitWriter

_log = logging.getLogger(__name__)


class Loaded(msgspec.Struct):
    """What a start needs."""

    positions: dict[str, dict[str, bytes]]
    """stream -> part -> position."""
    counts: dict[str, StreamCounts]
    state: dict[str, dict[str, bytes]]
    """kind -> key -> state."""
    failures: dict[tuple[str, str, str], int]
    """(stream, direction, reason) -> all failures ever committed, those without a time too."""
    open_incidents: list[IncidentRow]


class Store:
    """One thread writes (`commit`, `maintain`); any thread may read through ``readers`` (see `Queries`)."""

    @classmethod
    def open(
        cls,
        data_dir: Path,
        *,
        retention_seconds: float = 30 * 86_400.0,
        max_bytes: int = 2 * 1024**3,
        clock: Callable[[], float] = time.time,
    ) -> "Store":
        """Locks the directory, checks the database, brings its schema up to date. A damaged one is set aside.

        Raises:
            StoreInUseError, StoreTooNewError, StoreUnusableError, StoreBusyError, StoreFullError: with the way out.
        """
        held = lock(data_dir)
        try:
            return cls(data_dir / DATABASE, held, retention_seconds, max_bytes, clock())
        except BaseException:
            os.close(held)
            raise

    def __init__(self, file: Path, held: int, retention_seconds: float, max_bytes: int, now: float) -> None:
        """Use `open`. ``held`` is the descriptor of the locked lock file."""
        self.file = file
        self.commits = 0
        """Transactions written since opening."""
        self.commit_seconds = 0.0
        """Time spent in all of them together."""
        self.set_aside = prepare(file, now)
        """Where the damaged database is that was found at opening; None normally."""
        if self.set_aside is not None:
            _log.error(
                "%s is damaged and was set aside as %s. A new store was begun. Lost until it is restored: counts, "
                "history, incidents and evidence, and the positions in the logs (they are read from `start:` again)",
                file,
                self.set_aside,
            )
        self._held = held
        self._engine = writer(file)
        self.readers = readers(file)
        self._writer = CommitWriter()
        self._maintenance = Maintenance(self._engine, retention_seconds, max_bytes)

    def commit(self, commit: Commit) -> None:
        """Writes all of it in one transaction, or nothing. An empty commit costs nothing.

        Raises:
            StoreBusyError, StoreFullError: try again later with the same commit.
            StoreCorruptError: open the store anew.
        """
        if not any(getattr(commit, field) for field in commit.__struct_fields__):
            return
        started = time.perf_counter()
        try:
            with transaction(self._engine) as connection:
                self._writer.write(connection, commit)
        except BaseException:
            self._writer.forget()
            raise
        self.commits += 1
        self.commit_seconds += time.perf_counter() - started

    def load(self) -> Loaded:
        """Everything that a start needs, as of the last commit."""
        with transaction(self.readers) as connection:
            positions: dict[str, dict[str, bytes]] = {}
            for stream, part, position in connection.execute(select(schema.positions)):
                positions.setdefault(stream, {})[part] = position
            state: dict[str, dict[str, bytes]] = {}
            for kind, key, value in connection.execute(select(schema.state)):
                state.setdefault(kind, {})[key] = value
            counts = {}
            for row in connection.execute(select(schema.stream_counts)).mappings():
                fields = {**row, "dropped": orjson.loads(row["dropped"])}
                stream = fields.pop("stream")
                counts[stream] = StreamCounts(**fields)
            failures = {
                (stream, direction, reason): count
                for stream, direction, reason, count in connection.execute(select(schema.failure_totals))
            }
            table = schema.incidents
            open_incidents = []
            for row in connection.execute(
                select(table).where(table.c.state == "open").order_by(table.c.started_at)
            ).mappings():
                links = [
                    sorted(connection.execute(select(link.c[column]).where(link.c.incident == row["id"])).scalars())
                    for link, column in ((schema.incident_streams, "stream"), (schema.incident_hosts, "host"))
                ]
                fields = {**row, "document": orjson.loads(row["document"])}
                open_incidents.append(IncidentRow(**fields, streams=links[0], hosts=links[1]))
        return Loaded(positions, counts, state, failures, open_incidents)

    def maintain(self, now: float) -> bool:
        """Rolls up what aged, deletes what is too old or too much, gives space back. Call about once a minute.

        Works for a fraction of a second at most; True: there is more to do, and the next call does more.

        Raises:
            StoreBusyError, StoreFullError: try again later; what was done stays done.
        """
        try:
            return self._maintenance.run(now)
        finally:
            self._writer.forget()

    def size(self) -> int:
        """Bytes on the disk, write-ahead log included."""
        total = 0
        for suffix in ("", "-wal"):
            try:
                total += self.file.with_name(self.file.name + suffix).stat().st_size
            except FileNotFoundError:
                continue
        return total

    def close(self) -> None:
        """Folds the write-ahead log into the file, and lets the directory go. Twice does no harm."""
        if self._held < 0:
            return
        self.readers.dispose()
        self._engine.dispose()  # the last connection to close checkpoints
        os.close(self._held)
        self._held = -1
