"""Times as logs write them."""

import doctest
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import timestamps
from parsers.record import Settings

AT = 1795218142.0
"""2026-11-20T23:42:22Z."""
SETTINGS = Settings(reference=AT)


def test_the_examples_in_the_docstrings_hold() -> None:
    """The module's own examples."""
    assert doctest.testmod(timestamps).failed == 0


@pytest.mark.parametrize(
    ("line", "time", "resolution"),
    [
        (b"2026/11/20 23:42:22 [info] 1#1: x", AT, 1.0),
        (b"2026-11-20 23:42:22,178 ERROR [x] y", AT + 0.178, 0.001),
        (b"2026.11.20 23:42:22 LOG5[ui]: x", AT, 1.0),
        (b"2026-11-21T00:42:22.5+01:00 x", AT + 0.5, 0.1),
        (b'[2026-11-20T23:42:22.101Z] "GET', AT + 0.101, 0.001),
        (b"[2026-11-20 23:42:22.101][12][info] x", AT + 0.101, 0.001),
        (b"[2026-11-20 23:42:22 +0000] [1] [INFO] x", AT, 1.0),
        (b'192.0.2.1 - - [20/Nov/2026:23:42:22 +0000] "GET / HTTP/1.1" 200', AT, 1.0),
        (b'192.0.2.1 - user [21/Nov/2026:00:42:22 +0100] "GET', AT, 1.0),
        (b"192.0.2.7:4 [20/Nov/2026:23:42:22.012] fe", AT + 0.012, 0.001),
        (b"[Fri Nov 20 23:42:22.013056 2026] [ssl:info] x", AT + 0.013056, 1e-6),
        (b"Nov 20 23:42:22 lb1 haproxy[1]: x", AT, 1.0),
        (b"<134>Nov 20 23:42:22 lb1 haproxy[1]: x", AT, 1.0),
        (b"<13>1 2026-11-20T23:42:22.003Z h a - - - x", AT + 0.003, 0.001),
        (b"I1120 23:42:22.123456       1 server.go:1] x", AT + 0.123456, 1e-6),
        (b'time="2026-11-20T23:42:22Z" level=error', AT, 1.0),
        (b'{"level":"error","ts":1795218142.25,"msg":"x"}', AT + 0.25, 0.01),
        (b'{"msg":"x","time":"2026-11-20T23:42:22.5Z"}', AT + 0.5, 0.1),
        (b'{"date":"today","start_time":"2026-11-20T23:42:22.863Z"}', AT + 0.863, 0.001),
        (b'{"timestamp":1795218142250}', AT + 0.25, 0.001),
        (b'{"t":{"$date":"2026-11-20T23:42:22.000+00:00"},"s":"I"}', AT, 0.001),
        (b"1795218142.123    12 192.0.2.1 TCP_MISS", AT + 0.123, 0.001),
    ],
)
def test_the_time_of_any_usual_line_is_found(line: bytes, time: float, resolution: float) -> None:
    """Shape by shape, with how exact it is."""
    found = timestamps.leading(line, SETTINGS)
    assert found == (pytest.approx(time, abs=1e-6), resolution)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Traceback (most recent call last):",
        b"\xff\x00\x80",
        b"9999/99/99 99:99:99 x",
        b"Foo 99 99:99:99 x",
        b"{}",
    ],
)
def test_a_line_without_a_time_has_none(line: bytes) -> None:
    """Nonsense is None, never raised."""
    assert timestamps.leading(line, SETTINGS) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_leading_raise(line: bytes) -> None:
    """Log text is hostile."""
    for start in (b"", b"[", b'{"time":"', b"2026-11-20T23:42:22", b"I1120 ", b"Nov 20 ", b"<1>"):
        found = timestamps.leading(start + line, SETTINGS)
        assert found is None or math.isfinite(found[0])


@pytest.mark.parametrize(
    "wrong",
    [b"", b"x", b"2026/13/01 00:00:00", b"2026/02/30 00:00:00", b"2026/11/20 24:00:00", b"2026/11/20 23:42:22.x"],
)
def test_nonsense_is_a_value_error(wrong: bytes) -> None:
    """Formats turn it into an unrecognized record."""
    for read in (timestamps.local, timestamps.clf, timestamps.iso, timestamps.apache):
        with pytest.raises(ValueError):
            read(wrong, "UTC")
    with pytest.raises(ValueError):
        timestamps.syslog(wrong, "UTC", AT)


def test_a_zone_that_does_not_exist_says_so() -> None:
    """The message names it and the way out."""
    with pytest.raises(ValueError, match="'CETT' is no time zone"):
        timestamps.local(b"2026/11/20 23:42:22", "CETT")


def test_summer_and_winter_time_are_the_zones_own() -> None:
    """Two hours ahead in July, one in November; the hour that comes twice is the first."""
    assert timestamps.local(b"2026/07/01 02:00:00", "Europe/Berlin") == _utc(2026, 7, 1)
    assert timestamps.local(b"2026/11/21 01:00:00", "Europe/Berlin") == _utc(2026, 11, 21)
    assert timestamps.local(b"2026/10/25 02:30:00", "Europe/Berlin") == _utc(2026, 10, 25, 0, 30)


def test_a_leap_second_is_the_second_after() -> None:
    """23:59:60 is midnight."""
    assert timestamps.iso(b"2016-12-31T23:59:60Z", "UTC") == _utc(2017, 1, 1)


@pytest.mark.parametrize(
    ("reference", "written", "expected"),
    [
        ((2027, 1, 1), b"Dec 31 23:59:59", (2026, 12, 31, 23, 59, 59)),
        ((2026, 12, 31, 23, 0), b"Jan  1 00:10:00", (2027, 1, 1, 0, 10)),
        ((2026, 11, 20), b"Nov 21 00:00:00", (2026, 11, 21)),
        ((2026, 11, 20), b"Nov 21 00:00:01", (2025, 11, 21, 0, 0, 1)),
        ((2027, 3, 1), b"Feb 29 12:00:00", (2024, 2, 29, 12)),
        ((2028, 3, 1), b"Feb 29 12:00:00", (2028, 2, 29, 12)),
    ],
)
def test_a_year_that_is_not_written_is_the_last_one_possible(
    reference: tuple[int, ...], written: bytes, expected: tuple[int, ...]
) -> None:
    """Not more than a day ahead of the reference: turns of the year and leap days included."""
    assert timestamps.syslog(written, "UTC", _utc(*reference)) == _utc(*expected)


def test_klog_counts_months_by_number() -> None:
    """``1231`` on New Year's Day is yesterday."""
    assert timestamps.klog(b"1231 23:59:59.250000", "UTC", _utc(2027, 1, 1)) == _utc(2026, 12, 31, 23, 59, 59) + 0.25


def test_the_memory_of_seconds_is_bounded() -> None:
    """A log of many years does not make it grow."""
    for second in range(3 * timestamps._MEMO_SIZE):
        written = datetime.fromtimestamp(second * 61, UTC).strftime("%Y/%m/%d %H:%M:%S").encode()
        assert timestamps.local(written, "UTC") == second * 61
    assert len(timestamps._seconds["UTC"]) <= timestamps._MEMO_SIZE


def _utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]
