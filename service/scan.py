"""Reads files once, from the beginning, in event time, and tells the incidents a live service would have told."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

import msgspec

from parsers.failure import Failure
from parsers.reader import Reader, Reading
from parsers.record import Settings
from parsers.twins import Twins
from service.analysis import Analysis
from service.correlator import StreamInfo
from service.detector import DetectorOptions
from service.runs import runs
from service.seen import Seen
from service.sources.archive import ArchiveSource
from service.store.commit import StreamCounts
from service.tally import Key

EVIDENCE_PER_KEY: Final = 2
MOST_EVIDENCE_KEYS: Final = 500
MOST_SAMPLES: Final = 10
MOST_WAITING: Final = 200_000
"""Failures held back to put several files of one stream into one order."""


class ScanStream(msgspec.Struct):
    """One stream to scan: a name and its files."""

    name: str
    hop: str
    format: str = "auto"
    paths: list[str] = []
    timezone: str = "UTC"
    hosts: dict[str, str] = {}
    follows: list[str] = []
    clock_offset_seconds: float = 0.0
    """How far this stream's clock runs ahead; taken off every time."""


class StreamScan(msgspec.Struct):
    """What was found in one stream."""

    counts: StreamCounts
    untimed: int = 0
    """Failures that no record, envelope or neighbour gave a time: counted, not used for detection."""
    evidence: dict[Key, list[Failure]] = {}
    samples: list[bytes] = []
    errors: list[str] = []
    """Files that could not be read, or not to their end."""


class ScanResult(msgspec.Struct):
    streams: dict[str, StreamScan]
    hops: dict[str, str]
    incidents: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """The contract's object for ``scan --json``."""
        return {
            "streams": {
                name: {
                    "lines": found.counts.lines,
                    "candidates": found.counts.candidates,
                    "failures": found.counts.failures,
                    "unrecognized": found.counts.unrecognized,
                    **({"errors": found.errors} if found.errors else {}),
                }
                for name, found in self.streams.items()
            },
            "incidents": self.incidents,
        }


Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all) after each block."""


def scan(
    streams: list[ScanStream], options: DetectorOptions | None = None, progress: Progress | None = None
) -> ScanResult:
    """Scans each stream to its end and correlates. Memory does not grow with the size of the files.

    A file that cannot be read, or not whole, is named in its stream's ``errors``; the others go on.
    """
    infos = [StreamInfo(stream.name, stream.hop, tuple(stream.follows)) for stream in streams]
    analysis = Analysis(infos, options or DetectorOptions())
    found: dict[str, StreamScan] = {}
    sources = {stream.name: ArchiveSource(stream.paths) for stream in streams}
    total = sum(source.bytes_total for source in sources.values())
    done = 0
    for stream in streams:
        source = sources[stream.name]

        def tell(source: ArchiveSource = source, before: int = done) -> None:
            if progress is not None:
                progress(before + source.bytes_done, total)

        found[stream.name] = _scan_stream(stream, source, analysis, tell)
        done += source.bytes_total
    analysis.finish()
    return ScanResult(found, {stream.name: stream.hop for stream in streams}, _incidents(analysis, infos))


def _scan_stream(stream: ScanStream, source: ArchiveSource, analysis: Analysis, tell: Callable[[], None]) -> StreamScan:
    settings = Settings(hop=stream.hop, zone=stream.timezone, hosts=stream.hosts)  # type: ignore[arg-type]
    reader = Reader(stream.format, settings)
    counts = StreamCounts()
    found = StreamScan(counts=counts)
    merge = _Merge() if len(stream.paths) > 1 else None
    twins = Twins()
    seen = Seen(stream.format, stream.hop)
    timeouts = 0
    reached: dict[str, float] = {}
    first: float | None = None
    while (block := source.next_block()) is not None:
        settings.reference = block.arrived
        reading = reader.read(block.data, final=block.final)
        if stream.clock_offset_seconds:
            reading.shift(-stream.clock_offset_seconds)
        source.consumed(block, reading.consumed)
        seen.look(block.data)
        seen.tell(reading.failures)
        timeouts += reading.timeouts
        counts.lines += reading.lines
        counts.bytes += reading.consumed
        counts.candidates += reading.candidates
        counts.unrecognized += reading.unrecognized
        for cause, lines in block.dropped.items():
            counts.dropped[cause] = counts.dropped.get(cause, 0) + lines
        if len(found.samples) < MOST_SAMPLES:
            found.samples.extend(reading.samples[: MOST_SAMPLES - len(found.samples)])
        failures = _timed(reading, reached.get(block.part), found)
        if any([failure.channel for failure in failures]):  # noqa: C419 - a list is three times as quick
            failures = [failure for failure in failures if twins.admit(failure)]
        counts.failures += sum([failure.count for failure in failures])
        if reading.first_time is not None:
            first = reading.first_time if first is None else min(first, reading.first_time)
        if reading.last_time is not None:
            reached[block.part] = max(reached.get(block.part, reading.last_time), reading.last_time)
            source.reached(block.part, reached[block.part])
        if first is not None and (merge is None or source.watermark() is not None):
            analysis.begin(stream.name, first)
        if merge is None:
            _observe(failures, stream.name, analysis, found)
            if block.part in reached:
                analysis.advance(stream.name, reached[block.part])
        else:
            watermark = source.watermark()
            _observe(merge.put(failures, watermark), stream.name, analysis, found)
        tell()
    if merge is not None:
        _observe(merge.put([], float("inf")), stream.name, analysis, found)
    if reached:
        analysis.advance(stream.name, max(reached.values()))
    analysis.sights[stream.name].lines = counts.lines
    analysis.sights[stream.name].blind = seen.why_blind()
    counts.failures += found.untimed
    counts.last_record_at = max(reached.values(), default=None)
    found.errors = list(source.errors)
    if timeouts:
        found.errors.append(
            f"format {stream.format}: its pattern took too long on {timeouts:,} records; make it linear"
        )
    return found


def _timed(reading: Reading, before: float | None, found: StreamScan) -> list[Failure]:
    """A failure without a time takes its file's previous one; with none before it, it is only counted."""
    failures = reading.failures
    if None not in [failure.time for failure in failures]:
        return failures
    timed = []
    for failure in failures:
        if failure.time is None:
            if before is None:
                found.untimed += failure.count
                continue
            failure.time = before
        before = failure.time
        timed.append(failure)
    return timed


