"""All that one transaction writes: positions, counts, evidence, state and incidents stand or fall together."""

from typing import Any

import msgspec

from service.tally import Tally


class StreamCounts(msgspec.Struct):
    """One stream's counts since it was first seen."""

    lines: int = 0
    bytes: int = 0
    candidates: int = 0
    failures: int = 0
    unrecognized: int = 0
    late: int = 0
    dropped: dict[str, int] = {}
    """By cause."""
    first_seen: float | None = None
    last_record_at: float | None = None
    """Newest event time seen, epoch seconds."""


class Evidence(msgspec.Struct):
    """One failure record kept: masked, decoded, bounded. ``document`` is the contract's Failure object."""

    time: float
    """Event time, or arrival where there is none."""
    stream: str
    host: str | None
    direction: str
    reason: str
    document: dict[str, Any]


class IncidentRow(msgspec.Struct):
    id: str
    revision: int
    state: str
    """``open`` or ``resolved``."""
    started_at: float
    resolved_at: float | None
    streams: list[str]
    hosts: list[str]
    document: dict[str, Any]
    """The contract's incident object."""


class Mark(msgspec.Struct):
    """A change on the timeline: told by people (``mark``), deploy hooks, or the logs themselves."""

    at: float
    kind: str
    what: str
    stream: str | None = None
    host: str | None = None
    url: str | None = None


class Commit(msgspec.Struct):
    """Deltas where it says so, else the new value. An empty commit writes nothing."""

    positions: dict[tuple[str, str], bytes | None] = {}
    """(stream, part) -> opaque position; None deletes."""
    counts: dict[str, StreamCounts] = {}
    """stream -> totals (values, not deltas)."""
    tallies: dict[str, Tally] = {}
    """stream -> delta."""
    evidence: list[Evidence] = []
    samples: list[tuple[str, float, str]] = []
    """(stream, arrival, masked text) of unrecognized records."""
    state: dict[tuple[str, str], bytes | None] = {}
    """(kind, key) -> opaque state of detector, correlator, twins ...; None deletes."""
    incidents: list[IncidentRow] = []
    marks: list[Mark] = []
