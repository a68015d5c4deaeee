"""Go's servers, held to their samples, in every logger's wrapping."""

import pytest
from sample_files import said_of
from trace_samples import Labelled, check, failures, labelled

from parsers.formats import gonet
from parsers.record import Record, Settings

ALL = labelled("gonet")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_tells_what_its_sample_says(sample: Labelled) -> None:
    """Fields as stated above the record; null is silence."""
    check("gonet", sample, "ingress")


@pytest.mark.parametrize(
    "error", ["remote error: tls: expired certificate", "tls: internal error", "whatever happened"]
)
def test_a_servers_line_is_downstream_whatever_the_error(error: str) -> None:
    """Only a listener writes it, so neither the error's words nor the hop matter."""
    line = f"2026/01/02 03:04:05 http: TLS handshake error from 192.0.2.9:36454: {error}".encode()
    for hop in ("app", "edge"):
        assert [one.direction for one in failures("gonet", line, hop)] == ["downstream"]  # type: ignore[arg-type]


def test_an_error_nobody_knows_is_a_generic_failure_and_kept_as_its_message() -> None:
    """The line says *that* it failed; a new Go may say *why* in words of its own."""
    line = b"2026/01/02 03:04:05 http: TLS handshake error from 192.0.2.9:36454: tls: something new"
    (found,) = failures("gonet", line, "edge")
    assert (found.reason, found.rejected_by, found.message) == ("generic_failure", "unknown", b"tls: something new")


def test_go_servers_and_klog_heads_are_claimed() -> None:
    """A plain standard-log line belongs to nobody in particular."""
    assert gonet.claims(b"2026/01/02 03:04:05 http: TLS handshake error from 192.0.2.9:1: EOF")
    assert gonet.claims(b"I1120 03:04:05.678901       1 log.go:245] serving")
    assert not gonet.claims(b"2026/01/02 03:04:05 serving")


@pytest.mark.parametrize("sample", ALL)
def test_a_record_cut_anywhere_or_with_bytes_changed_raises_nothing(sample: Labelled) -> None:
    """Hostile bytes are a fact or silence."""
    said = said_of(sample.text)
    for at in range(0, len(sample.text), 7):
        for text in (sample.text[:at], sample.text[:at] + b'\xff\x00[{"' + sample.text[at + 5 :]):
            gonet.read(Record(text, Settings()), said)
