"""Times as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.times import parse, rfc3339


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    """To the millisecond."""
    assert round(parse(rfc3339(milliseconds / 1000), 0.0) * 1000) == milliseconds


@given(st.floats())
def test_every_number_has_a_text(epoch: float) -> None:
    """Hostile clocks included: the text always has the same length."""
    assert len(rfc3339(epoch)) == 24


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("now", 100_000.0),
        ("-1h", 96_400.0),
        ("-15m", 99_100.0),
        ("now-1h30m", 94_600.0),
        ("+10s", 100_010.0),
        ("-1d", 13_600.0),
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01T02:00:00.250+01:00", 3_600.25),
        ("1970-01-01 00:00:01z", 1.0),
    ],
)
def test_times_are_absolute_or_relative(text: str, seconds: float) -> None:
    """RFC 3339, or from now."""
    assert parse(text, 100_000.0) == seconds


@pytest.mark.parametrize("text", ["", "1h", "yesterday", "2026-13-01T00:00:00Z", "2026-11-20", "-", "-1y", "٣" * 20])
def test_anything_else_is_told_what_is_accepted(text: str) -> None:
    """The message names the value and the way out."""
    with pytest.raises(ValueError, match="RFC 3339 time such as 2026-11-20T23:42:22Z, or relative to now"):
        parse(text, 0.0)
