"""What really happened, against which everybody is scored. Times are true seconds, before any clock's error."""

import msgspec

from service.tally import Key


class TrueSpike(msgspec.Struct, frozen=True):
    """One hop's share of an incident: failures of one leg and reason, on some hosts, above their normal."""

    stream: str
    hosts: tuple[str | None, ...]
    direction: str
    reason: str
    rejected_by: str
    onset: float
    end: float
    rate: float
    """Failures per second added, all hosts together, once risen."""
    normal: float
    """Failures per second of the same keys before."""
    ramp: float = 0.0
    """Seconds from the onset to the full rate."""

    def covers(self, stream: str, host: str | None, direction: str, reason: str) -> bool:
        """Whether failures of this key are part of it; a coarse host (None) always may be."""
        return (
            stream == self.stream
            and direction == self.direction
            and reason == self.reason
            and (host is None or host in self.hosts)
        )


class TrueIncident(msgspec.Struct, frozen=True):
    kind: str
    spikes: tuple[TrueSpike, ...]

    @property
    def onset(self) -> float:
        return min(spike.onset for spike in self.spikes)

    @property
    def first(self) -> TrueSpike:
        return min(self.spikes, key=lambda spike: spike.onset)

    def onset_of(self, stream: str) -> float | None:
        return min((spike.onset for spike in self.spikes if spike.stream == stream), default=None)


class Event(msgspec.Struct):
    """One failure: when it happened, when its record was written, and what the record says."""

    at: float
    arrived: float
    logged: float
    key: Key
    rejected_by: str
    peer: str | None
