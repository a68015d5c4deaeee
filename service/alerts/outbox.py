"""The outbox: from committed incidents to what each receiver has still to be told.

The engine's thread calls `record` while it builds a commit and `committed` once that is written, so nobody is told of
what a crash could take back. Couriers read `published` and `report` from their own threads.
"""

import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final

import msgspec

from service.alerts import wording
from service.alerts.entry import Entry, Event, Kind, Notice, Standing
from service.times import parse, rfc3339

RESOLVED_SECONDS: Final = 300.0
"""For this long an Alertmanager is sent the end of an incident."""
LATE_SECONDS: Final = 86_400.0
"""A receiver that was away this long is not told any more; nor is anybody of an incident whose newest failure was
this old when it was found (an archive that is read for the first time)."""
GIVING_UP_SECONDS: Final = 600.0
"""After that, couriers have this long to count what they give up."""
FRESH_SECONDS: Final = 900.0
"""Found this soon after it could be seen: logs may arrive minutes late."""
REMEMBERED_SECONDS: Final = 2 * 86_400.0
"""Ended incidents are remembered this long, so that late spikes do not alert anew."""
MOST_ENTRIES: Final = 1_000
MOST_EVENTS: Final = 20
"""Of one incident; what happens to it after that is only in the incident itself."""

OUTCOMES: Final = ("success", "failure", "refused", "dropped")
"""``failure`` is tried again; ``refused`` (this body is not wanted) and ``dropped`` (too old) are not."""

State = dict[tuple[str, str], bytes | None]
_TOTALS: Final = ""


class Totals(msgspec.Struct):
    """Kept under the empty key."""

    receivers: list[str] = []
    deliveries: list[tuple[str, str, int]] = []


