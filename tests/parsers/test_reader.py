"""What one block holds: counts, failures, times, and what is left for the next."""

import itertools
import time

import pytest

from parsers import registry
from parsers.reader import SAMPLE_BYTES, SAMPLES, Reader
from parsers.record import Settings
from tests.parsers.reader_samples import APACHE, APP, BARE, ENVOY, HAPROXY, LOGS, NGINX, REFERENCE, read_whole


def reader(format_name: str) -> Reader:
    return Reader(format_name, Settings(reference=REFERENCE))


@pytest.mark.parametrize("format_name", ["nginx", "auto"])
def test_an_nginx_log_yields_its_failures_with_leg_reason_and_peer(format_name: str) -> None:
    """Two clients and the backend's certificate; what looks alike in a URL is no failure."""
    reading = reader(format_name).read(NGINX)
    assert [(f.time, f.direction, f.reason, f.peer) for f in reading.failures] == [
        (REFERENCE - 1, "downstream", "version_mismatch", "192.0.2.9"),
        (REFERENCE, "downstream", "closed_by_peer", "192.0.2.8"),
        (REFERENCE, "upstream", "expired", "198.51.100.3:8443"),
    ]
    assert (reading.lines, reading.consumed, reading.unrecognized) == (6, len(NGINX), 0)
    assert (reading.first_time, reading.last_time) == (REFERENCE - 2, REFERENCE + 1)


def test_a_healthy_block_still_tells_how_far_the_clock_is() -> None:
    """No hit, yet lines and both times are told."""
    reading = reader("nginx").read(b'192.0.2.1 - - [20/Nov/2026:23:42:22 +0000] "GET / HTTP/1.1" 200 3\n' * 3)
    assert (reading.lines, reading.candidates, reading.failures) == (3, 0, [])
    assert (reading.first_time, reading.last_time) == (REFERENCE, REFERENCE)


def test_a_line_without_its_newline_waits_unless_the_block_is_final() -> None:
    """A half-written line is neither counted nor read; at the end it is a line."""
    half = NGINX.removesuffix(b"\n")
    assert reader("nginx").read(half).lines == 5
    assert reader("nginx").read(half, final=True).lines == 6
    assert reader("nginx").read(b"2026/11/20 23:42:22 [inf").consumed == 0
    assert reader("nginx").read(b"").consumed == 0


@pytest.mark.parametrize("name", [*LOGS, "bare"])
def test_windows_line_ends_change_nothing(name: str) -> None:
    """A log with CRLF gives the same failures."""
    log, format_name = (BARE, "app") if name == "bare" else (LOGS[name], name)
    assert read_whole(format_name, log.replace(b"\n", b"\r\n")) == read_whole(format_name, log)


@pytest.mark.parametrize(
    "format_name", ["nginx", "haproxy", "envoy", "apache", "app", "gonet", "ingress_nginx", "auto"]
)
def test_no_bytes_make_a_reader_raise(format_name: str) -> None:
    """NUL runs, torn lines, invalid UTF-8 and 1 MB lines are survived, and every newline is counted."""
    torn = (
        NGINX[:100] + b"\0" * 64 + NGINX[120:] + b"\xff\xfe\n" + HAPROXY[50:] + b"x" * 1_000_000 + b"\n\n\r\n" + APP[7:]
    )
    hostile = torn + b'{"log":"SSL_do_handshake() failed\n{"MESSAGE":[1,2,999]}\n<13>1 SSL handshake failure\n'
    reading = reader(format_name).read(hostile, final=True)
    assert reading.lines == hostile.count(b"\n")
    assert reading.consumed == len(hostile)


def test_nul_bytes_before_a_line_do_not_hide_it() -> None:
    """A crash leaves runs of NULs in a file; the line after them is read."""
    line = NGINX.split(b"\n")[1]
    assert [f.peer for f in reader("nginx").read(b"\0" * 512 + line + b"\n").failures] == ["192.0.2.9"]


def test_unrecognized_records_are_counted_and_a_few_kept_short() -> None:
    """The texts are there, the fields are not: counted each, five kept, each cut."""
    line = b"2026/99/99 23:42:22 [info] 31#31: *7 peer closed connection in SSL handshake while SSL handshaking, client: 192.0.2.9"
    reading = reader("nginx").read((line + b", server: " + b"x" * 200 + b", " + b"y" * 4000 + b"\n") * 9)
    assert (reading.unrecognized, len(reading.samples)) == (9, SAMPLES)
    assert {len(sample) for sample in reading.samples} == {SAMPLE_BYTES}


@pytest.mark.parametrize("format_name", ["app", "auto"])
def test_a_trace_is_one_record_from_its_head_to_its_last_cause(format_name: str) -> None:
    """Three failures of which two are traces; the head's time is theirs."""
    reading = reader(format_name).read(APP, final=True)
    assert [(f.time, f.reason) for f in reading.failures] == [
        (pytest.approx(REFERENCE + 0.981), "expired"),
        (pytest.approx(REFERENCE + 1.788), "expired"),
        (pytest.approx(REFERENCE + 2.002), "unknown_issuer"),
    ]
    assert reading.failures[0].raw.startswith(b"2026-11-20 23:42:22,981 ERROR")
    assert reading.failures[0].raw.count(b"\n") == 11


