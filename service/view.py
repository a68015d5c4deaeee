"""What metrics, API and page need to know of a running service; the engine offers it, tests fake it.

Everything here is a copy of *committed* values: nothing that a `kill -9` could take back is ever shown.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec

from service.store.commit import Mark, StreamCounts

if TYPE_CHECKING:
    from service.store.queries import Queries

Phase = Literal["starting", "ready", "draining", "store_unusable"]

DOWN_STATES: frozenset[str] = frozenset({"waiting", "failed"})
"""In these states a stream is not being read: its file is missing, or reading it fails."""


class SpikeKey(NamedTuple):
    """The labels of one spike; ``""`` stands for "any" (a coarse spike) and for "not in the records"."""

    stream: str
    hop: str
    host: str
    family: str
    reason: str
    direction: str


class StreamStatus(msgspec.Struct):
    name: str
    hop: str
    format: str
    state: str
    """``reading``, ``waiting`` (for its file), ``failed``, ..."""
    text: str = ""
    """One line for a person: what it waits for, or why it failed."""
    lag_seconds: float | None = None
    """How far the newest record read lies behind the newest one written; None if unknown."""
    last_record_at: float | None = None
    """Newest event time seen, epoch seconds."""
    clock_offset_seconds: float | None = None
    """The stream's clock minus ours; positive: it is ahead."""
    position: Any = None
    """Whatever the source tells of its place, as JSON: ``{"/var/log/x.log": 12345}``."""
    counts: StreamCounts = msgspec.field(default_factory=StreamCounts)

    @property
    def is_up(self) -> bool:
        return self.state not in DOWN_STATES


class Readiness(msgspec.Struct):
    phase: Phase
    text: str = ""
    """One line for a person: what it is doing, or what is wrong with the store and the way out."""

    @property
    def is_ready(self) -> bool:
        return self.phase == "ready"


class EngineGauges(msgspec.Struct):
    """How the service itself is doing."""

    store_bytes: int | None = None
    """Size of the store on disk, write-ahead log included."""
    commits: int = 0
    commit_seconds: float = 0.0
    """What the last commit took."""
    state_keys: int = 0
    """Detector keys in memory, and how many there may be."""
    state_keys_limit: int | None = None
    pending_blocks: int = 0
    """Blocks read but not yet committed."""
    intake_paused: bool = False
    """True while the store takes no commit (full disk, lock) and nothing more is read."""


class Counters(msgspec.Struct):
    """What `/metrics` shows besides the streams' own state. Hosts may be ``__other__`` and ``__unknown__``."""

    streams: dict[str, StreamCounts] = {}
    failures: dict[tuple[str, str, str, str, str], int] = {}
    """(stream, hop, family, reason, direction) -> failures."""
    hosts: dict[tuple[str, str], int] = {}
    """(stream, admitted host) -> failures since it was admitted."""
    hosts_folded: dict[str, int] = {}
    """stream -> failures of hosts that got no series of their own."""
    window: dict[tuple[str, str], int] = {}
    """(stream, host) -> failures in the detector's window."""
    spikes_active: dict[SpikeKey, int] = {}
    """1 during a spike, 0 for ten minutes after it."""
    spike_onsets: dict[SpikeKey, float] = {}
    """Epoch seconds."""
    spikes_total: dict[tuple[str, str, str], int] = {}
    """(stream, hop, family) -> spikes raised."""
    incidents_open: int = 0
    deliveries: dict[tuple[str, str], int] = {}
    """(receiver, outcome) -> alerts sent."""
    engine: EngineGauges = msgspec.field(default_factory=EngineGauges)


class UnknownNameError(ValueError):
    """`View.explain` was given a hop or format that does not exist; the message lists those that do."""


class View(Protocol):
    """The service as its readers see it. Every method may be called from any thread."""

    @property
    def queries(self) -> "Queries":
        """The store's read side."""
        ...

    def streams(self) -> list[StreamStatus]:
        """One for each configured stream, in path order."""
        ...

    def counters(self) -> Counters:
        """A snapshot; the caller owns it."""
        ...

    def ready(self) -> Readiness: ...

    def add_mark(self, mark: Mark) -> None:
        """Stores a change marker; returns once it is committed.

        Raises:
            TimeoutError: the store did not take it in time; it may still be stored later.
        """
        ...

    def explain(self, text: str, hop: str | None, format: str | None) -> list[dict[str, Any]]:
        """What each record in ``text`` is: the objects that ``handspike explain --json`` prints.

        Raises:
            UnknownNameError: no such hop or format.
        """
        ...
