"""How each of the five hops says each failure: the record as its program writes it.

``HOST``, ``PEER``, ``TIME`` are filled in. A test reads every line back with the real parsers, so the fast mode, which
skips the text, can claim nothing that a record does not hold.
"""

from datetime import UTC, datetime
from typing import Final, NamedTuple


class Hop(NamedTuple):
    """One stream of the installation."""

    name: str
    format: str
    resolution: float
    follows: tuple[str, ...] = ()


HOPS: Final = (
    Hop("edge", "nginx", 1.0),
    Hop("lb", "haproxy", 0.001),
    Hop("ingress", "ingress_nginx", 1.0),
    Hop("mesh", "envoy", 0.001),
    Hop("app", "app", 0.001, ("edge",)),
)


class Voice(NamedTuple):
    direction: str
    reason: str
    rejected_by: str
    names_host: bool
    line: str


def _nginx_down(text: str, names_host: bool = True) -> str:
    server = "SERVER" if names_host else "0.0.0.0:443"
    return f"TIME [info] 31#31: *7 {text} while SSL handshaking, client: PEER, server: {server}"


def _nginx_up(text: str) -> str:
    return (
        f"TIME [error] 31#31: *7 {text} while SSL handshaking to upstream, client: 192.0.2.9, server: shop.example, "
        'request: "GET / HTTP/1.1", upstream: "https://PEER:8443/", host: "shop.example"'
    )


def _alert(code: str, text: str, number: int) -> str:
    return f"SSL_do_handshake() failed (SSL: error:{code}:SSL routines::{text}:SSL alert number {number})"


def _haproxy(code: str, text: str) -> str:
    return (
        f"PEER:51000 [TIME] fe~/tls 34/00000000{code}/0/0 {{HOST}} "
        f'"SSL handshake failure" "error:{code}:SSL routines::{text}"'
    )


def _envoy_down(text: str) -> str:
    return f'[TIME] "- - -" 0 - - - "TLS_error:|{text}:TLS_error_end" 0 0 0 192.0.2.40:25443 PEER:46946 HOST -'


def _envoy_up(details: str, text: str) -> str:
    return (
        f'[TIME] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{{{details}}} - "{text}" 0 98 1 - "-" '
        '"curl/7.88.1" "273014f7" "192.0.2.40:25080" "PEER:24443" cart - 192.0.2.40:25080 192.0.2.9:60762 - -'
    )


def _python(text: str) -> str:
    return f"TIME ERROR [orders.sync] order sync failed for https://HOST/v1: URLError: <urlopen error {text}>"


