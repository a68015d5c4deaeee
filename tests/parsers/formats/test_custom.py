"""Formats of the users' own: a pattern or JSON keys, texts of their own, and a pattern that never comes to an end."""

import json
import time

import pytest

from parsers import registry
from parsers.custom_format import CustomFormat, OwnText, PatternError, check_pattern, check_reason
from parsers.formats.custom import PATIENCE, Custom
from parsers.reader import Reader
from parsers.record import Settings

GATE = CustomFormat(
    name="gate",
    pattern=r"^(?P<time>\S+) gate\[(?P<direction>\w+)\] peer=(?P<peer>\S+) sni=(?P<host>\S+) (?P<message>.*)$",
    texts=(
        OwnText("GATE-4711", "expired"),
        OwnText("no common suite", "no_shared_cipher", "local"),
        OwnText("handshake", "timeout"),
    ),
)
LINE = b"2026-11-20T10:15:02Z gate[in] peer=192.0.2.9:5100 sni=shop.example GATE-4711 too old\n"
JSON = CustomFormat(
    name="jgate",
    json={"time": "time", "host": "tls.sni", "peer": "src", "message": "message", "direction": "leg"},
    texts=(OwnText("bad chain", "unknown_issuer"),),
)
EVIL = CustomFormat(name="evil", pattern=r"^(?P<message>(?:a|aa)+)$", texts=(OwnText("aaaa", "timeout"),))


@pytest.fixture(autouse=True)
def _installed() -> object:
    registry.install({one.name: lambda one=one: Custom(one) for one in (GATE, JSON, EVIL)})
    yield
    registry.install({})


def reader(name: str, hop: str = "edge") -> Reader:
    return Reader(name, Settings(hop=hop))  # type: ignore[arg-type]


def test_a_patterns_groups_and_a_text_of_ones_own_make_a_failure() -> None:
    reading = reader("gate").read(LINE)
    [found] = reading.failures
    assert (found.reason, found.direction, found.host, found.peer) == (
        "expired", "downstream", "shop.example", "192.0.2.9:5100",
    )  # fmt: skip
    assert (found.time, found.message, found.format) == (1795169702.0, b"GATE-4711 too old", "gate")
    assert (reading.candidates, reading.unrecognized, reading.consumed) == (1, 0, len(LINE))


def test_a_text_of_ones_own_wins_over_every_other_even_over_one_that_contains_it() -> None:
    """ "handshake" is part of texts that the lexicon knows; the user says that it means a timeout."""
    line = b"2026-11-20T10:15:02Z gate[out] peer=192.0.2.9:5100 sni=- sslv3 alert handshake failure\n"
    [found] = reader("gate").read(line).failures
    assert (found.reason, found.direction, found.host) == ("timeout", "upstream", None)


def test_what_the_lexicon_knows_needs_no_text() -> None:
    line = b"2026-11-20T10:15:02Z gate[in] peer=192.0.2.9:5100 sni=a.example tlsv1 alert unknown ca\n"
    [found] = reader("gate").read(line).failures
    assert (found.reason, found.rejected_by, found.alert) == ("unknown_issuer", "peer", 48)


def test_ones_own_texts_are_searched_for_in_the_streams_of_that_format_alone() -> None:
    """ "handshake" alone would make candidates of half of nginx's log."""
    line = b"2026/11/20 10:15:02 [info] 31#31: *7 GATE-4711 no common suite, client: 192.0.2.9, server: a\n"
    assert reader("nginx").read(line).candidates == 0
    assert reader("auto").read(line).candidates == 0


def test_json_keys_may_be_dotted_and_an_object_that_looks_like_an_envelope_stays_whole() -> None:
    """``time`` and ``message`` alone are what shippers write, too."""
    record = {"time": "2026-11-20T10:15:02Z", "message": "bad chain", "tls": {"sni": "A.example"}, "src": "192.0.2.9:1"}
    for extra in ({"leg": "backend"}, {"leg": "client"}, {}):
        [found] = reader("jgate").read(json.dumps(record | extra).encode() + b"\n").failures
        assert (found.reason, found.host, found.peer) == ("unknown_issuer", "a.example", "192.0.2.9:1")
        assert found.direction == ("upstream" if extra.get("leg") == "backend" else "downstream")


@pytest.mark.parametrize("inner", [LINE.rstrip(), b""])
def test_envelopes_are_peeled_before_the_pattern_looks(inner: bytes) -> None:
    wrapped = b"2026-11-20T10:15:03.5Z stderr F " + (inner or LINE.rstrip()) + b"\n"
    [found] = reader("gate").read(wrapped).failures
    assert found.host == "shop.example"


def test_a_record_that_the_pattern_does_not_match_is_unrecognized() -> None:
    reading = reader("gate").read(b"GATE-4711 and nothing else\n")
    assert (reading.failures, reading.unrecognized, reading.timeouts) == ([], 1, 0)
    reading = reader("gate").read(LINE.replace(b"2026-11-20T10:15:02Z", b"yesterday"))
    assert (reading.failures, reading.unrecognized) == ([], 1)


def test_a_pattern_that_never_ends_costs_milliseconds_is_counted_and_others_are_still_read() -> None:
    """``(a|aa)+$`` on sixty a's and an exclamation mark would run for years."""
    bad, good = b"a" * 60 + b"!\n", b"aaaaaaaa\n"
    started = time.process_time()
    reading = reader("evil").read(bad + good + bad + good)
    assert time.process_time() - started < 1.0
    assert (reading.timeouts, reading.unrecognized, len(reading.failures)) == (2, 2, 2)


def test_a_pattern_that_times_out_again_and_again_is_only_tried_now_and_then() -> None:
    """A thousand bad records in a row cost a few tries, not a thousand times the limit; then it reads again."""
    stream = reader("evil")
    started = time.process_time()
    reading = stream.read((b"a" * 60 + b"!\n") * 1_000)
    assert time.process_time() - started < 20 * (PATIENCE + 10) * 0.005
    assert reading.timeouts == 1_000
    reading = stream.read(b"aaaaaaaa\n" * 2_000)
    assert len(reading.failures) > 0
    assert len(reading.failures) + reading.timeouts == 2_000


def test_each_stream_has_its_own_count() -> None:
    one, other = reader("evil"), reader("evil")
    assert one.read(b"a" * 60 + b"!\n").timeouts == 1
    assert other.read(b"aaaaaaaa\n").timeouts == 0


@pytest.mark.parametrize(
    "junk", [b"\xff\xfe GATE-4711 \x00\n", b"GATE-4711" * 9_000 + b"\n", b'{"message": "bad chain"\n']
)
def test_no_bytes_make_it_raise(junk: bytes) -> None:
    for name in ("gate", "jgate", "evil"):
        reading = reader(name).read(junk, final=True)
        assert reading.failures == []


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(?P<time>", "is no regular expression"),
        ("abc", "names no group"),
        ("(?P<hots>.)", '"hots" is no group of mine (did you mean "host"?)'),
        ("(?P<host>a{99999999999})", ""),
        ("x" * 5_000, "has 5,000 characters"),
    ],
)
def test_a_bad_pattern_is_told_what_is_wrong(pattern: str, told: str) -> None:
    with pytest.raises(PatternError) as caught:
        check_pattern(pattern)
    assert told in str(caught.value)


def test_a_reason_may_be_written_with_its_family_and_a_wrong_one_gets_a_hint() -> None:
    check_reason("expired")
    check_reason("certificate/expired")
    with pytest.raises(PatternError, match='did you mean "certificate/expired"'):
        check_reason("expird")
    with pytest.raises(PatternError):
        check_reason("sni/expired")
