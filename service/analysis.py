"""Detectors of all streams and the correlator over them, as one pure thing: failures in, incidents out.

The service and ``scan`` both stand on it, which is why they find the same.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from service.correlator import Correlator, Incident, StreamInfo, Topology
from service.detector import Detector, DetectorOptions, Spike
from service.runs import Run
from service.verdict.incident import document, merged_document
from service.verdict.sight import Sight

FORGET_SECONDS: Final = 2 * 86_400.0
"""Incidents that ended this long ago are no longer kept in memory."""


class Analysis:
    """Feed each stream's failures in its own order; streams may interleave in any way."""

    def __init__(self, streams: Iterable[StreamInfo], options: DetectorOptions) -> None:
        self.topology = Topology(list(streams))
        self.detectors = {name: Detector(name, options) for name in self.topology.streams}
        self.correlator = Correlator(self.topology)
        self.sights = {name: Sight() for name in self.topology.streams}
        self.spikes_raised: list[Spike] = []
        """Spikes raised since the caller last cleared it; metrics count them."""
        self._documents: dict[str, dict[str, Any]] = {}

    def observe(self, stream: str, runs: Iterable[Run]) -> None:
        """Failures of one stream, in the order in which it was read."""
        for spike in self.detectors[stream].observe(runs):
            self._update(spike)

    def advance(self, stream: str, watermark: float) -> None:
        """All of the stream up to this event time has been read."""
        sight = self.sights[stream]
        if sight.first_at is None:
            sight.first_at = watermark
        sight.watermark = max(sight.watermark or watermark, watermark)
        for spike in self.detectors[stream].advance(watermark):
            self._update(spike)

    def begin(self, stream: str, time: float) -> None:
        """The stream has been read since this event time, at the latest: what began before it was under way."""
        state = self.detectors[stream].state
        if state.first_seen is None:
            state.clock = time
        if state.first_seen is None or time < state.first_seen:
            state.first_seen = self.sights[stream].first_at = time

    def finish(self) -> None:
        """Nothing more will come (the end of a scan)."""
        for name, detector in self.detectors.items():
            self.sights[name].ended = True
            for spike in detector.flush():
                self._update(spike)

    def changed(self) -> list[tuple[Incident, dict[str, Any]]]:
        """Incidents that changed since the last call, with their documents."""
        found = []
        for name in sorted(self.correlator.changed):
            incident = self.correlator.incidents.get(name)
            if incident is None:
                continue
            if incident.merged_into is not None:
                shown = merged_document(self._documents.get(name, {"id": name}), incident)
            elif not incident.spikes:  # its one spike was withdrawn, and what explains it stands elsewhere
                if name not in self._documents:
                    continue
                earlier = self._documents[name]
                shown = {**earlier, "revision": incident.revision, "state": "resolved"}
                shown["resolved_at"] = earlier["resolved_at"] or earlier["detected_at"]
            else:
                shown = document(self.correlator, incident, self.sights)
            self._documents[name] = shown
            found.append((incident, shown))
        self.correlator.changed.clear()
        return found

    def forget_old(self) -> None:
        """Bounds memory: what ended long before the newest clock is only in the store from now on."""
        newest = max((detector.state.clock for detector in self.detectors.values()), default=0.0)
        self.correlator.forget_before(newest - FORGET_SECONDS)
        self._documents = {name: shown for name, shown in self._documents.items() if name in self.correlator.incidents}

    def dump(self) -> dict[tuple[str, str], bytes | None]:
        """State to store with the counts it came from: (kind, key) -> bytes."""
        return {
            (f"detector:{name}", key): blob
            for name, detector in self.detectors.items()
            for key, blob in detector.dump().items()
        }

    def dump_correlator(self) -> dict[tuple[str, str], bytes | None]:
        """As `dump`, to be written whenever `changed` told of anything."""
        return {("correlator", ""): self.correlator.dump()}

    def load(self, stored: Mapping[str, Mapping[str, bytes]]) -> None:
        """Takes up state by kind; streams that are configured no longer are left out."""
        for name, detector in self.detectors.items():
            detector.load(stored.get(f"detector:{name}", {}))
            if detector.state.first_seen is not None:
                self.sights[name].first_at = detector.state.first_seen
                self.sights[name].watermark = detector.state.clock
        if blob := stored.get("correlator", {}).get(""):
            active = [spike for detector in self.detectors.values() for spike in detector.active]
            self.correlator.load(blob, active)
            for incident in self.correlator.current():
                self._documents[incident.id] = document(self.correlator, incident, self.sights)

    def _update(self, spike: Spike) -> None:
        if spike.over_at is None and spike.id not in self.correlator.spikes:
            self.spikes_raised.append(spike)
        self.correlator.update(spike)
