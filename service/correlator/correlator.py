"""Spikes of all streams joined into incidents; ids that never change, merges, revisions."""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Final

import msgspec

from service.correlator.blame import Blame, blame_of, leg_of
from service.correlator.joining import SAME_PLACE_SECONDS, belong_together
from service.correlator.topology import Topology
from service.detector.spike import Spike

SpikeId = tuple[str, str, str, str, float]

MOST_SPIKES: Final = 2_000
"""Spikes kept for joining; past it the oldest ended ones are no longer joined to (their incidents stay stored)."""
TIMELESS: Final = float("inf")


class Incident(msgspec.Struct):
    """Spikes that belong together. What people see of it is built by `service.verdict.incident`."""

    id: str
    founded_at: float
    """Event time at which the spike that founded it was detected: the older of two merged ones stays."""
    spikes: list[SpikeId] = []
    revision: int = 0
    merged_into: str | None = None


class CorrelatorState(msgspec.Struct):
    incidents: dict[str, Incident] = {}
    spikes: list[Spike] = []


class Correlator:
    """Incidents are the connected groups of `belong_together`, so the order in which spikes come does not matter.

    Cost: each new spike is compared with the `MOST_SPIKES` kept ones at most.
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.incidents: dict[str, Incident] = {}
        self.spikes: dict[SpikeId, Spike] = {}
        self.blames: dict[SpikeId, Blame] = {}
        self.changed: set[str] = set()
        """Ids of incidents that changed since the caller last cleared it."""
        self._incident_of: dict[SpikeId, str] = {}

    def update(self, spike: Spike) -> None:
        """A spike was raised, ended, or withdrawn."""
        known = self.spikes.get(spike.id)
        if known is not None:
            self.spikes[spike.id] = spike
            incident = self.incidents[self._incident_of[spike.id]]
            self._change(incident)
            if spike.withdrawn:
                self._forget(spike.id, incident)
            return
        if spike.withdrawn:
            return
        blame = blame_of(spike, self.topology)
        leg = leg_of(spike, self.topology)
        joined = sorted(
            {
                self._incident_of[other.id]
                for other in self.spikes.values()
                if abs(other.onset - spike.onset) <= SAME_PLACE_SECONDS
                and belong_together(spike, blame, other, self.blames[other.id], (leg, leg_of(other, self.topology)))
            },
            key=lambda name: (self.incidents[name].founded_at, name),
        )
        self.spikes[spike.id] = spike
        self.blames[spike.id] = blame
        if joined:
            incident = self.incidents[joined[0]]
        else:
            incident = Incident(id=_new_id(spike), founded_at=spike.detected_at)
            self.incidents[incident.id] = incident
        incident.spikes.append(spike.id)
        self._incident_of[spike.id] = incident.id
        for name in joined[1:]:
            self._merge(self.incidents[name], incident)
        self._change(incident)
        self._bound()

    def members(self, incident: Incident) -> list[Spike]:
        return [self.spikes[name] for name in incident.spikes if name in self.spikes]

    def current(self) -> Iterable[Incident]:
        """Incidents that were not merged into another, oldest first."""
        alive = (incident for incident in self.incidents.values() if incident.merged_into is None and incident.spikes)
        return sorted(alive, key=lambda incident: (incident.founded_at, incident.id))

    def is_open(self, incident: Incident) -> bool:
        return any(spike.over_at is None for spike in self.members(incident))

    def touch_open(self) -> None:
        """Marks open incidents as changed: counts and sights of other streams went on."""
        self.changed.update(incident.id for incident in self.current() if self.is_open(incident))

    def forget_before(self, time: float) -> None:
        """Drops incidents that ended before ``time``; nothing joins them any more."""
        for incident in list(self.incidents.values()):
            ends = [spike.over_at or TIMELESS for spike in self.members(incident)]
            if max(ends, default=0.0) < time:
                for name in incident.spikes:
                    self.spikes.pop(name, None)
                    self.blames.pop(name, None)
                    self._incident_of.pop(name, None)
                del self.incidents[incident.id]

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(CorrelatorState(self.incidents, list(self.spikes.values())))

    def load(self, stored: bytes, active: Iterable[Spike]) -> None:
        """Takes up what `dump` wrote. ``active``: the detectors' own spikes, which go on growing."""
        state = msgspec.msgpack.decode(stored, type=CorrelatorState)
        growing = {spike.id: spike for spike in active}
        self.incidents = state.incidents
        self.spikes = {spike.id: growing.get(spike.id, spike) for spike in state.spikes}
        self.blames = {name: blame_of(spike, self.topology) for name, spike in self.spikes.items()}
        self._incident_of = {name: incident.id for incident in self.incidents.values() for name in incident.spikes}

    def _merge(self, younger: Incident, older: Incident) -> None:
        for name in younger.spikes:
            self._incident_of[name] = older.id
        older.spikes.extend(younger.spikes)
        younger.spikes = []
        younger.merged_into = older.id
        self._change(younger)

    def _change(self, incident: Incident) -> None:
        incident.revision += 1
        self.changed.add(incident.id)

    def _forget(self, name: SpikeId, incident: Incident) -> None:
        incident.spikes.remove(name)
        del self.spikes[name], self.blames[name], self._incident_of[name]

    def _bound(self) -> None:
        if len(self.spikes) > MOST_SPIKES:
            over = [spike for spike in self.spikes.values() if spike.over_at is not None]
            if over:
                self.forget_before(sorted(spike.over_at or 0.0 for spike in over)[len(over) // 2])


def _new_id(spike: Spike) -> str:
    """Readable, sortable, and the same for the same records: onset, stream, and a hash of the key."""
    key = "\0".join((spike.stream, spike.host or "", spike.direction, spike.reason, repr(spike.onset)))
    at = datetime.fromtimestamp(spike.onset, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{at}-{blake2s(key.encode(), digest_size=4).hexdigest()}"
