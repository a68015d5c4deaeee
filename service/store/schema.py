"""The store's tables, in SQLAlchemy Core: SQLite today, PostgreSQL when one machine no longer does.

Times are epoch seconds; tallies stand at the start of their second, minute or hour. A name that is not in
the records is the empty string in a key (a NULL would not collide with itself in a unique key).
Changing anything here needs a revision in ``migrations/versions``, and `HEAD` moved to it.
"""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    cast,
    type_coerce,
)

HEAD: Final = "0001"
"""The revision this program writes; a test holds it to the newest file in ``migrations/versions``."""

NAME_LENGTH: Final = 255
"""Longest host, peer or reason that is stored; longer ones are cut on write."""

OTHER: Final = "__other__"
"""Where hosts and peers beyond a bound are summed up."""

UNKNOWN: Final = "__unknown__"
"""How a host that is not in the records is called outside the store; inside it is the empty string."""

_ID: Final = BigInteger().with_variant(Integer, "sqlite")

metadata: Final = MetaData()


def _name(column: str, *, key: bool = False) -> Column[str]:
    return Column(column, String(NAME_LENGTH), nullable=False, primary_key=key)


def _count(column: str) -> Column[int]:
    return Column(column, BigInteger, nullable=False)


def _at() -> Column[int]:
    return Column("at", BigInteger, primary_key=True, autoincrement=False)


def _tally(name: str) -> Table:
    return Table(
        name,
        metadata,
        _at(),
        _name("stream", key=True),
        _name("host", key=True),
        _name("direction", key=True),
        _name("reason", key=True),
        _count("count"),
        sqlite_with_rowid=False,
    )


def _peers(name: str) -> Table:
    return Table(
        name,
        metadata,
        _at(),
        _name("stream", key=True),
        _name("peer", key=True),
        _count("count"),
        sqlite_with_rowid=False,
    )


positions: Final = Table(
    "positions",
    metadata,
    _name("stream", key=True),
    Column("part", Text, primary_key=True),
    Column("position", LargeBinary, nullable=False),
)

stream_counts: Final = Table(
    "stream_counts",
    metadata,
    _name("stream", key=True),
    _count("lines"),
    _count("bytes"),
    _count("candidates"),
    _count("failures"),
    _count("unrecognized"),
    _count("late"),
    Column("dropped", Text, nullable=False),  # JSON: cause -> lines
    Column("first_seen", Float),
    Column("last_record_at", Float),
)

state: Final = Table(
    "state",
    metadata,
    _name("kind", key=True),
    Column("key", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

failure_totals: Final = Table(
    "failure_totals",
    metadata,
    _name("stream", key=True),
    _name("direction", key=True),
    _name("reason", key=True),
    _count("count"),
)

tally_seconds: Final = _tally("tally_seconds")
tally_minutes: Final = _tally("tally_minutes")
tally_hours: Final = _tally("tally_hours")
peer_minutes: Final = _peers("peer_minutes")
peer_hours: Final = _peers("peer_hours")

evidence: Final = Table(
    "evidence",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    _count("minute"),
    _name("stream"),
    _name("host"),
    _name("direction"),
    _name("reason"),
    Column("document", Text, nullable=False),  # JSON: the contract's Failure
    Index("evidence_by_time", "at", "id"),
    Index("evidence_by_key", "stream", "host", "direction", "reason", "minute", "at"),
)

unrecognized: Final = Table(
    "unrecognized",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    _name("stream"),
    Column("at", Float, nullable=False),
    Column("text", Text, nullable=False),
    Index("unrecognized_by_stream", "stream", "id"),
)

incidents: Final = Table(
    "incidents",
    metadata,
    Column("id", String(NAME_LENGTH), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("resolved_at", Float),
    Column("document", Text, nullable=False),  # JSON: the contract's incident
    Index("incidents_by_start", "started_at", "id"),
    Index("incidents_by_state", "state", "started_at"),
)

incident_streams: Final = Table(
    "incident_streams",
    metadata,
    _name("incident", key=True),
    _name("stream", key=True),
)

incident_hosts: Final = Table(
    "incident_hosts",
    metadata,
    _name("incident", key=True),
    _name("host", key=True),
)

marks: Final = Table(
    "marks",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("kind", String(NAME_LENGTH), nullable=False),
    Column("what", Text, nullable=False),
    Column("stream", String(NAME_LENGTH)),
    Column("host", String(NAME_LENGTH)),
    Column("url", Text),
    Index("marks_by_time", "at", "id"),
)


def json_text(document: ColumnElement[str], field: str) -> ColumnElement[str]:
    """A text field of a JSON document that is stored as text."""
    return cast(type_coerce(document, JSON)[field].as_string(), Text)
