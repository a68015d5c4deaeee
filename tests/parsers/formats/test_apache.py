"""apache, held to its samples."""

from contextlib import suppress

import pytest
from sample_files import Sample, check, said_of, samples

from parsers.formats import apache
from parsers.formats.apache import complete, joins
from parsers.reader import Reader
from parsers.record import MalformedRecordError, Record, Settings


@pytest.mark.parametrize("sample", samples("apache"))
def test_a_record_tells_what_its_sample_says(sample: Sample) -> None:
    """Fields as stated above the record; null is silence."""
    check("apache", sample)


def test_threads_that_write_in_turn_are_joined_each_with_its_own() -> None:
    """pid and tid, not neighbourhood, make a record."""
    event = b"[Sat Nov 21 01:05:51.0001%02d 2026] [ssl:info] [pid 7:tid %d] [client 192.0.2.%d:51000] "
    event += b"AH02008: SSL library error 1 in handshake (server shop.example:443)"
    library = b"[Sat Nov 21 01:05:51.0002%02d 2026] [ssl:info] [pid 7:tid %d] SSL Library Error: error:%b"
    lines = [event % (n, n, n) for n in (1, 2)]
    lines += [
        library % (1, 1, b"0A0000C1:SSL routines::no shared cipher"),
        library % (2, 2, b"0A000102:SSL routines::unsupported protocol"),
    ]
    reading = Reader("apache", Settings()).read(b"\n".join(lines) + b"\n")
    assert sorted((f.peer, f.reason) for f in reading.failures) == [
        ("192.0.2.1:51000", "no_shared_cipher"),
        ("192.0.2.2:51000", "version_mismatch"),
    ]
    assert reading.consumed == sum(len(line) + 1 for line in lines)


def test_the_same_thread_a_second_later_is_another_failure() -> None:
    """Two connections of one thread are two failures."""
    event = b"[Sat Nov 21 01:05:5%d.000100 2026] [ssl:info] [pid 7:tid 9] [remote 192.0.2.7:443] "
    event += b"AH02003: SSL Proxy connect failed"
    first, second = event % 1, event % 3
    assert not joins([first], second)
    assert not complete([first])


@pytest.mark.parametrize("sample", samples("apache"))
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing_else(sample: Sample) -> None:
    """Hostile bytes are a fact, silence, or malformed."""
    said = said_of(sample.text)
    for at in range(0, len(sample.text), 7):
        for text in (sample.text[:at], sample.text[:at] + b'\xff\x00[{"' + sample.text[at + 5 :]):
            with suppress(MalformedRecordError):
                apache.read(Record(text, Settings()), said)
