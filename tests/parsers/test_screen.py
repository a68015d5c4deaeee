"""The screen finds every searchable text of the lexicon, in every spelling, and nothing across lines."""

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import screen
from parsers.lexicon import Entry, load
from parsers.lexicon.entry import SEARCHED
from parsers.lexicon.patterns import GAP, WILD, is_decoded

LEXICON = load()
ENTRIES = LEXICON.entries
SCREEN = screen.load()
SEARCHABLE = [entry for entry in ENTRIES if entry.kind in SEARCHED]
TEXTS = [entry for entry in SEARCHABLE if entry.kind not in ("code", "packed")]
CODES = [entry for entry in SEARCHABLE if entry.kind == "code"]


def written(entry: Entry) -> str:
    """The entry as a log might hold it."""
    text = entry.text.replace(GAP, "something else")
    if entry.kind not in ("code", "packed"):
        return text
    text = text.replace(WILD, "094" if entry.text.startswith("14") else "2AB")
    if text.lstrip("-").isdigit() or text.startswith("-0x"):
        return f"returned {text}" if text.startswith("-") else f"error:{text}"
    return f"error:{text}" if is_decoded(entry.text) or entry.kind == "packed" else text


def missing(entries: list[Entry], line: str = "2026-11-20 prefix {} suffix", change: Sequence[str] = ()) -> list[str]:
    """Texts of which neither the entry nor one of the same meaning is found in a line that holds it."""
    lost = []
    for entry in entries:
        text = written(entry)
        for old, new in zip(change[::2], change[1::2], strict=True):
            text = text.replace(old, new)
        found = [number for _, number in SCREEN.hits(line.format(text).encode())]
        if not any(number == entry.id or means_the_same(ENTRIES[number], entry) for number in found):
            lost.append(entry.text)
    return lost


def means_the_same(one: Entry, other: Entry) -> bool:
    return (one.reason, one.rejected_by, one.rank) == (other.reason, other.rejected_by, other.rank) or (
        one.kind == "packed" and is_decoded(other.text)
    )


def test_every_text_is_found() -> None:
    """Each, inside a line."""
    assert missing(TEXTS) == []


def test_every_code_is_found() -> None:
    """Each, where codes stand; those whose function number varies by their shape."""
    assert missing(CODES, line="fe~/1: {}:SSL routines") == []


def test_every_shape_of_codes_is_found() -> None:
    """A number no row lists."""
    assert missing([entry for entry in SEARCHABLE if entry.kind == "packed"], line="x {}:SSL routines") == []


def test_underscores_stand_for_spaces() -> None:
    """Envoy's access logs sanitize so."""
    assert missing([entry for entry in TEXTS if GAP not in entry.text], change=(" ", "_")) == []


def test_quotes_are_found_in_json_and_in_json_in_json() -> None:
    """A quote comes with one backslash or with three."""
    quoted = [entry for entry in TEXTS if '"' in entry.text]
    assert len(quoted) > 10
    assert missing(quoted, line='{{"msg":"{}"}}', change=('"', '\\"')) == []
    assert missing(quoted, change=('"', '\\\\\\"')) == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (rb'{"m":"\u003cEventID\u003e36876\u003c/EventID\u003e"}', "<EventID>36876</EventID>"),
        (rb"{x is not in the cert\u0027s list}", "is not in the cert's list"),
        ("“a.example” certificate is not trusted".encode(), "” certificate is not trusted"),
        (rb'{"m":"\u201ca.example\u201d certificate is not trusted"}', "” certificate is not trusted"),
    ],
)  # fmt: skip
def test_escapes_of_json_writers(line: bytes, text: str) -> None:
    """Go escapes <, > and &, Gson the apostrophe, Python everything beyond ASCII."""
    assert text in [ENTRIES[number].text for _, number in SCREEN.hits(line)]


def test_hits_come_in_order_with_their_ends() -> None:
    """The end of a hit lies in its line, so the reader finds the record around it."""
    first = b"error:0A0000C1:SSL routines::no shared cipher\n"
    second = b"remote error: tls: bad certificate\n"
    hits = SCREEN.hits(b"healthy\n" * 3 + first + second)
    assert [(end, ENTRIES[number].text) for end, number in hits] == [
        (24 + len("error:0A0000C1"), "0A0000C1"),
        (24 + len(first) - 1, "no shared cipher"),
        (24 + len(first) + len(second) - 1, "remote error: tls: bad certificate"),
    ]


