"""One `Commit` as statements: counts added up, values replaced, names bounded."""

from collections.abc import Iterable
from math import isfinite
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Table, bindparam, delete, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.dml import Insert

from service.store import schema
from service.store.bounds import DistinctNames
from service.store.commit import Commit, Evidence, IncidentRow, Mark, StreamCounts
from service.store.schema import NAME_LENGTH, OTHER
from service.tally import Tally

HOSTS_PER_MINUTE: Final = 1_000
PEERS_PER_MINUTE: Final = 200
"""Distinct ones of a stream that a minute keeps apart; the rest is summed up under ``__other__``."""
EVIDENCE_PER_MINUTE: Final = 20
"""Newest records of one (stream, host, direction, reason) that a minute keeps."""
SAMPLES_PER_STREAM: Final = 100
"""Newest unrecognized records kept."""
LATEST: Final = 253_402_300_799
"""The end of the year 9999; times outside [0, LATEST] are counted in totals and not charted."""


def adding(table: Table) -> Insert:
    """An insert that adds ``count`` to a row that is already there."""
    statement = sqlite.insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={"count": table.c.count + statement.excluded.count}
    )


def replacing(table: Table) -> Insert:
    """An insert that replaces all but the key of a row that is already there."""
    statement = sqlite.insert(table)
    values = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)


_ADD_SECOND: Final = adding(schema.tally_seconds)
_ADD_PEER: Final = adding(schema.peer_minutes)
_ADD_TOTAL: Final = adding(schema.failure_totals)
_SET_POSITION: Final = replacing(schema.positions)
_SET_COUNTS: Final = replacing(schema.stream_counts)
_SET_STATE: Final = replacing(schema.state)
_SET_INCIDENT: Final = replacing(schema.incidents)

_evidence = schema.evidence
_TRIM_EVIDENCE: Final = delete(_evidence).where(
    _evidence.c.id.in_(
        select(_evidence.c.id)
        .where(*(_evidence.c[name] == bindparam(f"b_{name}") for name in ("stream", "host", "direction", "reason")))
        .where(_evidence.c.minute == bindparam("b_minute"))
        .order_by(_evidence.c.at.desc(), _evidence.c.id.desc())
        .offset(EVIDENCE_PER_MINUTE)
    )
)
_unrecognized = schema.unrecognized
_TRIM_SAMPLES: Final = delete(_unrecognized).where(
    _unrecognized.c.stream == bindparam("b_stream"),
    _unrecognized.c.id.in_(
        select(_unrecognized.c.id)
        .where(_unrecognized.c.stream == bindparam("b_stream"))
        .order_by(_unrecognized.c.id.desc())
        .offset(SAMPLES_PER_STREAM)
    ),
)


class CommitWriter:
    """Writes commits through one connection; remembers which names have their place in the current minutes."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._hosts = DistinctNames(HOSTS_PER_MINUTE, self._stored_hosts)
        self._peers = DistinctNames(PEERS_PER_MINUTE, self._stored_peers)

    def write(self, connection: Connection, commit: Commit) -> None:
        """Inside a transaction of the caller's. If that fails, call `forget` before the next."""
        self._connection = connection
        _positions(connection, commit.positions)
        _many(connection, _SET_COUNTS, (_counts_row(stream, counts) for stream, counts in commit.counts.items()))
        for stream, tally in commit.tallies.items():
            self._tally(connection, stream, tally)
        _keep_evidence(connection, commit.evidence)
        _keep_samples(connection, commit.samples)
        _state(connection, commit.state)
        for incident in commit.incidents:
            _incident(connection, incident)
        _many(connection, insert(schema.marks), map(_mark_row, commit.marks))

    def forget(self) -> None:
        """Also when rows were rolled up or deleted: what is remembered must be what is stored."""
        self._hosts.forget()
        self._peers.forget()

    def _tally(self, connection: Connection, stream: str, tally: Tally) -> None:
        totals: dict[tuple[str, str], int] = {}
        cells: dict[tuple[int, str, str, str], int] = {}
        for (second, key), count in tally.seconds.items():
            total = (key.direction, key.reason)
            totals[total] = totals.get(total, 0) + count
            if not 0 <= second <= LATEST:
                continue
            host = name(key.host)
            if host and not self._hosts.has_place(stream, second - second % 60, host):
                host = OTHER
            cell = (second, host, key.direction, key.reason)
            cells[cell] = cells.get(cell, 0) + count
        for key, count in tally.untimed.items():
            total = (key.direction, key.reason)
            totals[total] = totals.get(total, 0) + count
        peers: dict[tuple[int, str], int] = {}
        for (minute, address), count in tally.peers.items():
            if not 0 <= minute <= LATEST:
                continue
            peer = name(address)
            if not self._peers.has_place(stream, minute, peer):
                peer = OTHER
            peers[minute, peer] = peers.get((minute, peer), 0) + count
        _many(
            connection,
            _ADD_SECOND,
            (
                {"at": at, "stream": stream, "host": host, "direction": direction, "reason": reason, "count": count}
                for (at, host, direction, reason), count in cells.items()
            ),
        )
        _many(
            connection,
            _ADD_PEER,
            ({"at": at, "stream": stream, "peer": peer, "count": count} for (at, peer), count in peers.items()),
        )
        _many(
            connection,
            _ADD_TOTAL,
            (
                {"stream": stream, "direction": direction, "reason": reason, "count": count}
                for (direction, reason), count in totals.items()
            ),
        )

    def _stored_hosts(self, stream: str, minute: int) -> set[str]:
        return self._stored(schema.tally_seconds, "host", stream, minute)

    def _stored_peers(self, stream: str, minute: int) -> set[str]:
        return self._stored(schema.peer_minutes, "peer", stream, minute)

    def _stored(self, table: Table, column: str, stream: str, minute: int) -> set[str]:
        if self._connection is None:
            return set()
        within = (table.c.stream == stream, table.c.at >= minute, table.c.at < minute + 60)
        return set(self._connection.execute(select(table.c[column]).where(*within).distinct()).scalars())


