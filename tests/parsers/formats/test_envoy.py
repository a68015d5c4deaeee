"""Envoy, held to its samples: application log, text and JSON access logs."""

import time

import pytest
from sample_files import said_of
from trace_samples import Labelled, check, failures, labelled

from parsers.formats import envoy
from parsers.record import MalformedRecordError, Record, Settings

ALL = labelled("envoy_application", "envoy_access", "envoy_json")
VALIDATOR = (
    b"[2026-01-02 03:04:05.678][21][debug][connection] [source/common/tls/cert_validator/default_validator.cc:474] "
    b"verify cert failed: X509_verify_cert: certificate verification error at depth 0: certificate has expired"
)
SOCKET = (
    b"[2026-01-02 03:04:05.679][21][debug][connection] [source/common/tls/ssl_socket.cc:322] "
    b'[Tags: "ConnectionId":"1"] remote address:192.0.2.%b,TLS_error:|268435581:SSL routines:OPENSSL_internal:'
    b"CERTIFICATE_VERIFY_FAILED:verify cert failed: X509_verify_cert: certificate verification error at depth 0: "
    b"certificate has expired:TLS_error_end"
)


@pytest.mark.parametrize("sample", ALL)
def test_a_record_tells_what_its_sample_says(sample: Labelled) -> None:
    """Fields as stated above the record; null is silence."""
    check("envoy", sample, "mesh")


@pytest.mark.parametrize("sample", ALL)
def test_its_own_records_are_claimed(sample: Labelled) -> None:
    """`auto` learns from any Envoy line, failing or not, that the stream is Envoy's."""
    assert envoy.claims(sample.text.split(b"\n")[0]) or b'"who"' in sample.text


def test_the_validator_and_its_socket_are_one_failure_with_the_sockets_leg() -> None:
    """The validator knows the cause, the socket the peer: a client's port makes it our refusal of a client."""
    found = failures("envoy", VALIDATOR + b"\n" + SOCKET % b"9:45210", "mesh")
    assert [(one.direction, one.reason, one.peer) for one in found] == [("downstream", "rejected", "192.0.2.9:45210")]


def test_the_same_two_lines_of_two_threads_are_two_failures() -> None:
    """Threads write in turn; only lines of one thread belong together."""
    other = (SOCKET % b"40:8443").replace(b"][21][", b"][22][")
    assert len(failures("envoy", VALIDATOR + b"\n" + other, "mesh")) == 2


def test_two_failures_of_one_thread_stay_two() -> None:
    """A validator's line begins a new record, however soon it comes."""
    pair = VALIDATOR + b"\n" + SOCKET % b"40:8443"
    assert [one.peer for one in failures("envoy", pair + b"\n" + pair, "mesh")] == ["192.0.2.40:8443"] * 2


def test_a_service_port_is_upstream_and_an_ephemeral_one_downstream() -> None:
    """Both legs log alike; Linux gives clients ports from 32768 on."""
    legs = [failures("envoy", SOCKET % peer, "mesh")[0].direction for peer in (b"40:8443", b"40:30443", b"9:32768")]
    assert legs == ["upstream", "upstream", "downstream"]


def test_only_lines_that_may_have_a_partner_are_waited_for() -> None:
    """A downstream socket's line is complete; a validator's, or an upstream one, is not yet."""
    assert envoy.complete([SOCKET % b"9:45210"])
    assert not envoy.complete([VALIDATOR])
    assert not envoy.complete([SOCKET % b"40:8443"])
    assert envoy.complete([b'[2026-01-02T03:04:05.678Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0'])


@pytest.mark.parametrize("sample", ALL)
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing_else(sample: Labelled) -> None:
    """Hostile bytes are a fact, silence, or malformed."""
    said = said_of(sample.text)
    for at in range(0, len(sample.text), 29):
        for text in (sample.text[:at], sample.text[:at] + b'\xff\x00[{"' + sample.text[at + 5 :]):
            try:
                found = envoy.read(Record(text, Settings(hop="mesh")), said)
            except MalformedRecordError:
                continue
            assert found is None or found.format == "envoy"


@pytest.mark.parametrize(
    "part", [b'"TLS_error:" ', b"192.0.2.1:1 ", b"a|b|c|d ", b"upstream_reset_before_response_started{"]
)
def test_a_hostile_megabyte_costs_less_than_a_second(part: bytes) -> None:
    """Tokens are counted, columns bounded."""
    heads = (
        b'[2026-01-02T03:04:05.678Z] "GET / HTTP/1.1" 503 UF ',
        b"[2026-01-02 03:04:05.678][21][debug][connection] [a.cc:1] TLS_error:| ",
        b'{"response_flags":"UF","method":"GET","x":"',
    )
    for head in heads:
        text = head + part * (1_000_000 // len(part)) + (b'"}' if head.startswith(b"{") else b"")
        said = said_of(b"TLS_error:|268435581")
        started = time.process_time()
        envoy.read(Record(text, Settings(hop="mesh")), said)
        assert time.process_time() - started < 1.0


def test_application_and_access_log_name_their_channel() -> None:
    """`parsers.twins` pairs the two; both tell the client's address and port."""
    access = (
        b'[2026-01-02T03:04:05.678Z] "- - -" 0 - - "TLS_error:|268435640:SSL_routines:OPENSSL_internal:NO_SHARED_CIPHER:'
        b'TLS_error_end" 0 0 0 192.0.2.40:8443 192.0.2.9:45210 api.shop.example -'
    )
    both = [*failures("envoy", SOCKET % b"9:45210", "mesh"), *failures("envoy", access, "mesh")]
    assert [(one.channel, one.peer) for one in both] == [("error", "192.0.2.9:45210"), ("access", "192.0.2.9:45210")]
