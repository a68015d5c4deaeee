"""What `/metrics` says, and how it survives names that an attacker chose."""

import re
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from service.metrics import render
from service.store.commit import StreamCounts
from service.view import Counters, EngineGauges, SpikeKey, StreamStatus
from tests.service.api_fakes import FakeView

CONTRACT = {
    "handspike_handshake_failures_total": {"stream", "hop", "family", "reason", "direction"},
    "handspike_host_handshake_failures_total": {"stream", "host"},
    "handspike_window_failures": {"stream", "host"},
    "handspike_spike_active": {"stream", "hop", "host", "family", "reason", "direction"},
    "handspike_spike_onset_timestamp_seconds": {"stream", "hop", "host", "family", "reason", "direction"},
    "handspike_spikes_total": {"stream", "hop", "family"},
    "handspike_incidents_open": set(),
    "handspike_lines_total": {"stream"},
    "handspike_bytes_total": {"stream"},
    "handspike_candidates_total": {"stream"},
    "handspike_unrecognized_total": {"stream"},
    "handspike_dropped_total": {"stream", "cause"},
    "handspike_late_total": {"stream"},
    "handspike_hosts_folded_total": {"stream"},
    "handspike_stream_up": {"stream"},
    "handspike_stream_lag_seconds": {"stream"},
    "handspike_last_record_timestamp_seconds": {"stream"},
    "handspike_clock_offset_seconds": {"stream"},
    "handspike_alert_deliveries_total": {"receiver", "outcome"},
    "handspike_build_info": {"version", "python"},
}
SPIKE = SpikeKey("lb", "lb", "api.shop.example", "certificate", "expired", "downstream")
HOSTILE = 'a"b\\c\nhandspike_incidents_open 99\n{x="é\udcff'


@pytest.fixture
def view() -> FakeView:
    counts = StreamCounts(
        lines=1000, bytes=90_000, candidates=12, failures=9, unrecognized=3, late=2, dropped={"gap": 4}
    )
    view = FakeView([StreamStatus("lb", "lb", "haproxy", "reading", "", 0.25, 1_795_218_142.5, -0.5, {}, counts)])
    view.counted = Counters(
        streams={"lb": counts},
        failures={("lb", "lb", "certificate", "expired", "downstream"): 9},
        hosts={("lb", "api.shop.example"): 7, ("lb", "__unknown__"): 2},
        hosts_folded={"lb": 1},
        window={("lb", "api.shop.example"): 5},
        spikes_active={SPIKE: 1},
        spike_onsets={SPIKE: 1_795_218_142.0},
        spikes_total={("lb", "lb", "certificate"): 1},
        incidents_open=1,
        deliveries={("alertmanager", "success"): 3},
        engine=EngineGauges(store_bytes=4096, state_keys=5, state_keys_limit=100),
    )
    return view


