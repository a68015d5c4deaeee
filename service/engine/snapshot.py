"""Committed totals, and the copy of them that metrics and API are shown."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from parsers.vocabulary import FAMILY_OF
from service.analysis import Analysis
from service.config.model import Config
from service.detector import Spike
from service.engine.hosts import OTHER
from service.store.commit import Commit, StreamCounts
from service.view import Counters, EngineGauges, SpikeKey

if TYPE_CHECKING:
    from service.engine.runner import Runner
    from service.store.store import Loaded, Store

SHOWN_AFTER_SECONDS: Final = 600.0
"""A spike's series stays at 0 this long after its end."""


class Totals:
    """Adds up what commits brought; belongs to the engine's thread."""

    def __init__(self, config: Config, analysis: Analysis) -> None:
        self._config = config
        self._analysis = analysis
        self._failures: dict[tuple[str, str, str, str, str], int] = {}
        self._spikes: dict[tuple[str, str, str], int] = {}

    def load(self, loaded: "Loaded") -> None:
        """Counters go on from where the last commit left them: they never run backwards."""
        for (stream, direction, reason), count in loaded.failures.items():
            if (hop := self._hop(stream)) is not None:
                self._failures[stream, hop, FAMILY_OF[reason], reason, direction] = count
        for name, blob in loaded.state.get("spikes_total", {}).items():
            stream, family = msgspec.json.decode(name, type=tuple[str, str])
            if (hop := self._hop(stream)) is not None:
                self._spikes[stream, hop, family] = int(blob)

    def spikes_state(self, raised: list[Spike]) -> dict[tuple[str, str], bytes | None]:
        """New totals of spikes raised, to be written with the commit that holds them."""
        totals: dict[tuple[str, str], int] = {}
        for spike in raised:
            family = FAMILY_OF[spike.reason]
            hop = self._hop(spike.stream) or ""
            where = (spike.stream, family)
            totals[where] = totals.get(where, self._spikes.get((spike.stream, hop, family), 0)) + 1
        return {
            ("spikes_total", msgspec.json.encode(where).decode()): str(count).encode()
            for where, count in totals.items()
        }

    def committed(self, commit: Commit, raised: list[Spike]) -> None:
        for stream, tally in commit.tallies.items():
            hop = self._hop(stream) or ""
            for (_, key), count in tally.seconds.items():
                where = (stream, hop, FAMILY_OF[key.reason], key.reason, key.direction)
                self._failures[where] = self._failures.get(where, 0) + count
        for spike in raised:
            where_raised = (spike.stream, self._hop(spike.stream) or "", FAMILY_OF[spike.reason])
            self._spikes[where_raised] = self._spikes.get(where_raised, 0) + 1

    def snapshot(self, runners: "list[Runner]", store: "Store", deliveries: Mapping[tuple[str, str], int]) -> Counters:
        """A fresh copy of everything; the caller may keep it."""
        counters = Counters(
            failures=dict(self._failures),
            spikes_total=dict(self._spikes),
            deliveries=dict(deliveries),
            incidents_open=sum(map(self._analysis.correlator.is_open, self._analysis.correlator.current())),
            engine=EngineGauges(
                store_bytes=store.size(),
                commits=store.commits,
                commit_seconds=store.commit_seconds,
                state_keys=sum(len(detector.watches) for detector in self._analysis.detectors.values()),
                state_keys_limit=sum(d.options.most_keys for d in self._analysis.detectors.values()),
            ),
        )
        for runner in runners:
            name = runner.stream.name
            counters.streams[name] = _copy(runner.counts)
            hosts = runner.state.hosts
            for host, count in hosts.counts.items():
                counters.hosts[name, host] = count
            counters.hosts_folded[name] = hosts.folded
            self._window(runner, counters)
        self._active(counters)
        return counters

    def paused(self, shown: Counters) -> Counters:
        """The same values, with the reading said to be paused."""
        gauges = msgspec.structs.replace(shown.engine, intake_paused=True)
        return msgspec.structs.replace(shown, engine=gauges)

    def _window(self, runner: "Runner", counters: Counters) -> None:
        clock = self._analysis.detectors[runner.stream.name].state.clock
        oldest = clock - self._config.detector.window_seconds
        window = runner.window
        while window and window[0][0] < oldest:
            window.popleft()
        for host in runner.state.hosts.counts:
            counters.window[runner.stream.name, host] = 0
        for second, host, count in window:
            if second >= oldest:
                counters.window[runner.stream.name, host] = counters.window.get((runner.stream.name, host), 0) + count

    def _active(self, counters: Counters) -> None:
        labels = dict(self._host_labels(counters))
        newest: dict[SpikeKey, float] = {}
        for spike in self._analysis.correlator.spikes.values():
            clock = self._analysis.detectors[spike.stream].state.clock
            active = spike.over_at is None
            if not active and clock - (spike.over_at or 0.0) > SHOWN_AFTER_SECONDS:
                continue
            host = spike.host or ""
            if host and host not in labels.get(spike.stream, ()):
                host = OTHER
            key = SpikeKey(
                spike.stream,
                self._hop(spike.stream) or "",
                host,
                FAMILY_OF[spike.reason],
                spike.reason,
                spike.direction,
            )
            counters.spikes_active[key] = max(int(active), counters.spikes_active.get(key, 0))
            if spike.onset >= newest.get(key, float("-inf")):
                newest[key] = counters.spike_onsets[key] = spike.onset

    def _host_labels(self, counters: Counters) -> list[tuple[str, set[str]]]:
        return [(name, {host for stream, host in counters.hosts if stream == name}) for name in counters.streams]

    def _hop(self, stream: str) -> str | None:
        known = self._config.streams.get(stream)
        return None if known is None else known.hop


def _copy(counts: StreamCounts) -> StreamCounts:
    return msgspec.structs.replace(counts, dropped=dict(counts.dropped))
