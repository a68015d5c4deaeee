"""Prometheus metrics over a `View`: the names and labels of the contract, committed values only.

Which ``handshake_failures_total`` series start at 0: for every configured stream all reasons of the vocabulary, on
both legs; a hop ``app`` only calls, so it starts with ``upstream`` alone. That is at most 62 a stream, and
``increase()`` sees the first failure of each. A record that says otherwise simply adds its series later.
"""

import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from parsers.vocabulary import REASONS
from service.store.commit import StreamCounts
from service.view import Counters, StreamStatus, View

LONGEST_LABEL: Final = 255
"""Characters; a DNS name has 253 at most, and everything else in a label is ours."""
KNOWN_DROP_CAUSES: Final = ("gap", "line_too_long")
"""Start at 0 for every stream; other causes appear with their first drop."""

_SPIKE_LABELS: Final = ("stream", "hop", "host", "family", "reason", "direction")
_CONTENT_TYPE: Final = re.compile(r"[\x20-\x7e]{1,200}\Z")


def render(view: View, accept: str = "") -> tuple[bytes, str]:
    """The page body and its content type, in the format that ``accept`` asks for (plain text or OpenMetrics)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HandspikeCollector(view))
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
    if not _CONTENT_TYPE.match(content_type):  # the library echoes the asked version into the header
        return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
    return encode(registry), content_type


def version() -> str:
    """The installed version of handspike."""
    try:
        return metadata.version("handspike")
    except metadata.PackageNotFoundError:
        return "unknown"


class HandspikeCollector(Collector):
    """Reads the view once per scrape. Cost: linear in the number of series, some 10 µs each."""

    def __init__(self, view: View) -> None:
        self._view = view

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: registering must not read the view."""
        return ()

    def collect(self) -> Iterator[Metric]:
        counters = self._view.counters()
        streams = self._view.streams()
        yield from _failures(counters, streams)
        yield from _spikes(counters)
        yield from _intake(counters, streams)
        yield from _streams(streams)
        yield from _engine(counters)
        yield _counter(
            "alert_deliveries",
            "Alerts handed to a receiver, by outcome. Anything but success rising: nobody is being paged.",
            ("receiver", "outcome"),
            counters.deliveries.items(),
        )
        build = InfoMetricFamily("handspike_build", "The running version; the value is always 1.")
        build.add_metric((), {"version": version(), "python": platform.python_version()})
        yield build


def _failures(counters: Counters, streams: list[StreamStatus]) -> Iterator[Metric]:
    failures: dict[tuple[str, str, str, str, str], int] = {
        (stream.name, stream.hop, family, reason, direction): 0
        for stream in streams
        for family, reasons in REASONS.items()
        for reason in reasons
        for direction in (("upstream",) if stream.hop == "app" else ("downstream", "upstream"))
    }
    failures.update(counters.failures)
    yield _counter(
        "handshake_failures",
        "TLS handshakes that did not complete, as this stream's records tell. The exact total.",
        ("stream", "hop", "family", "reason", "direction"),
        failures.items(),
    )
    yield _counter(
        "host_handshake_failures",
        "The same by server name, counted from the moment the name got its own series. "
        "__other__: names without one; __unknown__: records that hold no name.",
        ("stream", "host"),
        counters.hosts.items(),
    )
    yield _counter(
        "hosts_folded",
        "Failures counted under host=__other__ because the stream has no room for more names. "
        "Rising fast: somebody sends random names.",
        ("stream",),
        _with_zeros(counters.hosts_folded, streams).items(),
    )
    yield _gauge(
        "window_failures",
        "Failures within the detector's window (event time), by server name: how bad it is right now.",
        ("stream", "host"),
        counters.window.items(),
    )


def _spikes(counters: Counters) -> Iterator[Metric]:
    yield _gauge(
        "spike_active",
        "1 while failures of this kind are above their own normal, 0 for ten minutes after. "
        'An empty host, reason or direction means "all of them".',
        _SPIKE_LABELS,
        counters.spikes_active.items(),
    )
    yield _gauge(
        "spike_onset_timestamp_seconds",
        "When the spike began (not when it was noticed). The smallest one broke first: sort by this.",
        _SPIKE_LABELS,
        counters.spike_onsets.items(),
    )
    yield _counter("spikes", "Spikes raised so far.", ("stream", "hop", "family"), counters.spikes_total.items())
    yield _gauge(
        "incidents_open",
        "Incidents not over yet; /api/v1/incidents?state=open tells them.",
        (),
        [((), counters.incidents_open)],
    )


