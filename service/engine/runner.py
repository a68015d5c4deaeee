"""One stream at work: its source, its reader, and what of both has to be committed."""

from collections import deque
from math import floor, inf
from typing import Final

import msgspec

from parsers.failure import Failure
from parsers.masking import mask
from parsers.reader import Reader, Reading
from parsers.record import Settings
from parsers.twins import Twins
from service.analysis import Analysis
from service.config.model import Stream
from service.engine.hosts import HostSeries
from service.evidence import EvidenceKeeper, evidence
from service.runs import Run, runs
from service.seen import Seen
from service.sources.source import Acknowledging, Block, Health, Source
from service.store.commit import Commit, Mark, StreamCounts
from service.tally import Tally

FIRST_RETRY_SECONDS: Final = 0.5
LONGEST_RETRY_SECONDS: Final = 30.0
MOST_HOST_SERIES: Final = 200
CLOCK_SAMPLES: Final = 256
CAUGHT_UP_MARGIN_SECONDS: Final = 2.0
"""A stream read to its end at T is taken to be complete up to T minus this."""
MOST_PARTS: Final = 4_096


class RunnerState(msgspec.Struct):
    """What a stream remembers between blocks; stored with the counts."""

    part_times: dict[str, float] = {}
    """Newest event time of each part: a record without a time takes its file's previous one."""
    hosts: HostSeries = msgspec.field(default_factory=HostSeries)
    twins: bytes = b""


