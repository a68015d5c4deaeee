"""Application runtimes and pasted tools, held to their samples."""

import time

import pytest
from sample_files import said_of
from trace_samples import Labelled, check, failures, labelled

from parsers.formats import app
from parsers.formats.app_unsaid import unsaid
from parsers.record import Record, Settings

ALL = labelled("app_python", "app_runtimes", "app_tools")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_tells_what_its_sample_says(sample: Labelled) -> None:
    """Fields as stated above the record; null is silence."""
    check("app", sample, "app")


def test_a_go_servers_line_in_an_applications_stream_is_downstream() -> None:
    """An application may listen as well as call."""
    (found,) = failures("app", b"2026/01/02 03:04:05 http: TLS handshake error from 192.0.2.9:36454: EOF", "app")
    assert (found.direction, found.peer, found.format) == ("downstream", "192.0.2.9:36454", "gonet")


@pytest.mark.parametrize(("hop", "leg"), [("app", "upstream"), ("lb", "downstream")])
def test_where_no_word_tells_the_leg_the_hop_does(hop: str, leg: str) -> None:
    """An application's own log speaks of its calls, a server's of its callers."""
    line = b"2026-01-02 03:04:05,678 ERROR [x] [SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure"
    assert [one.direction for one in failures("app", line, hop)] == [leg]  # type: ignore[arg-type]


def test_a_retry_and_the_final_error_are_two_records() -> None:
    """Each is one line of the log; labels and operators count both."""
    retry = (
        b"2026-01-02 03:04:05,678 WARNING [urllib3.connectionpool] Retrying (Retry(total=0)) after connection "
        b"broken by 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
        b"certificate has expired (_ssl.c:1006)'))': /v1"
    )
    final = retry.replace(b"Retrying (Retry(total=0)) after connection broken by '", b"failed: ")
    assert [one.reason for one in failures("app", retry + b"\n" + final, "app")] == ["expired", "expired"]


@pytest.mark.parametrize(
    "line",
    [
        b'2026/01/02 03:04:05 fetch: Get "http://api.shop.example/v1": EOF',
        b"2026/01/02 03:04:05 read tcp 192.0.2.9:1->192.0.2.40:2: read: connection reset by peer",
        b"ConnectionResetError: [Errno 104] Connection reset by peer",
        b"Connection timed out after 3001 milliseconds",
    ],
)
def test_a_bare_socket_error_is_no_handshake(line: bytes) -> None:
    """Without a word of TLS around it a reset, an end of file or a timeout proves nothing."""
    assert unsaid(line) is None
    assert failures("app", line, "app") == []


def test_the_first_url_is_not_the_advice_of_the_tool() -> None:
    """curl's link to its documentation is nobody's host."""
    text = (
        b"curl: (60) SSL certificate problem: certificate has expired\nMore details here: https://curl.se/docs/x.html"
    )
    assert [(one.host, one.peer) for one in failures("app", text, "app")] == [(None, None)]


@pytest.mark.parametrize("sample", ALL)
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing(sample: Labelled) -> None:
    """Hostile bytes are a fact or silence."""
    said = said_of(sample.text)
    step = max(7, len(sample.text) // 40)
    for at in range(0, len(sample.text), step):
        for text in (sample.text[:at], sample.text[:at] + b'\xff\x00[{"' + sample.text[at + 5 :]):
            app.read(Record(text, Settings(hop="app")), said)


@pytest.mark.parametrize(
    "part",
    [
        b"https://a.example/ ConnectError ",
        b"connect to a.example:1 ",
        b'rejected connection from "1.2.3.4:5" (error "x ',
        b"x509: certificate is valid for a, ",
        b"conn=from=1.2.3.4:5 error=",
        b"::1:2:3:4 from ",
        b"Cannot connect to host a ssl:x ",
        b"host: 'a', ",
        b"\n depth=0 CN = ",
    ],
)
def test_a_hostile_megabyte_costs_less_than_a_second(part: bytes) -> None:
    """Patterns are bounded: repeating what one looks for does not multiply."""
    text = b"SSL certificate problem: certificate has expired " + part * (1_000_000 // len(part))
    said = said_of(text[:100])
    started = time.process_time()
    app.read(Record(text, Settings(hop="app")), said)
    assert time.process_time() - started < 1.0