def samples(view: FakeView, accept: str = "") -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    body, content_type = render(view, accept)
    parse = parse_openmetrics if "openmetrics" in content_type else parse_text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(body.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_every_metric_of_the_contract_is_there_with_its_labels(view: FakeView, accept: str) -> None:
    """Both formats show exactly the contract's names and labels."""
    labels: dict[str, set[str]] = {}
    for name, pairs in samples(view, accept):
        labels.setdefault(name, set()).update(label for label, _ in pairs)
    assert {name: found for name, found in labels.items() if name in CONTRACT} == CONTRACT


def test_the_values_are_those_of_the_view(view: FakeView) -> None:
    """Each number appears under its own name and labels."""
    found = samples(view)
    lb = ("stream", "lb")
    spike = frozenset(zip(SPIKE._fields, SPIKE, strict=True))
    expired = {lb, ("hop", "lb"), ("family", "certificate"), ("reason", "expired")}
    assert found["handspike_handshake_failures_total", frozenset(expired | {("direction", "downstream")})] == 9
    assert found["handspike_handshake_failures_total", frozenset(expired | {("direction", "upstream")})] == 0
    assert found["handspike_host_handshake_failures_total", frozenset({lb, ("host", "__unknown__")})] == 2
    assert found["handspike_window_failures", frozenset({lb, ("host", "api.shop.example")})] == 5
    assert found["handspike_spike_active", spike] == 1
    assert found["handspike_spike_onset_timestamp_seconds", spike] == 1_795_218_142.0
    assert found["handspike_dropped_total", frozenset({lb, ("cause", "gap")})] == 4
    assert found["handspike_dropped_total", frozenset({lb, ("cause", "line_too_long")})] == 0
    assert found["handspike_stream_lag_seconds", frozenset({lb})] == 0.25
    assert found["handspike_last_record_timestamp_seconds", frozenset({lb})] == 1_795_218_142.5
    assert found["handspike_clock_offset_seconds", frozenset({lb})] == -0.5
    assert (
        found["handspike_alert_deliveries_total", frozenset({("receiver", "alertmanager"), ("outcome", "success")})]
        == 3
    )
    assert [found[f"handspike_{name}_total", frozenset({lb})] for name in ("lines", "bytes", "candidates")] == [
        1000,
        90_000,
        12,
    ]
    assert [found[f"handspike_{name}_total", frozenset({lb})] for name in ("unrecognized", "late", "hosts_folded")] == [
        3,
        2,
        1,
    ]


def test_a_stream_starts_with_all_its_series_at_zero_and_an_app_only_calls() -> None:
    """31 reasons on both legs of a hop, on the upstream leg of an app."""
    view = FakeView([StreamStatus("edge", "edge", "nginx", "reading"), StreamStatus("orders", "app", "app", "reading")])
    failures = {
        labels: value for (name, labels), value in samples(view).items() if name.endswith("handshake_failures_total")
    }
    assert set(failures.values()) == {0}
    assert sum(("stream", "edge") in labels for labels in failures) == 62
    assert sum(("stream", "orders") in labels for labels in failures) == 31
    assert all(("direction", "upstream") in labels for labels in failures if ("stream", "orders") in labels)


@pytest.mark.parametrize(("state", "up"), [("reading", 1), ("waiting", 0), ("failed", 0)])
def test_a_stream_that_is_not_being_read_is_not_up(state: str, up: int) -> None:
    """A missing log is as blind as an unreadable one."""
    found = samples(FakeView([StreamStatus("edge", "edge", "nginx", state)]))
    assert found["handspike_stream_up", frozenset({("stream", "edge")})] == up


def test_what_is_unknown_has_no_series() -> None:
    """No lag, no last record and no offset is said by absence, never by 0."""
    names = {name for name, _ in samples(FakeView())}
    assert not names & {
        "handspike_stream_lag_seconds",
        "handspike_last_record_timestamp_seconds",
        "handspike_clock_offset_seconds",
    }


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_a_hostile_name_stays_inside_its_label(view: FakeView, accept: str) -> None:
    """Quotes, backslashes, newlines and broken Unicode forge no sample and break no page."""
    view.counted.hosts = {("lb", HOSTILE): 1}
    found = samples(view, accept)
    assert found["handspike_incidents_open", frozenset()] == 1
    assert (
        found["handspike_host_handshake_failures_total", frozenset({("stream", "lb"), ("host", HOSTILE[:-1] + "?")})]
        == 1
    )


def test_a_label_is_bounded(view: FakeView) -> None:
    """A name of any length takes 255 characters at most."""
    view.counted.window = {("lb", "x" * 10_000): 1}
    assert ("handspike_window_failures", frozenset({("stream", "lb"), ("host", "x" * 255)})) in samples(view)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text; version=oops", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0\u00e9", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_the_format_is_negotiated_and_nonsense_gets_plain_text(view: FakeView, accept: str, content_type: str) -> None:
    """Whatever Accept says, there is an answer that Prometheus can read."""
    body, answered = render(view, accept)
    assert answered.startswith(content_type)
    assert body.endswith(b"# EOF\n") is ("openmetrics" in content_type)


def test_each_metric_has_a_help_text_of_its_own(view: FakeView) -> None:
    """Two lines of head for every name, no text twice."""
    helps = re.findall(r"^# HELP (\S+) (.+)$", render(view)[0].decode(), re.MULTILINE)
    assert len(helps) == len({name for name, _ in helps}) == len({text for _, text in helps})
    assert all(len(text) > 12 for _, text in helps)


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_ten_thousand_hosts_take_less_than_a_second(view: FakeView, accept: str) -> None:
    """A scrape of the largest page stays far below Prometheus' timeout (processor time, not the clock on the wall)."""
    view.counted.hosts = {("lb", f"host-{n}.shop.example"): n for n in range(10_000)}
    began = time.process_time()
    body, _ = render(view, accept)
    assert time.process_time() - began < 1.0
    assert body.count(b"handspike_host_handshake_failures_total{") == 10_000
