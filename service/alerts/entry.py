"""What the outbox remembers of an incident: little, bounded, and stored with it."""

from typing import Any, Literal

import msgspec

Kind = Literal["opened", "changed", "resolved", "reopened", "merged"]


class Event(msgspec.Struct, frozen=True):
    """Something that webhooks are told of an incident."""

    kind: Kind
    number: int
    """Counts the events of this kind in this incident, from 1."""
    at: float
    """Our clock, when it was committed."""


class Standing(msgspec.Struct, frozen=True):
    """What one receiver is known to have taken of an incident."""

    fired: bool = False
    """An Alertmanager took it as firing."""
    closed: bool = False
    """An Alertmanager took its end: this incident never fires there again."""
    was_late: bool = False
    """It fired there only after its end, and ends by itself."""
    told: int = 0
    """How many of the events a webhook took, or was given up on."""


class Entry(msgspec.Struct):
    """One incident that somebody is told of. Times are our clock's, epoch seconds."""

    labels: dict[str, str]
    """Fixed when the entry is made: Alertmanager takes other labels for another alert."""
    opened_at: float
    is_fresh: bool
    """It was found while it went on or soon after, not in an archive."""
    over_at: float | None = None
    events: list[Event] = []
    standings: dict[str, Standing] = {}
    """By the receiver's name."""
    told_verdict: tuple[str | None, str | None] = (None, None)
    """(stream that was first, where the fix belongs), as last told."""


class Notice(msgspec.Struct, frozen=True):
    """An entry with its incident, as committed: what couriers work on. Nobody changes it."""

    id: str
    entry: Entry
    document: dict[str, Any]
