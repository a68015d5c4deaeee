"""A record in, its meaning out: the rules of precedence, who gave up, and the flip."""

from pathlib import Path

import pytest

from parsers import screen
from parsers.lexicon import Said, load

LEXICON = load()
SCREEN = screen.load()
HERE = Path(__file__).parent


def said(text: str) -> Said:
    """What the lexicon makes of a record, as the reader asks it."""
    record = text.encode()
    return LEXICON.said(tuple(number for _, number in SCREEN.hits(record)), record)


def meanings() -> list[tuple[str, str, str]]:
    """(record, reason, who gave up) of every case of the file."""
    cases: list[tuple[str, str, str]] = []
    expected: list[str] = []
    for line in (HERE / "lexicon_meanings.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#="):
            expected = line[2:].split()
        elif line and not line.startswith("# "):
            cases.append((line.replace("\\n", "\n"), expected[0], expected[1]))
    return cases


def look_alikes() -> list[str]:
    lines = (HERE / "lexicon_look_alikes.txt").read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if not line.startswith("# ")]


@pytest.mark.parametrize(("text", "reason", "rejected_by"), meanings())
def test_the_most_specific_text_wins(text: str, reason: str, rejected_by: str) -> None:
    """The rules of precedence, one record each."""
    meaning = said(text)
    assert (meaning.reason, meaning.rejected_by, meaning.is_failure) == (reason, rejected_by, True)


FLIPS = [
    ("error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48", "downstream", "unknown_issuer", "peer"),
    ("error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48", "upstream", "rejected", "peer"),
    ("remote error: tls: bad certificate", "upstream", "rejected", "peer"),
    ("remote error: tls: bad certificate", "downstream", "bad_certificate", "peer"),
    ("remote error: tls: certificate required", "upstream", "missing", "peer"),
    ("Received fatal alert: no_certificate", "upstream", "missing", "peer"),
    ("remote error: tls: access denied", "upstream", "rejected", "peer"),
    ("remote error: tls: bad certificate status response", "upstream", "revocation_check_failed", "peer"),
    ("remote error: tls: unrecognized name", "upstream", "unrecognized_name", "peer"),
    ("x509: certificate has expired or is not yet valid", "downstream", "rejected", "local"),
    ("x509: certificate has expired or is not yet valid", "upstream", "expired", "local"),
    ("error:0A000086:SSL routines::certificate verify failed", "downstream", "rejected", "local"),
    ("error:0A0000C7:SSL routines::peer did not return a certificate", "downstream", "missing", "local"),
    ("x509: certificate is valid for a.example, not b.example", "downstream", "hostname_mismatch", "local"),
    ("error:0A0000C1:SSL routines::no shared cipher", "downstream", "no_shared_cipher", "local"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "direction", "reason", "rejected_by"), FLIPS)
def test_certificate_alerts_are_about_the_receivers_certificate(
    text: str, direction: str, reason: str, rejected_by: str
) -> None:
    """The same text means the server's certificate on one leg and the client's on the other."""
    assert LEXICON.judge(said(text), direction) == (reason, rejected_by)  # type: ignore[arg-type]


LEGS = [
    ("error:1416F086:SSL routines:tls_process_server_certificate:certificate verify failed", "upstream"),
    ("error:1417C086:SSL routines:tls_process_client_certificate:certificate verify failed", "downstream"),
    ("error:1408A0C1:SSL routines:SSL3_GET_CLIENT_HELLO:no shared cipher", "downstream"),
    ("error:1404B42E:SSL routines:ST_CONNECT:tlsv1 alert protocol version", "upstream"),
    ("SSL_accept: error:0A000418:SSL routines::tlsv1 alert unknown ca", "downstream"),
    ("http: TLS handshake error from 192.0.2.7:51000: EOF", "downstream"),
    ("net/http: TLS handshake timeout", "upstream"),
    ("generated CLIENT ALERT: Fatal - Unknown CA", "upstream"),
    ("error:0A0000C1:SSL routines::no shared cipher", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "leg"), LEGS)
def test_the_leg_where_the_text_tells_it(text: str, leg: str | None) -> None:
    """Function names and sentences that only a client or only a server writes."""
    assert said(text).leg == leg


@pytest.mark.parametrize("text", look_alikes())
def test_look_alikes_are_no_failures(text: str) -> None:
    """Other protocols' handshakes, successes, start-up, certificate life, numbers."""
    assert not said(text).is_failure


def test_alert_and_code_are_filled() -> None:
    """The alert's number and the library's own code, as written."""
    meaning = said("error:0A000415:SSL routines::sslv3 alert certificate expired:SSL alert number 45")
    assert (meaning.alert, meaning.code) == (45, "0A000415")
    old = said("error:14094415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired")
    assert (old.alert, old.code) == (45, "14094415")
    assert said("TLS_error:_268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED").code == "268435581"
    assert said("TlsFatalAlert: handshake_failure(40)").alert == 40
    assert said("remote error: tls: unknown certificate authority").alert == 48
    assert said("SSL alert number 40").code is None


def test_the_winner_and_all_ids_are_told() -> None:
    """Evidence for whoever wants to explain the choice."""
    meaning = said("error:0A0000C1:SSL routines::no shared cipher")
    assert LEXICON.entries[meaning.winner].text == "no shared cipher"
    assert [LEXICON.entries[number].text for number in meaning.ids] == ["0A0000C1", "no shared cipher"]


def test_nothing_found_is_no_failure() -> None:
    """An empty tuple is a legal question."""
    assert LEXICON.said(()) == Said("generic_failure", "unknown", 9, is_failure=False)


def test_a_trigger_alone_leaves_the_judgement_to_the_format() -> None:
    """It is a candidate, of rank 9."""
    trigger = next(entry for entry in LEXICON.entries if entry.kind == "trigger")
    meaning = LEXICON.said((trigger.id,))
    assert (meaning.is_failure, meaning.rank, meaning.winner) == (True, 9, trigger.id)


def test_answers_are_remembered() -> None:
    """A storm of one failure resolves its meaning once."""
    ids = LEXICON.ids_of("no shared cipher")
    assert LEXICON.said(ids) is LEXICON.said(ids, b"any text")


def test_old_codes_are_remembered_per_code() -> None:
    """Function numbers differ, so the same ids can be different codes."""
    one = said("error:14094410:SSL routines:f:sslv3 alert handshake failure")
    other = said("error:14077410:SSL routines:f:sslv3 alert handshake failure")
    assert (one.ids, one.code, other.code) == (other.ids, "14094410", "14077410")
    assert said("error:14094410:SSL routines:f:sslv3 alert handshake failure") is one