def test_the_last_record_waits_for_its_continuation() -> None:
    """The block ends within a trace: all before its head is consumed, the head comes again."""
    upto = APP.index(b"ssl.SSLCertVerificationError")
    reading = reader("app").read(APP[:upto])
    assert reading.consumed == APP.index(b"2026-11-20 23:42:22,981")
    assert (reading.lines, reading.candidates) == (1, 0)


def test_traces_and_curl_messages_without_any_head_are_told_apart() -> None:
    """Two curl messages and two tracebacks in a row are four failures."""
    counts, failures, _ = read_whole("app", BARE)
    assert counts["failures"] == 4
    assert sum(number for (_, reason, _), number in failures.items() if reason == "expired") >= 2


def test_a_record_ends_at_its_bounds() -> None:
    """A trace without end holds nothing up for more than 512 lines, and nothing of it is lost."""
    head = b"2026-11-20 23:42:22,981 ERROR failed\n"
    tail = b"ssl.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired\n"
    endless = head + b"  frame\n" * 600 + tail
    reading = reader("app").read(endless)
    assert reading.consumed >= len(head) + 511 * len(b"  frame\n")
    assert read_whole("app", endless)[0]["failures"] == 1


def test_an_apache_pair_is_one_failure() -> None:
    """The AH line names the client, the library line the reason."""
    reading = reader("apache").read(APACHE, final=True)
    assert [(f.reason, f.peer, f.host) for f in reading.failures] == [
        ("version_mismatch", "192.0.2.5:39690", "shop.example")
    ]
    assert reading.candidates < 4


def test_half_a_pair_waits_no_longer_than_the_other_half_could_come() -> None:
    """At a block's end the AH line comes again; once the log is seconds further it is read alone."""
    lines = APACHE.splitlines(keepends=True)
    assert reader("apache").read(b"".join(lines[:2])).consumed == len(lines[0])
    alone = reader("apache").read(b"".join([*lines[:2], *lines[4:], lines[4]]))
    assert len(alone.failures) == 1
    assert alone.consumed >= len(lines[0]) + len(lines[1])


def test_an_envoy_validator_line_and_its_socket_line_are_one_failure() -> None:
    """The first knows why, the second knows whom."""
    reading = reader("envoy").read(ENVOY, final=True)
    assert [(f.reason, f.peer) for f in reading.failures] == [("rejected", "192.0.2.7:41360")]


def test_haproxy_in_syslog_keeps_its_own_milliseconds() -> None:
    """The record's own time is finer than the envelope's."""
    reading = reader("haproxy").read(HAPROXY)
    assert [(f.time, f.reason) for f in reading.failures] == [
        (pytest.approx(REFERENCE + 0.012), "closed_by_peer"),
        (pytest.approx(REFERENCE + 1.025), "not_tls"),
    ]


def test_auto_reads_a_mix_of_formats_line_by_line() -> None:
    """Each record goes to the format that claims it."""
    order = itertools.zip_longest(NGINX.splitlines(keepends=True), HAPROXY.splitlines(keepends=True), fillvalue=b"")
    mixed = b"".join(itertools.chain.from_iterable(order))
    reading = reader("auto").read(mixed, final=True)
    assert {f.format for f in reading.failures} == {"nginx", "haproxy"}
    assert len(reading.failures) == 5


def test_the_reference_may_move_between_blocks() -> None:
    """A time without a year follows the stream's own reference."""
    line = HAPROXY.splitlines(keepends=True)[0].replace(b"[20/Nov/2026:23:42:22.012] ", b"")
    moving = reader("haproxy")
    assert moving.read(line).last_time == REFERENCE
    moving.settings.reference = REFERENCE - 365 * 86_400
    assert moving.read(line).last_time == REFERENCE - 365 * 86_400


def test_an_unknown_format_names_those_there_are() -> None:
    """The message is the way out."""
    with pytest.raises(ValueError, match=r"'nginks' is no format; formats are: nginx, ingress_nginx, haproxy"):
        reader("nginks")


def test_every_registered_format_is_what_its_name_says() -> None:
    """The registry's names, in the contract's order, each a module that offers what a format must."""
    assert list(registry.FORMATS)[:4] == ["nginx", "ingress_nginx", "haproxy", "envoy"]
    for name, form in registry.FORMATS.items():
        assert name == form.NAME
        assert callable(form.read)
        assert callable(form.claims)
        assert isinstance(form.SEVERAL_LINES, bool)
    assert set(registry.CLAIM_ORDER) == set(registry.NAMES) - {"app", "auto"}


def test_a_line_full_of_texts_costs_no_more_than_its_length() -> None:
    """Thirty thousand hits in one line are bounded before anyone compares them with each other."""
    before = time.process_time()
    assert reader("nginx").read(b"no shared cipher " * 30_000 + b"\n").candidates == 1
    assert time.process_time() - before < 5


def test_a_line_of_a_megabyte_is_read_by_its_beginning() -> None:
    """What no server writes costs no format more than its first 64 KiB."""
    line = NGINX.split(b"\n")[1]
    (failure,) = reader("nginx").read(line + b"x" * (1 << 20) + b"\n", final=True).failures
    assert (failure.reason, len(failure.raw)) == ("version_mismatch", 65_536)
