"""explain: what a record is, why one text won, what it means, and what to type next; also what is no log at all.

The pastes were made by OpenSSL 3.0.19, curl 7.88.1, nmap 7.93, tshark 4.0 and tcpdump 4.99 against servers on
loopback: a self-signed one with TLS 1.2 alone (14431), an expired one (14432), one that wants a client certificate
(14433), and plain HTTP (14434). Session keys and certificates are cut out.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.vocabulary import FAMILY_OF, REASONS
from service.explain import explain, explain_file, explain_jsonl
from service.explained import page
from service.meaning import meaning
from service.verdict.rules import rule_for
from service.verdict.steps import steps

PASTES = Path(__file__).parent / "pastes"
EXPIRED = (
    "2026/11/20 23:42:11 [info] 31#31: *7 SSL_do_handshake() failed (SSL: error:0A000415:SSL routines::sslv3"
    " alert certificate expired:SSL alert number 45) while SSL handshaking, client: 192.0.2.9, server: 0.0.0.0:443"
)


def paste(name: str, hop: str | None = None) -> list[dict[str, Any]]:
    return explain((PASTES / f"{name}.txt").read_text(), hop)


@pytest.mark.parametrize(
    ("name", "reason", "rejected_by", "host", "peer"),
    [
        ("curl_exp", "expired", "local", "shop.example", "127.0.0.1:14432"),
        ("curl_host", "hostname_mismatch", "local", "other.example", "127.0.0.1:14431"),
        ("curl_mtls", "missing", "peer", "shop.example", "127.0.0.1:14433"),
        ("curl_plain", "not_tls", "local", "shop.example", "127.0.0.1:14434"),
        ("curl_self", "self_signed", "local", "shop.example", "127.0.0.1:14431"),
        ("curl_v13", "version_mismatch", "peer", "shop.example", "127.0.0.1:14431"),
        ("sc_exp", "expired", "local", "shop.example", None),
        ("sc_mtls", "missing", "peer", "shop.example", None),
        ("sc_plain", "not_tls", "local", None, None),
        ("sc_self", "self_signed", "local", "shop.example", None),
        ("sc_v13", "version_mismatch", "peer", None, None),
    ],
)
def test_a_pasted_transcript_is_one_failure_of_the_server_called(
    name: str, reason: str, rejected_by: str, host: str | None, peer: str | None
) -> None:
    """``curl -k``'s and ``s_client``'s remarks on a certificate give way to the alert that ended it."""
    [found] = paste(name)
    assert (found["reason"], found["direction"], found["rejected_by"]) == (reason, "upstream", rejected_by)
    assert (found["host"], found["peer"]) == (host, peer)


@pytest.mark.parametrize("name", ["curl_ok", "sc_ok"])
def test_a_pasted_transcript_of_success_is_silent(name: str) -> None:
    [found] = paste(name)
    assert (found["failure"], found["meaning"]) == (False, None)


@pytest.mark.parametrize("name", ["tshark_V", "tshark_json", "tcpdump_X"])
def test_a_capture_tells_who_sent_the_alert_by_the_ports(name: str) -> None:
    """The same packets in three spellings; seen from the server, or, for an application, from the client."""
    first = paste(name)[0]
    assert (first["reason"], first["alert"], first["direction"], first["rejected_by"]) == (
        "unknown_issuer", 48, "downstream", "peer",
    )  # fmt: skip
    assert first["peer"] == "127.0.0.1:55916"
    client = paste(name, "app")[0]
    assert (client["direction"], client["rejected_by"], client["peer"]) == ("upstream", "local", "127.0.0.1:14431")


def test_a_captures_summary_tells_who_sent_the_alert_by_the_hello_or_by_what_only_one_side_says() -> None:
    told = [(one["reason"], one["rejected_by"]) for one in paste("tshark_summary")]
    assert told == [("unknown_issuer", "peer"), ("expired", "peer"), ("version_mismatch", "local")]
    apart = (
        "  1   0.001 192.0.2.9 → 192.0.2.1 TLSv1 583 Client Hello (SNI=shop.example)\n"
        "  2   0.002 192.0.2.1 → 192.0.2.9 TLSv1.2 73 Alert (Level: Fatal, Description: Handshake Failure)\n"
    )
    [found] = explain(apart)
    assert (found["rejected_by"], found["peer"], found["host"]) == ("local", "192.0.2.9", "shop.example")


def test_nmap_tells_of_each_port_what_will_fail_there() -> None:
    """No handshake failed, so none is counted; but what it found is explained."""
    told = paste("nmap")
    assert [one["failure"] for one in told] == [False] * 3
    assert [one["reason"] for one in told] == [None, "expired", "not_tls"]
    assert [one["peer"] for one in told] == ["127.0.0.1:14431", "127.0.0.1:14432", "127.0.0.1:14434"]
    assert told[0]["verdict"]["summary"] == (
        "127.0.0.1:14431: it speaks TLSv1.2 with 20 cipher suites; clients that insist on TLSv1.3 fail; clients that"
        " know nothing newer than TLSv1.1 fail"
    )
    assert "its certificate ended on 2026-11-20" in page(told[1])


CHROME = (
    "Your connection is not private\nAttackers might be trying to steal your information from shop.example"
    " (for example, passwords, messages, or credit cards).\nNET::ERR_CERT_DATE_INVALID"
)
FIREFOX = (
    "Warning: Potential Security Risk Ahead\n\nWebsites prove their identity via certificates. Firefox does not trust"
    " this site because it uses a certificate that is not valid for shop.example.\n\n"
    "Error code: SSL_ERROR_BAD_CERT_DOMAIN"
)
SAFARI = "This Connection Is Not Private\nThis website may be impersonating shop.example to steal your information."
EDGE = "This site can’t provide a secure connection\nshop.example sent an invalid response.\nERR_SSL_PROTOCOL_ERROR"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CHROME, "expired"), (FIREFOX, "hostname_mismatch"), (SAFARI, "certificate_unknown"), (EDGE, "generic_failure"),
    ],
)  # fmt: skip
def test_a_browsers_page_is_told_by_its_code_else_by_its_words(text: str, reason: str) -> None:
    [found] = explain(text)
    assert (found["reason"], found["direction"], found["host"]) == (reason, "upstream", "shop.example")


@pytest.mark.parametrize(
    ("asked", "reason", "direction", "alert"),
    [
        ("alert 48", "unknown_issuer", "downstream", 48),
        ("TLS alert: unknown_ca (48)", "unknown_issuer", "downstream", 48),
        ("certificate_expired", "expired", "downstream", 45),
        ("handshake_failure(40)", "generic_failure", "downstream", 40),
        ("0A000418", "unknown_issuer", "downstream", 48),
        ("268436504", "unknown_issuer", "downstream", 48),
        ("14094410", "generic_failure", "downstream", 40),
        ("40", "generic_failure", "downstream", 40),
        ("60", "certificate_unknown", "upstream", None),  # alert 60 died with export ciphers: curl's
        ("curl: (60)", "certificate_unknown", "upstream", None),
        ("exit code 35", "generic_failure", "upstream", None),
        ("wget 5", "certificate_unknown", "upstream", None),
        ("SEC_E_UNTRUSTED_ROOT", "unknown_issuer", "upstream", None),
        ("0x80090325", "unknown_issuer", "upstream", None),
        ("80090325", "unknown_issuer", "upstream", None),
        ("-2146893019", "unknown_issuer", "upstream", None),
        ("-9807", "unknown_issuer", "upstream", None),
        ("OSStatus -9814", "expired", "upstream", None),
        ("NSURLErrorDomain -1202", "certificate_unknown", "upstream", None),
        ("verify error:num=20", "unknown_issuer", "upstream", None),
        ("Verify return code: 10", "expired", "upstream", None),
        ("error 20 at 0 depth lookup", "unknown_issuer", "upstream", None),
        ("X509_V_ERR_CERT_HAS_EXPIRED", "expired", "upstream", None),
        ("CERTIFICATE_VERIFY_FAILED", "certificate_unknown", "upstream", None),
        ("NET::ERR_CERT_AUTHORITY_INVALID", "unknown_issuer", "upstream", None),
        ("ERR_SSL_VERSION_OR_CIPHER_MISMATCH", "version_mismatch", "upstream", None),
        ("SEC_ERROR_UNKNOWN_ISSUER", "unknown_issuer", "upstream", None),
        ("SSL_ERROR_NO_CYPHER_OVERLAP", "no_shared_cipher", "upstream", None),
        ("Error code: SSL_ERROR_RX_RECORD_TOO_LONG", "not_tls", "upstream", None),
        ("DEPTH_ZERO_SELF_SIGNED_CERT", "self_signed", "upstream", None),
        ("-0x2700", "certificate_unknown", "upstream", None),
        ("525", "generic_failure", "upstream", None),
        ("Error 526", "certificate_unknown", "upstream", None),
    ],
)
def test_a_bare_code_is_understood_in_the_ways_people_write_it(
    asked: str, reason: str, direction: str, alert: int | None
) -> None:
    [found] = explain(asked)
    assert (found["reason"], found["direction"], found["alert"]) == (reason, direction, alert)


@pytest.mark.parametrize("asked", ["hello world", "2026", "12345", "-1", "404", "secure connection", "private key"])
def test_what_is_no_code_is_nothing(asked: str) -> None:
    assert explain(asked)[0]["failure"] is False


def test_the_record_tells_what_matched_and_why_the_winner_won() -> None:
    [found] = explain(EXPIRED, "edge")
    winners = [entry for entry in found["matched"] if entry["won"]]
    assert [entry["text"] for entry in winners] == ["sslv3 alert certificate expired"]
    assert winners[0].keys() == {"text", "stack", "reason", "rank", "source", "won"}
    assert len(found["matched"]) > 1
    assert found["matched_why"].startswith('"sslv3 alert certificate expired" (openssl) decided: an alert received')
    assert found["meaning"] == "The certificate that the edge shows is past its end date."


def test_envelopes_are_told_outermost_first() -> None:
    docker = json.dumps({"log": EXPIRED + "\n", "stream": "stderr", "time": "2026-11-20T23:42:11.5Z"})
    cri = f"2026-11-20T23:42:11.5Z stderr F {EXPIRED}"
    assert [explain(text)[0]["envelopes"] for text in (EXPIRED, docker, cri)] == [[], ["docker"], ["cri"]]
    [answer] = explain_jsonl([json.dumps({"line": docker, "format": "nginx"}).encode()])
    assert (answer["envelopes"], answer["reason"]) == (["docker"], "expired")


def test_every_reason_has_a_meaning_for_both_legs() -> None:
    for reason in FAMILY_OF:
        for direction in ("downstream", "upstream"):
            for hop in (None, "edge", "lb", "ingress", "mesh", "app"):
                told = meaning(reason, direction, hop)
                assert told[0].isupper() and told.endswith(".") and "{" not in told


def test_steps_use_the_real_port_and_the_server_that_failed() -> None:
    [command, *_] = steps("certificate", "expired", "shop.example", "192.0.2.1:8443")
    assert command.startswith("openssl s_client -connect 192.0.2.1:8443 -servername shop.example </dev/null")
    [command, *_] = steps("chain", "unknown_issuer", None, "[2001:db8::1]:9443")
    assert command.startswith("openssl s_client -connect '[2001:db8::1]:9443' -showcerts")
    [command, *_] = steps("chain", "unknown_issuer", "shop.example")
    assert command.startswith("openssl s_client -connect shop.example:443 -servername shop.example ")


@pytest.mark.parametrize(
    "hostile",
    [
        "$(reboot)",
        "a;b",
        "a b",
        "'",
        "x`y`",
        "-oProxyCommand=x",
        "a\nb",
        "\u202eexample",
        "",
        "a:b;c",
        "x" * 300,
        "{sni}",
    ],
)
def test_nothing_hostile_enters_a_command_as_host_or_as_server(hostile: str) -> None:
    """Every reason on every leg, with the name in either place."""
    for reason in FAMILY_OF:
        for leg in ("downstream", "upstream"):
            repair = rule_for(leg, "peer", reason).repair
            plain = steps(repair, reason, None)
            assert 1 <= len(plain) <= 3
            assert steps(repair, reason, hostile) == plain
            assert steps(repair, reason, None, hostile) == plain
            assert steps(repair, reason, None, f"{hostile}:443") == plain


def test_no_command_changes_anything_and_each_says_what_its_outcome_means() -> None:
    for reason in FAMILY_OF:
        for leg in ("downstream", "upstream"):
            for step in steps(rule_for(leg, "unknown", reason).repair, reason, "shop.example", "192.0.2.1:8443"):
                command, _, outcome = step.partition("  # ")
                assert command.split()[0] in ("openssl", "for", "curl", "date")
                assert len(outcome) > 20
                assert not any(place in step for place in ("{connect}", "{sni}", "{name}", "{url}"))


@pytest.mark.parametrize(
    "junk",
    [
        "\n" * 200_000,
        "Nmap scan report for x\n" + "1/tcp open x\n" * 12_000,
        "01:33:08.5 IP 127.0.0.1.1 > 127.0.0.1.2: x" + "\n\t0x0000:  1503 0300 0202 30" * 8_000,
        "not private " + "a-" * 100_000,
        "secure connection " + "a." * 100_000,
        '"_source": {\n' * 15_000 + "Alert (Level",
        "certificate has expired " * 10_000,
        "1 0.1 ::1 → ::1 TLSv1 " * 9_000 + "Alert (Level",
    ],
)
def test_a_hostile_paste_costs_little(junk: str) -> None:
    started = time.process_time()
    explain(junk)
    assert time.process_time() - started < 5.0


def test_every_reason_can_be_explained_as_a_page() -> None:
    for reasons in REASONS.values():
        assert all(meaning(reason, "upstream", "app") for reason in reasons)
    shown = page(explain(EXPIRED, "edge")[0])
    assert "  decided   " in shown and "  means     " in shown and "  next      openssl s_client" in shown


def test_a_storm_in_a_log_is_told_once_with_its_count(tmp_path: Path) -> None:
    """Lines alike but for their clients; every one of them is counted."""
    log = tmp_path / "storm.log"
    log.write_text("".join(EXPIRED.replace("192.0.2.9", f"192.0.2.{n % 200}") + "\n" for n in range(3_000)))
    with log.open("rb") as file:
        assert sum(one["count"] for one in explain_file(file, "edge")) == 3_000


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_any_text_is_answered(text: str) -> None:
    for hop in (None, "app"):
        for answer in explain(text, hop):
            assert answer["failure"] in (True, False)
            page(answer)


@given(st.sampled_from(sorted(PASTES.glob("*.txt"))), st.integers(0, 4_000), st.integers(0, 4_000))
def test_a_paste_cut_anywhere_is_answered(paste_file: Path, start: int, length: int) -> None:
    for answer in explain(paste_file.read_text()[start : start + length]):
        page(answer)