def _intake(counters: Counters, streams: list[StreamStatus]) -> Iterator[Metric]:
    counts = {stream.name: stream.counts for stream in streams} | counters.streams

    def each(name: str, text: str, field: str) -> Metric:
        return _counter(name, text, ("stream",), [((stream,), getattr(of, field)) for stream, of in counts.items()])

    yield each("lines", "Log lines read, failing or not.", "lines")
    yield each("bytes", "Log bytes read.", "bytes")
    yield each("candidates", "Records that hold the text of a known TLS error and were looked at.", "candidates")
    yield each(
        "unrecognized",
        "Records that speak of a TLS error but could not be read: a shape we do not know. Samples are kept.",
        "unrecognized",
    )
    yield each("late", "Records that came too late to be used for detection; they are counted all the same.", "late")
    yield _counter(
        "dropped",
        "Lines lost before they could be read, by cause (line_too_long: cut at the limit; gap: the log was gone).",
        ("stream", "cause"),
        _drops(counts).items(),
    )


def _streams(streams: list[StreamStatus]) -> Iterator[Metric]:
    yield _gauge(
        "stream_up",
        "1 while the stream is being read; 0 while its log is missing or cannot be read: /readyz says why.",
        ("stream",),
        [((stream.name,), int(stream.is_up)) for stream in streams],
    )
    for name, text, values in (
        (
            "stream_lag_seconds",
            "How far reading is behind writing. High: handspike is slow or the log arrives late, trust no silence.",
            {stream.name: stream.lag_seconds for stream in streams},
        ),
        (
            "last_record_timestamp_seconds",
            "Time in the newest record, failing or not. Standing still: the log is silent or no longer written.",
            {stream.name: stream.last_record_at for stream in streams},
        ),
        (
            "clock_offset_seconds",
            "The stream's clock minus ours. Minutes off look like expired or not yet valid certificates.",
            {stream.name: stream.clock_offset_seconds for stream in streams},
        ),
    ):
        yield _gauge(
            name, text, ("stream",), [((stream,), value) for stream, value in values.items() if value is not None]
        )


def _engine(counters: Counters) -> Iterator[Metric]:
    engine = counters.engine
    yield _counter("commits", "Transactions written to the store since the start.", (), [((), engine.commits)])
    yield _gauge("last_commit_seconds", "How long the last one took.", (), [((), engine.commit_seconds)])
    for name, text, value in (
        ("store_bytes", "Size of the store on disk, write-ahead log included.", engine.store_bytes),
        ("state_keys", "Things the detector watches: (stream, host, direction, reason).", engine.state_keys),
        (
            "state_keys_limit",
            "How many it may watch; at the limit the least telling are let go.",
            engine.state_keys_limit,
        ),
        ("pending_blocks", "Blocks read but not yet committed.", engine.pending_blocks),
        (
            "intake_paused",
            "1 while the store takes nothing (full disk, lock) and reading waits: nothing is lost, nothing seen.",
            int(engine.intake_paused),
        ),
    ):
        if value is not None:
            yield _gauge(name, text, (), [((), value)])


def _drops(counts: Mapping[str, StreamCounts]) -> dict[tuple[str, str], int]:
    drops = {(stream, cause): 0 for stream in counts for cause in KNOWN_DROP_CAUSES}
    for stream, of in counts.items():
        drops.update({(stream, cause): count for cause, count in of.dropped.items()})
    return drops


def _with_zeros(values: Mapping[str, int], streams: list[StreamStatus]) -> dict[tuple[str], int]:
    return {(stream.name,): 0 for stream in streams} | {(stream,): count for stream, count in values.items()}


def _counter(name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    metric = CounterMetricFamily(f"handspike_{name}", text, labels=labels)
    for key, value in values:
        metric.add_metric(_label_values(key), value)
    return metric


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    metric = GaugeMetricFamily(f"handspike_{name}", text, labels=labels)
    for key, value in values:
        metric.add_metric(_label_values(key), value)
    return metric


def _label_values(key: tuple[str, ...]) -> list[str]:
    """Bounded, and encodable: a lone surrogate would fail the whole page. The library escapes quotes and newlines."""
    return [value[:LONGEST_LABEL] if value.isascii() else _encodable(value[:LONGEST_LABEL]) for value in key]


def _encodable(value: str) -> str:
    return value.encode("utf-8", "replace").decode()