def test_a_code_at_the_end_of_a_line_ends_there() -> None:
    """The boundary after a code is not part of it."""
    assert [end for end, _ in SCREEN.hits(b"ssl_fc_err=0A000418\nhealthy\n")][-1] == 19


@pytest.mark.parametrize("cut", ["\n", "\r\n"])
def test_nothing_matches_across_lines(cut: str) -> None:
    """Half a text on either line is no text."""
    for text in ("no shared cipher", "TLS handshake error from …: EOF", "Received fatal alert: unknown_ca"):
        wanted = LEXICON.ids_of(text)[0]
        head, _, tail = text.replace(GAP, "x").partition(" ")
        assert wanted not in [number for _, number in SCREEN.hits(f"{head}{cut}{tail}".encode())]


def test_a_gap_is_reported_once_a_line() -> None:
    """Several ends of one gap are one hit; the next line has its own."""
    wanted = LEXICON.ids_of("TLS handshake error from …: EOF")[0]
    line = b"http: TLS handshake error from 192.0.2.7:1: EOF: EOF: EOF\n"
    assert [number for _, number in SCREEN.hits(line * 2)].count(wanted) == 2


@pytest.mark.parametrize(
    ("line", "text"),
    [(b"id 0A000418FF", "0A000418"), (b"id FF0A000418", "0A000418"), (b"SSL alert number 480", "SSL alert number 48"),
     (b"net_error -2012", "net_error -201"), (b"12684355810", "268435581")],
)  # fmt: skip
def test_codes_stand_alone(line: bytes, text: str) -> None:
    """Longer numbers are other numbers."""
    assert text not in [ENTRIES[number].text for _, number in SCREEN.hits(line)]


@pytest.mark.parametrize(
    "line", [b"_0A000418_", b"|268435581:", b"(0A0000C1)", b"000000000A0000C1", b"=A000418+", b"0a000418"]
)
def test_codes_between_any_marks(line: bytes) -> None:
    """Underscores are marks; leading zeros come and go; so does case."""
    assert len(SCREEN.hits(line)) == 1


def test_a_memoryview_will_do() -> None:
    """Blocks need not be copied."""
    block = b"x no shared cipher y\n"
    assert SCREEN.hits(memoryview(block)) == SCREEN.hits(block)


@given(st.binary(max_size=400))
def test_any_bytes_are_survived(block: bytes) -> None:
    """NUL, half UTF-8, anything."""
    for end, number in SCREEN.hits(block):
        assert 0 < end <= len(block)
        assert ENTRIES[number].kind in SEARCHED


def test_threads_may_share_it() -> None:
    """Each thread has its own scratch space."""
    block = b"error:0A0000C1:SSL routines::no shared cipher\n" * 2000
    expected = SCREEN.hits(block)
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(SCREEN.hits(block) == expected)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


def test_a_typical_failing_line_causes_few_hits() -> None:
    """Every hit costs; overlapping entries of one meaning are left out."""
    line = (
        b"2026/11/20 23:43:43 [error] 598#598: *1045 SSL_do_handshake() failed (SSL: error:0A000415:SSL routines::"
        b"sslv3 alert certificate expired:SSL alert number 45) while SSL handshaking to upstream, client: 192.0.2.9\n"
    )
    assert len(SCREEN.hits(line)) <= 4


def test_an_entry_that_only_repeats_another_is_not_searched() -> None:
    """A longer text of the same meaning adds nothing; one of another meaning does."""

    def entry(number: int, text: str, reason: str) -> Entry:
        return Entry(number, "x", "text", text, reason, "local", 2, None, "-", "test")

    small = screen.Screen.compile(
        [
            entry(0, "no cipher", "no_shared_cipher"),
            entry(1, "there is no cipher", "no_shared_cipher"),
            entry(2, "no cipher but a key", "weak_parameters"),
        ]
    )
    assert [number for _, number in small.hits(b"there is no cipher but a key")] == [0, 2]
