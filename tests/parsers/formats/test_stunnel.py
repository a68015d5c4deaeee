"""stunnel, held to its samples; the lines of one handshake are one failure."""

import pytest
from joined_samples import check, facts, torture
from trace_samples import Labelled, labelled

from parsers.failure import Failure
from parsers.formats import stunnel
from parsers.reader import Reader
from parsers.record import Settings

ALL = labelled("stunnel")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_tells_what_its_sample_says(sample: Labelled) -> None:
    """Fields as stated above the record; null is silence."""
    check("stunnel", sample)


@pytest.mark.parametrize("sample", ALL)
def test_auto_knows_the_shape(sample: Labelled) -> None:
    """Nobody else writes ``LOG3[7]:``."""
    check("auto", sample, written_by="stunnel")


@pytest.mark.parametrize("sample", ALL)
def test_hostile_bytes_raise_nothing_else(sample: Labelled) -> None:
    """A fact, silence, or malformed."""
    torture(stunnel, sample)


def test_connections_that_fail_at_once_keep_their_own_clients() -> None:
    """The id, not neighbourhood, makes a record."""
    lines = [
        b"2026.11.21 01:28:43 LOG5[7]: Service [shop] accepted connection from 192.0.2.7:50201",
        b"2026.11.21 01:28:43 LOG5[8]: Service [shop] accepted connection from 192.0.2.8:60875",
        b"2026.11.21 01:28:43 LOG3[8]: SSL_accept: rec.c:1601: error:0A000418:SSL routines::tlsv1 alert unknown ca",
        b"2026.11.21 01:28:43 LOG3[7]: SSL_accept: srvr.c:2226: error:0A0000C1:SSL routines::no shared cipher",
    ]
    found = facts("stunnel", b"\n".join(lines))
    assert sorted((one.peer, one.reason) for one in found if isinstance(one, Failure)) == [
        ("192.0.2.7:50201", "no_shared_cipher"),
        ("192.0.2.8:60875", "unknown_issuer"),
    ]


def test_a_client_that_dawdles_loses_its_address_not_its_failure() -> None:
    """Past the time in which lines are joined the call that failed stands alone."""
    lines = [
        b"2026.11.21 01:28:43 LOG5[7]: Service [shop] accepted connection from 192.0.2.7:50201",
        b"2026.11.21 01:28:53 LOG3[7]: SSL_accept: srvr.c:2226: error:0A0000C1:SSL routines::no shared cipher",
    ]
    (found,) = facts("stunnel", b"\n".join(lines))
    assert isinstance(found, Failure)
    assert (found.peer, found.reason) == (None, "no_shared_cipher")


def test_a_block_cut_between_the_lines_comes_again() -> None:
    """The accepted connection waits for its end, and is not consumed before."""
    first = b"2026.11.21 01:28:43 LOG5[7]: Service [shop] accepted connection from 192.0.2.7:50201\n"
    last = b"2026.11.21 01:28:43 LOG3[7]: SSL_accept: srvr.c:2226: error:0A0000C1:SSL routines::no shared cipher\n"
    reader = Reader("stunnel", Settings())
    assert reader.read(first).consumed == 0
    reading = reader.read(first + last)
    assert [one.peer for one in reading.failures] == ["192.0.2.7:50201"]
    assert reading.consumed == len(first + last)


def test_a_call_whose_head_is_cut_off_is_counted_as_unrecognized() -> None:
    """Its text says that a handshake failed, nothing says whose."""
    line = b"cut SSL_accept: srvr.c:2226: error:0A0000C1:SSL routines::no shared cipher\n"
    reading = Reader("stunnel", Settings()).read(line, final=True)
    assert (reading.unrecognized, reading.failures) == (1, [])