def _observe(failures: list[Failure], stream: str, analysis: Analysis, found: StreamScan) -> None:
    """To the detector; a few failures of each key are kept as evidence."""
    if not failures:
        return
    together = runs(failures)
    for run in together:
        kept = found.evidence.get(run.key)
        if kept is None:
            if len(found.evidence) < MOST_EVIDENCE_KEYS:
                found.evidence[run.key] = run.samples[:EVIDENCE_PER_KEY]
        elif len(kept) < EVIDENCE_PER_KEY:
            kept.extend(run.samples[: EVIDENCE_PER_KEY - len(kept)])
    analysis.observe(stream, together)


class _Merge:
    """Puts the failures of several files of one stream into the order of their times."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Failure]] = []
        self._count = 0

    def put(self, failures: list[Failure], watermark: float | None) -> list[Failure]:
        """Takes failures in; gives back, in order, those that no file can come before any more."""
        for failure in failures:
            self._count += 1
            heappush(self._waiting, (failure.time or 0.0, self._count, failure))
        ready = []
        while self._waiting and (
            (watermark is not None and self._waiting[0][0] <= watermark) or len(self._waiting) > MOST_WAITING
        ):
            ready.append(heappop(self._waiting)[2])
        return ready


def _incidents(analysis: Analysis, infos: list[StreamInfo]) -> list[dict[str, Any]]:
    """The incidents as a live service would have numbered them: spikes correlated in the order of their detection."""
    spikes = sorted(analysis.correlator.spikes.values(), key=lambda spike: (spike.detected_at, spike.id))
    ordered = Analysis(infos, DetectorOptions())
    ordered.sights = analysis.sights
    for spike in spikes:
        ordered.correlator.update(spike)
    shown = {incident.id: document for incident, document in ordered.changed()}
    current = [shown[incident.id] for incident in ordered.correlator.current() if incident.id in shown]
    return sorted(current, key=lambda document: (document["started_at"], document["id"]))
