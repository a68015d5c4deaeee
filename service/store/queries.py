"""What the API reads from the store. Every answer is one snapshot of committed values, and bounded.

Times are epoch seconds. Hosts are told as outside: ``__unknown__`` where the records held none,
``__other__`` for those beyond a bound. A cursor is opaque; the first page has None, the last answers None.

All methods raise `StoreError` where the database can't be read, and ValueError (text for the caller) for a
question that can't be answered: a bad cursor, peers filtered by what isn't kept per peer.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from service.store import charting, listing
from service.store.connecting import transaction
from service.store.question import NO_FILTERS, By, Filters, Timeline

__all__ = ["By", "Filters", "Queries", "Timeline"]


class Queries:
    """``Queries(store.readers, hops)``: safe from any thread; ``hops`` maps a stream to its hop."""

    def __init__(self, readers: Engine, hops: Mapping[str, str]) -> None:
        self._readers = readers
        self._hops = hops

    def timeline(
        self, from_: float, to: float, step: int, by: By = "stream", filters: Filters = NO_FILTERS
    ) -> Timeline:
        """Failures over time. The step used is the asked one or the next that is not finer than what is kept for
        that age (seconds for 2 h, minutes for 2 d, then hours) and gives at most 2,000 points."""
        with transaction(self._readers) as connection:
            return charting.timeline(connection, self._hops, from_, to, step, by, filters)

    def top(
        self, by: By, from_: float, to: float, filters: Filters = NO_FILTERS, limit: int = 20
    ) -> list[tuple[str, int]]:
        """The largest groups of a time range, largest first: (value, failures)."""
        with transaction(self._readers) as connection:
            return charting.top(connection, self._hops, by, from_, to, filters, limit)

    def failures(
        self,
        filters: Filters = NO_FILTERS,
        text: str | None = None,
        from_: float | None = None,
        to: float | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Evidence (the contract's Failure objects), newest first; ``text`` is looked for in message and raw."""
        with transaction(self._readers) as connection:
            return listing.failures(connection, self._hops, filters, text, from_, to, cursor, limit)

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
        with transaction(self._readers) as connection:
            return listing.incidents(connection, state, host, stream, from_, to, cursor, limit)

    def incident(self, id_: str) -> dict[str, Any] | None:
        """The incident as it stands; one that was merged says so in ``merged_into`` and is not followed."""
        with transaction(self._readers) as connection:
            return listing.incident(connection, id_)

    def incident_evidence(self, id_: str, limit: int = 50) -> list[dict[str, Any]]:
        """Failures of the incident's spikes, in order of time: the first ones of each spike, fairly shared."""
        with transaction(self._readers) as connection:
            return listing.incident_evidence(connection, id_, limit)

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
        with transaction(self._readers) as connection:
            return listing.marks(connection, from_, to, stream, cursor, limit)

    def unrecognized(self, stream: str, limit: int = 20) -> list[tuple[float, str]]:
        """(arrival, masked text) of the newest records that could not be read."""
        with transaction(self._readers) as connection:
            return listing.unrecognized(connection, stream, limit)
