"""What the API reads from the store. Every answer is one snapshot of committed values, and bounded.

Times are epoch seconds. Hosts are told as outside: ``__unknown__`` where the records held none,
``__other__`` for those beyond a bound. A cursor is opaque; the first page has None, the last answers None.

All methods raise `StoreError` where the database can't be read, and ValueError (text for the caller) for a
question that can't be answered: an unknown ``by``, a bad cursor, peers filtered by what isn't kept per peer.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from sqlalchemy import Engine

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
    """(value of ``by``, [(time, failures), ...] in order), largest series first, at most 50; the rest is ``__other__``."""


class Queries:
    """``Queries(store.readers, hops)``: safe from any thread; ``hops`` maps a stream to its hop."""

    def __init__(self, readers: Engine, hops: Mapping[str, str]) -> None: ...

    def timeline(self, from_: float, to: float, step: int, by: By = "stream", filters: Filters = Filters()) -> Timeline:
        """Failures over time. The step used is the asked one or the next that is not finer than what is kept for
        that age (seconds for 2 h, minutes for 2 d, then hours) and gives at most 2,000 points."""
        ...

    def top(
        self, by: By, from_: float, to: float, filters: Filters = Filters(), limit: int = 20
    ) -> list[tuple[str, int]]:
        """The largest groups of a time range, largest first: (value, failures)."""
        ...

    def failures(
        self,
        filters: Filters = Filters(),
        text: str | None = None,
        from_: float | None = None,
        to: float | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Evidence (the contract's Failure objects), newest first; ``text`` is looked for in message and raw."""
        ...

    def incidents(
        self,
        state: str | None = None,
        host: str | None = None,
        stream: str | None = None,
        from_: float | None = None,
        to: float | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Incident objects that lasted into [from_, to), latest start first."""
        ...

    def incident(self, id_: str) -> dict[str, Any] | None:
        """The incident as it stands; one that was merged says so in ``merged_into`` and is not followed."""
        ...

    def incident_evidence(self, id_: str, limit: int = 50) -> list[dict[str, Any]]:
        """Failures of the incident's spikes, in order of time: the first ones of each spike, fairly shared."""
        ...

    def marks(
        self,
        from_: float | None = None,
        to: float | None = None,
        stream: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Changes, latest first: ``{at (epoch seconds), kind, what, stream, host, url}``; with ``stream`` those of
        that stream and those of none."""
        ...

    def unrecognized(self, stream: str, limit: int = 20) -> list[tuple[float, str]]:
        """(arrival, masked text) of the newest records that could not be read."""
        ...
