"""OpenVPN and rsyslog: each tells one failed handshake in up to five records, joined here.

Texts: OpenVPN 2.4 to 2.7, ``src/openvpn/ssl.c``, ``ssl_verify.c``, ``ssl_openssl.c``; rsyslog 8,
``runtime/nsd_gtls.c``, ``net_ossl.c``, ``nsd_ossl.c``, ``tcpsrv.c``. OpenVPN puts a client's address in front of what
its server says of it; without one, it is a client, or a server of one peer only.
"""

import re
from typing import Final

from parsers import names
from parsers.formats.app_heard import NOT_MINE, Answer, Heard
from parsers.lexicon.said import Said
from parsers.vocabulary import Direction, Hop, RejectedBy

_VPN: Final = re.compile(
    rb"(?:^|\n)(?P<head>[^\n]{0,200}?)(?P<mark>VERIFY (?:\w{1,12} )?ERROR: |OpenSSL: error:|TLS_ERROR: |TLS Error: )"
    rb"(?P<why>[^\n]{0,600})"
)
_VPN_MARKS: Final = (b"VERIFY ", b"OpenSSL: error:", b"TLS_ERROR: ", b"TLS Error: ")
_VPN_LAST: Final = b"TLS Error: TLS handshake failed"
_VPN_FAR: Final = re.compile(
    rb"(?:^|[ /])(?:\[AF_INET6?\])?(?P<far>\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}|\[?[0-9a-fA-F:]{4,45}\]?:\d{1,5})(?: |$)"
)
_VPN_NAME: Final = re.compile(rb"VERIFY X509NAME ERROR: [^\n]{0,400}?, must be (?P<name>[\w.-]{1,253})")
_VPN_NO_PEER: Final = re.compile(rb"key negotiation failed to occur")
_VPN_OTHER: Final = re.compile(
    rb"TLS Error: (?:Unroutable control packet|reading acknowledgement|incoming packet authentication|cannot locate"
    rb"|local/remote TLS keys are out of sync|unknown opcode)"
)
_STAMP: Final = re.compile(
    rb"^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d |[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} )"
)

_SYSLOG: Final = re.compile(
    rb"Certificate (?:error|EXPIRED|NOT YET VALID|REVOKED) at depth: \d|SSL_ERROR_(?:SSL|SYSCALL) Error in '"
    rb"|nsd_ossl:|nsd_gtls:|net_ossl:|gnutls returned error on handshake: |GnuTLS handshake retry returned error: "
    rb"|not permitted to talk to (?:it|peer)|netstream session 0x[0-9a-f]{1,16} from "
    rb"|failed to process incoming connection with error"
)
_SYSLOG_MARKS: Final = (
    *(b" at depth: ", b"SSL_ERROR_S", b"nsd_", b"net_ossl:", b"gnutls returned error", b"GnuTLS handshake retry"),
    *(b"not permitted to talk to ", b"netstream session 0x"),
)
"""What `_SYSLOG` begins with: plain searches are many times quicker, and nearly every record ends here."""
_SYSLOG_HANDSHAKE: Final = re.compile(
    rb"(?P<why>Certificate (?:error|EXPIRED|NOT YET VALID|REVOKED) at depth: [^\n]{1,600}"
    rb"|(?:nsd_ossl|net_ossl): ?(?:OpenSSL Error Stack: )?error:[^\n]{1,400}"
    rb"|gnutls returned error on handshake: [^\n]{1,300}|GnuTLS handshake retry returned error: [^\n]{1,300}"
    rb"|peer did not provide a certificate, not permitted[^\n]{0,200}|not permitted to talk to peer[^\n]{0,300})"
)
_SYSLOG_API: Final = re.compile(rb"Error in '(?P<where>[^'\n]{1,80})'[^\n]{0,400}?sslapi='(?P<api>\w{1,40})'")
_SYSLOG_END: Final = re.compile(
    rb"netstream session 0x[0-9a-f]{1,16} from |failed to process incoming connection with error"
)
_SYSLOG_FAR: Final = re.compile(
    rb"netstream session 0x[0-9a-f]{1,16} from (?P<far>\[?[0-9a-fA-F.:]{2,45}\]?) will be closed"
)
_VERSION: Final = re.compile(rb"\[v\d[^\]\n]{0,120}\]\Z")
_GNUTLS_CERTIFICATE: Final[tuple[tuple[bytes, str], ...]] = (
    (b"certificate expired", "expired"),
    (b"not yet active", "not_yet_valid"),
    (b"revoked", "revoked"),
    (b"signer not found", "unknown_issuer"),
    (b"signer is not a CA", "bad_certificate"),
    (b"insecure algorithm", "weak_parameters"),
)


