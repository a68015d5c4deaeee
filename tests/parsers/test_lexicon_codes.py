"""Packed codes are understood with or without their text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.lexicon import codes


@pytest.mark.parametrize(
    ("code", "stack", "number", "alert", "reason", "rejected_by"),
    [
        ("0A000418", "openssl3", 1048, 48, "unknown_issuer", "peer"),
        ("error:0A000418", "openssl3", 1048, 48, "unknown_issuer", "peer"),
        ("000000000A0000C1", "openssl3", 193, None, "no_shared_cipher", "local"),
        ("A000418", "openssl3", 1048, 48, "unknown_issuer", "peer"),
        ("0a000102", "openssl3", 258, None, "version_mismatch", "local"),
        ("167773208", "openssl3", 1048, 48, "unknown_issuer", "peer"),
        ("0A000086", "openssl3", 134, None, "certificate_unknown", "local"),
        ("0A0C0103", "openssl3", 259, None, "internal_error", "local"),
        ("14094410", "openssl1", 1040, 40, "generic_failure", "peer"),
        ("1404B42E", "openssl1", 1070, 70, "version_mismatch", "peer"),
        ("1408A0C1", "openssl1", 193, None, "no_shared_cipher", "local"),
        ("336151568", "openssl1", 1040, 40, "generic_failure", "peer"),
        ("14094455", "openssl1", 1109, 109, "other", "peer"),
        ("1000007d", "boringssl", 125, None, "certificate_unknown", "local"),
        ("268435581", "boringssl", 125, None, "certificate_unknown", "local"),
        ("268436504", "boringssl", 1048, 48, "unknown_issuer", "peer"),
        ("268435703", "boringssl", 247, None, "not_tls", "local"),
        ("0x10000410", "boringssl", 1040, 40, "generic_failure", "peer"),
    ],
)
def test_ssl_codes(code: str, stack: str, number: int, alert: int | None, reason: str, rejected_by: str) -> None:
    """Every layout, in hexadecimal and decimal."""
    decoded = codes.decode(code)
    assert decoded is not None
    assert (decoded.stack, decoded.number, decoded.alert) == (stack, number, alert)
    assert (decoded.reason, decoded.rejected_by) == (reason, rejected_by)


@pytest.mark.parametrize(
    ("code", "number", "reason"),
    [
        ("80000068", 104, "reset"),
        ("8000006E", 110, "timeout"),
        ("80000020", 32, "closed_by_peer"),
        ("33554536", 104, "reset"),
    ],
)
def test_system_errors(code: str, number: int, reason: str) -> None:
    """The low bits of a system error are errno."""
    decoded = codes.decode(code)
    assert decoded is not None
    assert (decoded.errno, decoded.reason, decoded.rank) == (number, reason, 4)


def test_an_alert_nobody_defined_is_still_an_alert_received() -> None:
    """Reason 1000 + n is alert n, whatever n."""
    decoded = codes.decode("0A0004B0")
    assert decoded is not None
    assert (decoded.alert, decoded.reason, decoded.rejected_by) == (200, "generic_failure", "peer")


def test_aws_lc_counts_on_above_its_alerts() -> None:
    """1122 is a reason of AWS-LC's own, no alert."""
    decoded = codes.decode(str(0x10000000 + 1122))
    assert decoded is not None
    assert decoded.alert is None


def test_a_reason_nobody_lists_is_other() -> None:
    """Unknown is said to be unknown, and local: no alert was received."""
    decoded = codes.decode("0A000333")
    assert decoded is not None
    assert (decoded.reason, decoded.rejected_by, decoded.alert) == ("other", "local", None)


@pytest.mark.parametrize("code", ["", "hello", "0B080074", "0", "error:", "99999999999", "FFFFFFFFFF", "-1"])
def test_other_codes_are_none(code: str) -> None:
    """Other libraries' codes, and no codes."""
    assert codes.decode(code) is None


@given(st.text(max_size=24))
def test_nothing_makes_it_raise(text: str) -> None:
    """Log text is hostile."""
    codes.decode(text)
    codes.find(text.encode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"(SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48)", "0A000418"),
        (b"80E1671F697F0000:error:0A000410:SSL routines:ssl3_read_bytes:", "0A000410"),
        (b"140253421225792:error:14094410:SSL routines:ssl3_read_bytes:", "14094410"),
        (b"fe~/1 34/000000001408A0C1/0/0/0", "1408A0C1"),
        (b"TLS_error:_268435581:SSL_routines", "268435581"),
        (b"SQUID_TLS_ERR_ACCEPT+TLS_LIB_ERR=A000418+TLS_IO_ERR=1", "A000418"),
        (b"14201076:SSL routines", "14201076"),
        (b"[pid 14201076] worker: error:1408A0C1:SSL routines:f:no shared cipher", "1408A0C1"),
        (b"nothing here", None),
    ],
)
def test_the_code_in_a_record_as_written(text: bytes, code: str | None) -> None:
    """Only what stands in the field of a code is one; a thread id is none."""
    assert codes.find(text) == code
