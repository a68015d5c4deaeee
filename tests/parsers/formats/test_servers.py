"""Mail servers, databases, brokers, daemons and Windows events, read as ``app``, held to their samples."""

import pytest
from joined_samples import check, facts, torture
from trace_samples import Labelled, labelled

from parsers.failure import Failure
from parsers.formats import app

MAIL, DATABASES, BROKERS = labelled("app_mail_servers"), labelled("app_databases"), labelled("app_brokers")
DAEMONS, SCHANNEL = labelled("app_daemons"), labelled("app_schannel")
ALL = [*MAIL, *DATABASES, *BROKERS, *DAEMONS, *SCHANNEL]


@pytest.mark.parametrize("sample", ALL)
@pytest.mark.parametrize("format_name", ["app", "auto"])
def test_a_servers_record_tells_what_its_sample_says(format_name: str, sample: Labelled) -> None:
    """One failure however many records tell it; nobody else claims their lines."""
    check(format_name, sample, written_by="app")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing(sample: Labelled) -> None:
    """Hostile bytes are a fact or silence."""
    torture(app, sample)


def test_two_processes_whose_records_mix_are_two_failures() -> None:
    """Postfix: the reason belongs to the event of the same process, whatever stands between."""
    head = b"Nov 20 23:42:22 mx postfix/smtpd[%d]: "
    lines = [
        head % 1 + b"SSL_accept error from a.example[192.0.2.1]: -1",
        head % 2 + b"SSL_accept error from b.example[192.0.2.2]: -1",
        head % 2 + b"warning: TLS library problem: error:0A0000C1:SSL routines::no shared cipher:x.c:1:",
        head % 1 + b"warning: TLS library problem: error:0A000102:SSL routines::unsupported protocol:x.c:1:",
    ]
    found = {(one.peer, one.reason) for one in facts("app", b"\n".join(lines)) if isinstance(one, Failure)}
    assert found == {("192.0.2.1", "version_mismatch"), ("192.0.2.2", "no_shared_cipher")}


def test_a_reason_without_its_event_still_counts() -> None:
    """The event may have been rotated away."""
    line = b"Nov 20 23:42:22 mx postfix/smtpd[1]: warning: TLS library problem: error:0A0000C1:SSL routines::no shared cipher:"
    (found,) = facts("app", line)
    assert isinstance(found, Failure)
    assert (found.reason, found.peer) == ("no_shared_cipher", None)


def test_an_openvpn_record_without_a_client_is_told_by_the_hop() -> None:
    """An application's log speaks of what it called."""
    line = b"2026-11-20 23:42:22 TLS Error: TLS handshake failed"
    directions = []
    for hop in ("app", "edge"):
        (found,) = facts("app", line, hop)  # type: ignore[arg-type]
        assert isinstance(found, Failure)
        directions.append(found.direction)
    assert directions == ["upstream", "downstream"]