class Outbox:
    """``receivers``: names of all that are configured. Memory: `MOST_ENTRIES` incidents at most."""

    def __init__(self, receivers: Iterable[str], clock: Callable[[], float] = time.time) -> None:
        self.receivers = tuple(receivers)
        self.published: tuple[Notice, ...] = ()
        """What may still have to be sent; replaced as a whole."""
        self.deliveries: dict[tuple[str, str], int] = {}
        """(receiver, outcome) -> alerts, committed; replaced as a whole."""
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._documents: dict[str, dict[str, Any]] = {}
        self._totals = {(name, outcome): 0 for name in self.receivers for outcome in OUTCOMES}
        self._lock = threading.Lock()
        self._reported: dict[tuple[str, str], int] = {}
        self._standings: dict[tuple[str, str], Standing] = {}
        self._unsaved: set[str] = set()

    @property
    def has_news(self) -> bool:
        """Whether couriers reported something that is not in a commit yet."""
        return bool(self._reported)

    def load(self, stored: Mapping[str, bytes], find: Callable[[str], dict[str, Any] | None]) -> None:
        """Takes up what was stored. ``find`` gives a stored incident by its id."""
        known: set[str] = set()
        if blob := stored.get(_TOTALS):
            totals = msgspec.msgpack.decode(blob, type=Totals)
            known.update(totals.receivers)
            for receiver, outcome, count in totals.deliveries:
                if receiver in self.receivers:
                    self._totals[receiver, outcome] = count
        for name, blob in stored.items():
            document = find(name) if name != _TOTALS else None
            if document is None:
                continue
            entry = msgspec.msgpack.decode(blob, type=Entry)
            if entry.over_at is not None:
                # A receiver that was configured later is not told of what was over before.
                done = Standing(closed=True, told=len(entry.events))
                for receiver in self.receivers:
                    if receiver not in known:
                        entry.standings[receiver] = done
                        self._unsaved.add(name)
            self._entries[name] = entry
            self._documents[name] = document
        self.committed()

    def record(self, changed: Iterable[dict[str, Any]], alive: Container[str]) -> State:
        """What to write with the commit that holds these incidents. ``alive``: ids of those still in memory."""
        now = self._clock()
        touched = self._take_reports() | self._unsaved
        self._unsaved = set()
        for document in changed:
            if self._note(document, now):
                touched.add(document["id"])
        for name, entry in self._entries.items():
            if entry.over_at is None and name not in alive:  # its only spike was withdrawn: nothing will end it
                ended = {"state": "resolved", "resolved_at": rfc3339(now)}
                self._documents[name] = {**self._documents[name], **ended}
                self._end(entry, "resolved", now)
                touched.add(name)
        state: State = {("alerts", name): None for name in self._forget(now)}
        for name in touched & self._entries.keys():
            state["alerts", name] = msgspec.msgpack.encode(self._entries[name])
        if touched:
            deliveries = [(receiver, outcome, count) for (receiver, outcome), count in self._totals.items()]
            state["alerts", _TOTALS] = msgspec.msgpack.encode(Totals(list(self.receivers), deliveries))
        return state

    def committed(self) -> None:
        """What was recorded is written: from now on it may be sent."""
        now = self._clock()
        self.deliveries = dict(self._totals)
        self.published = tuple(
            Notice(name, _copy(entry), self._documents[name])
            for name, entry in self._entries.items()
            if entry.over_at is None or now - entry.over_at < LATE_SECONDS + GIVING_UP_SECONDS
        )

    def report(self, receiver: str, outcome: str, alerts: int, standings: Mapping[str, Standing]) -> None:
        """What came of sending ``alerts``; ``standings``: incident -> how the receiver stands to it now."""
        with self._lock:
            self._reported[receiver, outcome] = self._reported.get((receiver, outcome), 0) + alerts
            for incident, standing in standings.items():
                self._standings[incident, receiver] = standing

    def _take_reports(self) -> set[str]:
        with self._lock:
            reported, self._reported = self._reported, {}
            standings, self._standings = self._standings, {}
        for key, count in reported.items():
            self._totals[key] = self._totals.get(key, 0) + count
        for (incident, receiver), standing in standings.items():
            if incident in self._entries:
                self._entries[incident].standings[receiver] = standing
        return {incident for incident, _ in standings} | ({_TOTALS} if reported else set())

    def _note(self, document: dict[str, Any], now: float) -> bool:
        """Whether the entry changed (the document alone often does: counts go on)."""
        name, is_open = document["id"], document.get("state") == "open"
        entry = self._entries.get(name)
        if entry is None:
            if document.get("merged_into") is not None or now - _newest(document, now) > LATE_SECONDS:
                return False
            entry = self._entries[name] = Entry(
                wording.labels(document), now, now - moment(document, "detected_at", now) <= FRESH_SECONDS
            )
            entry.told_verdict = wording.blamed(document)
            self._documents[name] = document
            _tell(entry, "opened", now)
            if not is_open:
                self._end(entry, "resolved", now)
            return True
        self._documents[name] = document
        if is_open and entry.over_at is not None:
            entry.over_at = None
            _tell(entry, "reopened", now)
            return True
        if not is_open and entry.over_at is None:
            self._end(entry, "merged" if document.get("merged_into") else "resolved", now)
            return True
        verdict = wording.blamed(document)
        if is_open and verdict != entry.told_verdict and not wording.is_provisional(document):
            entry.told_verdict = verdict
            _tell(entry, "changed", now)
            return True
        return False

    @staticmethod
    def _end(entry: Entry, kind: Kind, now: float) -> None:
        entry.over_at = now
        _tell(entry, kind, now)

    def _forget(self, now: float) -> list[str]:
        over = [(entry.over_at, name) for name, entry in self._entries.items() if entry.over_at is not None]
        gone = [name for at, name in over if now - at > REMEMBERED_SECONDS]
        if (surplus := len(self._entries) - len(gone) - MOST_ENTRIES) > 0:
            gone += [name for _, name in sorted(over) if name not in gone][:surplus]
        for name in gone:
            del self._entries[name], self._documents[name]
        return gone


def moment(fields: Mapping[str, Any], name: str, now: float) -> float:
    """A time of a document; ``now`` where there is none."""
    value = fields.get(name)
    try:
        return parse(value, now) if isinstance(value, str) else now
    except ValueError:
        return now


def _tell(entry: Entry, kind: Kind, now: float) -> None:
    # The last places are kept for ends: nobody should be left with a story that goes on for ever.
    most = MOST_EVENTS if kind in ("resolved", "merged") else MOST_EVENTS - 2
    if len(entry.events) < most:
        entry.events.append(Event(kind, 1 + sum(event.kind == kind for event in entry.events), now))


def _newest(document: dict[str, Any], now: float) -> float:
    """Event time of the newest failure."""
    return max(
        (moment(spike, "last_failure_at", now) for spike in document.get("spikes") or ()),
        default=moment(document, "detected_at", now),
    )


def _copy(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, events=list(entry.events), standings=dict(entry.standings))