def _verify(text: str) -> str:
    return _python(f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {text} (_ssl.c:1006)")


_ENVOY_EXPIRED: Final = (
    "TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:"
    "_X509_verify_cert:_certificate_verification_error_at_depth_0:_certificate_has_expired:TLS_error_end"
)

_NGINX: Final = (
    Voice("downstream", "closed_by_peer", "peer", True, _nginx_down("client closed connection")),
    Voice("downstream", "reset", "peer", True, _nginx_down("recv() failed (104: Connection reset by peer)")),
    Voice("downstream", "timeout", "local", True, _nginx_down("client timed out (110: Connection timed out)")),
    Voice(
        "downstream",
        "version_mismatch",
        "local",
        True,
        _nginx_down("SSL_do_handshake() failed (SSL: error:0A000102:SSL routines::unsupported protocol)"),
    ),
    Voice(
        "downstream",
        "no_shared_cipher",
        "local",
        True,
        _nginx_down("SSL_do_handshake() failed (SSL: error:0A0000C1:SSL routines::no shared cipher)"),
    ),
    Voice(
        "downstream",
        "not_tls",
        "local",
        True,
        _nginx_down("SSL_do_handshake() failed (SSL: error:0A00009C:SSL routines::http request)"),
    ),
    Voice("downstream", "unrecognized_name", "local", True, _nginx_down("handshake rejected")),
    Voice("downstream", "unknown_issuer", "peer", True, _nginx_down(_alert("0A000418", "tlsv1 alert unknown ca", 48))),
    Voice(
        "downstream", "expired", "peer", True, _nginx_down(_alert("0A000415", "sslv3 alert certificate expired", 45))
    ),
    Voice(
        "downstream",
        "certificate_unknown",
        "peer",
        True,
        _nginx_down(_alert("0A000416", "sslv3 alert certificate unknown", 46)),
    ),
    Voice(
        "upstream",
        "expired",
        "local",
        False,
        _nginx_up("upstream SSL certificate verify error: (10:certificate has expired)"),
    ),
    Voice(
        "upstream",
        "unknown_issuer",
        "local",
        False,
        _nginx_up("upstream SSL certificate verify error: (20:unable to get local issuer certificate)"),
    ),
    Voice("upstream", "timeout", "local", False, _nginx_up("upstream timed out (110: Connection timed out)")),
    Voice("upstream", "closed_by_peer", "peer", False, _nginx_up("peer closed connection in SSL handshake")),
    Voice(
        "upstream", "version_mismatch", "peer", False, _nginx_up(_alert("0A00042E", "tlsv1 alert protocol version", 70))
    ),
    Voice("upstream", "rejected", "peer", False, _nginx_up(_alert("0A000415", "sslv3 alert certificate expired", 45))),
)

VOICES: Final[dict[str, tuple[Voice, ...]]] = {
    "edge": _NGINX,
    "lb": (
        Voice(
            "downstream",
            "closed_by_peer",
            "peer",
            False,
            "PEER:37852 [TIME] edge~ 1/1 24/0000000000000000/0/0/0 -/TLSv1.3/(NONE)",
        ),
        Voice("downstream", "version_mismatch", "local", True, _haproxy("0A000102", "unsupported protocol")),
        Voice("downstream", "no_shared_cipher", "local", True, _haproxy("0A0000C1", "no shared cipher")),
        Voice("downstream", "unknown_issuer", "peer", True, _haproxy("0A000418", "tlsv1 alert unknown ca")),
        Voice("downstream", "expired", "peer", True, _haproxy("0A000415", "sslv3 alert certificate expired")),
        Voice("downstream", "generic_failure", "unknown", False, "PEER:46286 [TIME] web/1: SSL handshake failure"),
        Voice(
            "upstream",
            "certificate_unknown",
            "local",
            False,
            'PEER:34630 [TIME] in app/s1 503 SC bc_err=34 ssl_bc_err=000000000A000086 "GET / HTTP/1.1"',
        ),
        Voice(
            "upstream",
            "hostname_mismatch",
            "local",
            False,
            "PEER:51000 [TIME] in app/s1 503 SC bc_err=33 "
            'bc_err_str="Server presented an SSL certificate different from the expected one" '
            'ssl_bc_err=000000000A000086 ssl_bc_err_str="error:0A000086:SSL routines::certificate verify failed" '
            '"GET / HTTP/1.1"',
        ),
    ),
    "ingress": _NGINX,
    "mesh": (
        Voice(
            "downstream",
            "version_mismatch",
            "local",
            True,
            _envoy_down("268435696:SSL_routines:OPENSSL_internal:UNSUPPORTED_PROTOCOL"),
        ),
        Voice(
            "downstream",
            "missing",
            "local",
            True,
            _envoy_down("268435648:SSL_routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        ),
        Voice(
            "downstream",
            "unrecognized_name",
            "local",
            True,
            '[TIME] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 192.0.2.40:25443 PEER:46970 HOST -',
        ),
        Voice(
            "upstream",
            "expired",
            "local",
            False,
            _envoy_up(f"remote_connection_failure|{_ENVOY_EXPIRED}", _ENVOY_EXPIRED),
        ),
        Voice("upstream", "timeout", "local", False, _envoy_up("connection_timeout", "-")),
        Voice("upstream", "generic_failure", "unknown", False, _envoy_up("remote_connection_failure", "-")),
    ),
    "app": (
        Voice("upstream", "expired", "local", True, _verify("certificate has expired")),
        Voice("upstream", "unknown_issuer", "local", True, _verify("unable to get local issuer certificate")),
        Voice("upstream", "timeout", "local", True, _python("_ssl.c:989: The handshake operation timed out")),
        Voice(
            "upstream",
            "closed_by_peer",
            "peer",
            True,
            _python("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1006)"),
        ),
    ),
}


def voice_of(stream: str, direction: str, reason: str) -> Voice:
    """The one way in which ``stream`` tells this reason on this leg.

    Raises:
        LookupError: it cannot tell it.
    """
    for voice in VOICES[stream]:
        if (voice.direction, voice.reason) == (direction, reason):
            return voice
    raise LookupError(f"{stream} has no voice for {direction} {reason}")


def record(stream: str, voice: Voice, logged: float, host: str | None, peer: str | None, server: str) -> str:
    """The record's line, without its end. ``server`` is the listener that stands for the host in nginx's log."""
    line = voice.line.replace("SERVER", server).replace("PEER", peer or "192.0.2.250")
    return line.replace("TIME", written(stream, logged)).replace("HOST", host or "-")


def written(stream: str, logged: float) -> str:
    """The time as this stream's program writes it, in UTC."""
    millis = round(logged * 1000)
    moment = datetime.fromtimestamp(millis // 1000, UTC)
    if stream in ("edge", "ingress"):
        return moment.strftime("%Y/%m/%d %H:%M:%S")
    if stream == "lb":
        return moment.strftime("%d/%b/%Y:%H:%M:%S") + f".{millis % 1000:03}"
    if stream == "mesh":
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{millis % 1000:03}Z"
    return moment.strftime("%Y-%m-%d %H:%M:%S") + f",{millis % 1000:03}"