def name(text: str | None) -> str:
    """As a key holds it: bounded, storable anywhere (PostgreSQL takes no NUL), empty where there is none."""
    if text is None:
        return ""
    text = text[:NAME_LENGTH]
    return text if text.isascii() and "\0" not in text else storable(text)


def storable(text: str) -> str:
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")[: len(text) + NAME_LENGTH]


def _many(connection: Connection, statement: Any, rows: Iterable[dict[str, Any]]) -> None:
    if rows := list(rows):
        connection.execute(statement, rows)


def _positions(connection: Connection, positions: dict[tuple[str, str], bytes | None]) -> None:
    table = schema.positions
    gone = [{"b_stream": stream, "b_part": part} for (stream, part), value in positions.items() if value is None]
    _many(
        connection,
        delete(table).where(table.c.stream == bindparam("b_stream"), table.c.part == bindparam("b_part")),
        gone,
    )
    _many(
        connection,
        _SET_POSITION,
        (
            {"stream": stream, "part": part, "position": value}
            for (stream, part), value in positions.items()
            if value is not None
        ),
    )


def _state(connection: Connection, state: dict[tuple[str, str], bytes | None]) -> None:
    table = schema.state
    gone = [{"b_kind": kind, "b_key": key} for (kind, key), value in state.items() if value is None]
    _many(connection, delete(table).where(table.c.kind == bindparam("b_kind"), table.c.key == bindparam("b_key")), gone)
    _many(
        connection,
        _SET_STATE,
        ({"kind": kind, "key": key, "value": value} for (kind, key), value in state.items() if value is not None),
    )


def _counts_row(stream: str, counts: StreamCounts) -> dict[str, Any]:
    return {
        "stream": stream,
        "lines": counts.lines,
        "bytes": counts.bytes,
        "candidates": counts.candidates,
        "failures": counts.failures,
        "unrecognized": counts.unrecognized,
        "late": counts.late,
        "dropped": orjson.dumps(counts.dropped).decode(),
        "first_seen": counts.first_seen,
        "last_record_at": counts.last_record_at,
    }


def _keep_evidence(connection: Connection, records: list[Evidence]) -> None:
    rows = []
    for record in records:
        at = min(max(record.time, 0.0), float(LATEST)) if isfinite(record.time) else 0.0
        rows.append(
            {
                "at": at,
                "minute": int(at) - int(at) % 60,
                "stream": record.stream,
                "host": name(record.host),
                "direction": record.direction,
                "reason": record.reason,
                "document": orjson.dumps(record.document).decode(),
            }
        )
    _many(connection, insert(_evidence), rows)
    keys = {(row["stream"], row["host"], row["direction"], row["reason"], row["minute"]) for row in rows}
    _many(
        connection,
        _TRIM_EVIDENCE,
        (
            {"b_stream": stream, "b_host": host, "b_direction": direction, "b_reason": reason, "b_minute": minute}
            for stream, host, direction, reason, minute in keys
        ),
    )


def _keep_samples(connection: Connection, samples: list[tuple[str, float, str]]) -> None:
    rows = [{"stream": stream, "at": at, "text": storable(text)} for stream, at, text in samples]
    _many(connection, insert(_unrecognized), rows)
    _many(connection, _TRIM_SAMPLES, ({"b_stream": stream} for stream in {row["stream"] for row in rows}))


def _incident(connection: Connection, incident: IncidentRow) -> None:
    row = {
        "id": incident.id,
        "revision": incident.revision,
        "state": incident.state,
        "started_at": incident.started_at,
        "resolved_at": incident.resolved_at,
        "document": orjson.dumps(incident.document).decode(),
    }
    connection.execute(_SET_INCIDENT, row)
    for table, column, values in (
        (schema.incident_streams, "stream", incident.streams),
        (schema.incident_hosts, "host", incident.hosts),
    ):
        connection.execute(delete(table).where(table.c.incident == incident.id))
        _many(connection, insert(table), ({"incident": incident.id, column: value} for value in set(map(name, values))))


def _mark_row(mark: Mark) -> dict[str, Any]:
    return {
        "at": mark.at,
        "kind": name(mark.kind),
        "what": storable(mark.what),
        "stream": None if mark.stream is None else name(mark.stream),
        "host": None if mark.host is None else name(mark.host),
        "url": None if mark.url is None else storable(mark.url),
    }