class Runner:
    """Reads one stream block by block. A failing source is retried with back-off; it never stops another stream."""

    def __init__(self, stream: Stream, source: Source, analysis: Analysis, keep_raw: bool) -> None:
        self.stream = stream
        self.source = source
        self.counts = StreamCounts()
        self.state = RunnerState()
        self.window: deque[tuple[int, str, int]] = deque()
        """(second, host label, failures) of the last minute, for the window metric."""
        self.failed: str | None = None
        self.latest_health = Health("waiting")
        self.shown_clock_offset: float | None = None
        """The stream's clock minus ours: the most that a record's time was ever ahead of its arrival, lately."""
        self._analysis = analysis
        self._settings = Settings(hop=stream.hop, zone=stream.timezone, hosts=dict(stream.hosts))
        self._reader = Reader(stream.format, self._settings)
        self._seen = Seen(stream.format, stream.hop)
        self._twins = Twins()
        self._keeper = EvidenceKeeper()
        self._keep_raw = keep_raw
        self._ahead: deque[float] = deque(maxlen=CLOCK_SAMPLES)
        self._look_at = 0.0
        self._caught_up_at = 0.0
        self._retry_at = 0.0
        self._retry_after = FIRST_RETRY_SECONDS

    def restore(self, positions: dict[str, bytes], counts: StreamCounts | None, state: bytes | None) -> None:
        """Takes up what the store holds of this stream."""
        if counts is not None:
            self.counts = counts
        if state is not None:
            self.state = msgspec.msgpack.decode(state, type=RunnerState)
            if self.state.twins:
                self._twins.load(self.state.twins)
        self._analysis.sights[self.stream.name].lines = self.counts.lines
        self.source.restore(positions)

    def step(self, commit: Commit, now: float) -> bool:
        """Reads one block into ``commit``; False if there was nothing to read."""
        if now >= self._look_at or now < self._look_at - LOOK_SECONDS:
            self._look_at = now + LOOK_SECONDS
            self.latest_health = self._health()
            self.shown_clock_offset = max(self._ahead) if self._ahead else None
        if now < self._retry_at:
            return False
        try:
            block = self.source.next_block()
        except OSError as error:
            self.failed = str(error)
            self.latest_health = self._health()
            self._retry_at = now + self._retry_after
            self._retry_after = min(self._retry_after * 2.0, LONGEST_RETRY_SECONDS)
            return False
        self.failed, self._retry_after = None, FIRST_RETRY_SECONDS
        if block is None:
            self._caught_up(now)
            return False
        self._caught_up_at = now
        self._take(block, commit, now)
        return True

    def stored(self) -> None:
        """Everything that `step` read so far is in the store."""
        if isinstance(self.source, Acknowledging):
            self.source.stored()

    def dump(self) -> bytes:
        if self._twins.is_changed:
            self.state.twins = self._twins.dump()
        return msgspec.msgpack.encode(self.state)

    def _take(self, block: Block, commit: Commit, now: float) -> None:
        name, counts = self.stream.name, self.counts
        self._settings.reference = block.arrived
        reading = self._reader.read(block.data, final=block.final)
        for part, position in self.source.consumed(block, reading.consumed).items():
            commit.positions[name, part] = position
        counts.lines += reading.lines
        counts.bytes += reading.consumed
        counts.candidates += reading.candidates
        counts.unrecognized += reading.unrecognized
        if reading.timeouts:
            counts.dropped[PATTERN_TIMEOUT] = counts.dropped.get(PATTERN_TIMEOUT, 0) + reading.timeouts
        if counts.first_seen is None:
            counts.first_seen = now
        for cause, lines in block.dropped.items():
            counts.dropped[cause] = counts.dropped.get(cause, 0) + lines
        commit.samples.extend((name, now, mask(sample) if self._keep_raw else "") for sample in reading.samples)
        if self.stream.clock_offset_seconds:
            reading.shift(-self.stream.clock_offset_seconds)
        failures = self._timed(reading, block)
        counts.failures += sum([failure.count for failure in failures])
        self._clock(reading, block, now)
        together = runs(failures)
        self._count(together, commit, now)
        commit.marks.extend(
            Mark(change.time if change.time is not None else now, change.kind, change.what, name, change.host)
            for change in reading.changes
        )
        sight = self._analysis.sights[name]
        sight.lines = counts.lines
        self._seen.look(block.data)
        self._seen.tell(reading.failures)
        sight.blind = self._seen.why_blind()
        if reading.first_time is not None:
            self._analysis.begin(name, reading.first_time)
        self._analysis.observe(name, together)
        if block.part in self.state.part_times:
            self._analysis.advance(name, self.state.part_times[block.part])

    def _timed(self, reading: Reading, block: Block) -> list[Failure]:
        """Failures that count: each with a time (its own, its file's previous, else its arrival), each told once."""
        before = self.state.part_times.get(block.part)
        counted = []
        for failure in reading.failures:
            if failure.time is None:
                failure.time = before if before is not None else block.arrived
            elif before is not None and failure.time < before - LATE_SECONDS:
                self.counts.late += failure.count
            before = max(failure.time, before) if before is not None else failure.time
            if not failure.channel or self._twins.admit(failure):
                counted.append(failure)
        return counted

    def _clock(self, reading: Reading, block: Block, now: float) -> None:
        if reading.last_time is None:
            return
        times = self.state.part_times
        times[block.part] = max(times.pop(block.part, -inf), reading.last_time)
        if len(times) > MOST_PARTS:
            del times[next(iter(times))]
        newest = self.counts.last_record_at
        self.counts.last_record_at = reading.last_time if newest is None else max(newest, reading.last_time)
        if self.latest_health.lag_bytes == 0 and block.arrived - reading.last_time < FRESH_SECONDS:
            self._ahead.append(reading.last_time - block.arrived)

    def _count(self, together: list[Run], commit: Commit, now: float) -> None:
        """Counts, host series and evidence of one block's failures."""
        name = self.stream.name
        tally = commit.tallies.setdefault(name, Tally())
        for run in together:
            tally.add(run.time, run.key, run.failures)
            for peer, failures in run.by_peer.items():
                tally.add_peer(run.time, peer, failures)
            second = floor(run.time)
            label = self.state.hosts.add(run.key.host, second, run.failures, MOST_HOST_SERIES)
            self.window.append((second, label, run.failures))
            for failure in run.samples:
                if self._keeper.wants(failure, now):
                    kept = evidence(failure, stream=name, hop=self.stream.hop, arrived=now, raw=self._keep_raw)
                    commit.evidence.append(kept)

    def _health(self) -> Health:
        if self.failed is not None:
            return Health("failed", self.failed)
        health = self.source.health()
        if count := self.counts.dropped.get(PATTERN_TIMEOUT):
            slow = f"format {self.stream.format}: its pattern took too long on {count:,} records, which were given up"
            health.text = f"{health.text}; {slow}" if health.text else slow
        return health

    def _caught_up(self, now: float) -> None:
        """Everything written so far is read: the stream's watermark moves on without records."""
        if now < self._caught_up_at + LOOK_SECONDS:
            return
        self._caught_up_at = now
        health = self.source.health()
        if health.state == "reading" and health.lag_bytes == 0:
            reached = now - CAUGHT_UP_MARGIN_SECONDS
            self._analysis.begin(self.stream.name, reached)
            self._analysis.advance(self.stream.name, reached)


PATTERN_TIMEOUT: Final = "pattern_timeout"
"""Cause under which records are counted as dropped that a user's own pattern could not read in time."""
FRESH_SECONDS: Final = 900.0
"""Records older than this on arrival are an archive's; they tell nothing of the stream's clock."""
LOOK_SECONDS: Final = 0.5
"""How often the source is asked for its health."""
LATE_SECONDS: Final = 60.0
"""A record this far behind its file's newest one counts as late."""