def opens(line: bytes) -> bool:
    """OpenVPN: all but its last word. rsyslog: all but the session's end."""
    if _VPN.search(line) is not None:
        return _VPN_LAST not in line and _VPN_OTHER.search(line) is None
    return _SYSLOG.search(line) is not None and _SYSLOG_END.search(line) is None


def joins(lines: list[bytes], line: bytes) -> bool:
    """Same client in front (OpenVPN); the library's queue, then the session's end (rsyslog)."""
    vpn = _VPN.search(line)
    if vpn is not None:
        first = _VPN.search(lines[0])
        return first is not None and _STAMP.sub(b"", first["head"]) == _STAMP.sub(b"", vpn["head"])
    if _SYSLOG.search(line) is None or _SYSLOG.search(lines[0]) is None:
        return False
    if b"Certificate " in line[:200] and b" at depth: " in line:
        return all(b" at depth: " in before for before in lines)
    if b"SSL_ERROR_" in line:
        return all(b" at depth: " in before for before in lines)
    return b"gnutls returned" not in line and b"GnuTLS handshake" not in line and b"not permitted" not in line


def complete(lines: list[bytes]) -> bool:
    """Whether the last word is there."""
    return _VPN_LAST in lines[-1] or _SYSLOG_END.search(lines[-1]) is not None


def hear(text: bytes, said: Said, hop: Hop) -> Answer:
    """The failure in one record or several joined ones; where no word tells the leg, the ``hop`` does."""
    if any(mark in text for mark in _VPN_MARKS) and (vpn := _VPN.search(text)) is not None:
        return _openvpn(text, vpn, said, hop)
    if any(mark in text for mark in _SYSLOG_MARKS) and _SYSLOG.search(text) is not None:
        return _rsyslog(text, said)
    return NOT_MINE


def _openvpn(text: bytes, first: re.Match[bytes], said: Said, hop: Hop) -> Answer:
    if _VPN_OTHER.search(text):
        return None
    far = _VPN_FAR.search(_STAMP.sub(b"", first["head"]))
    direction: Direction = "upstream" if far is None and hop == "app" else "downstream"
    reason: str | None = None
    rejected_by: RejectedBy | None = None
    host = None
    if _VPN_NO_PEER.search(text):
        reason, rejected_by = "timeout", "local"
    elif (named := _VPN_NAME.search(text)) is not None:
        host = names.host(named["name"])
        reason, rejected_by = ("hostname_mismatch" if direction == "upstream" else "rejected"), "local"
    elif said.winner < 0 or said.rank >= 6:
        reason, rejected_by = "generic_failure", "unknown"
    message = first["mark"] + first["why"]
    peer = names.peer(far["far"]) if far else None
    return Heard(direction, message, peer, host, reason, rejected_by)


def _rsyslog(text: bytes, said: Said) -> Answer:
    told = _SYSLOG_HANDSHAKE.search(text)
    if told is None:
        return None
    api = _SYSLOG_API.search(text)
    if (
        api is not None
        and api["api"] != b"SSL_accept"
        and api["api"] != b"SSL_connect"
        and not _about_certificates(said)
    ):
        return None  # the connection was up: TLS 1.3 judges a client's certificate on the server's first read
    far = _SYSLOG_FAR.search(text)
    upstream = api is not None and (api["api"] == b"SSL_connect" or b"Client" in api["where"])
    why = _VERSION.sub(b"", told["why"].rstrip()).rstrip()
    reason: str | None = None
    rejected_by: RejectedBy | None = None
    if b"peer did not provide a certificate" in why:
        reason, rejected_by = "missing", "local"
    elif b"not permitted to talk to peer" in why:
        cause = next((name for words, name in _GNUTLS_CERTIFICATE if words in why), "certificate_unknown")
        reason, rejected_by = (cause if upstream else "rejected"), "local"
    return Heard(
        "upstream" if upstream else "downstream",
        why,
        names.peer(far["far"]) if far else None,
        None,
        reason,
        rejected_by,
    )


def _about_certificates(said: Said) -> bool:
    return (
        said.reason in ("missing", "rejected", "unknown_issuer", "certificate_unknown", "bad_certificate")
        or (said.rank == 1 and said.winner >= 0)
        or said.alert in (42, 43, 44, 45, 46, 48)
    )
