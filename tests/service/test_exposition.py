"""What counters of failed handshakes rose by between two expositions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.reader import Reader
from parsers.record import Settings
from service.sources import exposition
from service.sources.exposition import increases, read, render

ERRORS = "envoy_listener_ssl_connection_error"
TEXT = """\
# TYPE envoy_listener_ssl_connection_error counter
envoy_listener_ssl_connection_error{envoy_listener_address="0.0.0.0_443"} %d
envoy_listener_ssl_connection_error{envoy_listener_address="0.0.0.0_8443"} 2
# TYPE envoy_listener_ssl_no_certificate counter
envoy_listener_ssl_no_certificate{envoy_listener_address="0.0.0.0_443"} 900
# TYPE envoy_http_downstream_rq histogram
envoy_http_downstream_rq_bucket{le="0.5"} 12
"""


def rises(before: str, after: str) -> dict[str, int]:
    found = increases(read(before.encode()).values, read(after.encode()).values)
    return {f"{metric}{dict(labels)}": by for (metric, labels), by in ((each.series, each.by) for each in found)}


def test_a_rise_is_told_by_series() -> None:
    """Only of counters of failures, and only of those that rose."""
    assert rises(TEXT % 5, TEXT % 9) == {ERRORS + "{'envoy_listener_address': '0.0.0.0_443'}": 4}


def test_a_counter_that_fell_began_anew() -> None:
    """The target was started again: all that it counts now came after that."""
    assert rises(TEXT % 500, TEXT % 3) == {ERRORS + "{'envoy_listener_address': '0.0.0.0_443'}": 3}


def test_a_counter_that_was_not_there_counts_from_0() -> None:
    """Many programs show a counter only from its first failure on."""
    assert rises("", f"{ERRORS}_total 2\n") == {ERRORS + "_total{}": 2}


def test_what_two_counters_count_is_counted_once() -> None:
    """NGINX Plus counts a missing cipher among all failed handshakes, too."""
    before = "nginxplus_ssl_handshakes_failed 10\nnginxplus_ssl_no_common_cipher 4\n"
    after = "nginxplus_ssl_handshakes_failed 17\nnginxplus_ssl_no_common_cipher 9\n"
    assert rises(before, after) == {"nginxplus_ssl_handshakes_failed{}": 2, "nginxplus_ssl_no_common_cipher{}": 5}


@pytest.mark.parametrize("line", ["{", '{a="b} 1', " NaN", " -3", " +Inf", " x", '{a="' + "b" * 9000 + '"} 1'])
def test_a_line_that_can_not_be_read_costs_no_other(line: str) -> None:
    """It is counted as dropped."""
    counts = read(f"{ERRORS}{line}\n{ERRORS} 7\n".encode())
    assert (list(counts.values.values()), counts.dropped) == ([7.0], 1)


def test_openmetrics_is_read_too() -> None:
    """With exemplars, and ``_total`` after the name."""
    counts = read(f'{ERRORS}_total{{a="b"}} 7 # {{trace_id="1"}} 1.0 1795218142.0\n# EOF\n'.encode())
    assert counts.values == {(ERRORS + "_total", (("a", "b"),)): 7.0}


def test_the_number_of_series_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond is dropped, and counted so."""
    monkeypatch.setattr(exposition, "MOST_SERIES", 10)
    counts = read("".join(f'{ERRORS}{{a="{at}"}} 1\n' for at in range(15)).encode())
    assert (len(counts.values), counts.dropped) == (10, 5)


def test_rendered_increases_are_read_back() -> None:
    """As so many failures, at the time of the look, as exact as the time since the one before."""
    found = increases(read((TEXT % 5).encode()).values, read((TEXT % 9).encode()).values)
    reading = Reader("counters", Settings()).read(render(found, "http://t/", 1795218142.5, 15.0), final=True)
    (failure,) = reading.failures
    assert (failure.count, failure.time, failure.resolution) == (4, 1795218142.5, 15.0)
    assert reading.last_time == 1795218142.5


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(text: bytes) -> None:
    """After a known name, too."""
    read(text)
    read(ERRORS.encode() + text)
