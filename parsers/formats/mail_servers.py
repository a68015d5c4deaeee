"""Dovecot's login processes and Exim, as the clients of both see them; Exim as a client, too. Postfix: `postfix`.

Texts: Dovecot 2.2 to 2.4, ``src/login-common/client-common.c`` and ``src/lib-ssl-iostream``; Exim 4.8x to 4.98,
``src/src/tls.c``, ``tls-openssl.c``, ``tls-gnu.c``.
"""

import re
from typing import Final

from parsers import names
from parsers.formats.app_heard import NOT_MINE, Answer, Heard
from parsers.lexicon.said import Said
from parsers.vocabulary import RejectedBy

_LOGIN: Final = re.compile(
    rb"(?:Disconnected|Aborted login|Login aborted)[^\n]{0,1000}\brip=(?P<ip>[0-9a-fA-F.:]{2,45})"
)
_RIP_PORT: Final = re.compile(rb"\brport=(\d{1,5})")
_HANDSHAKING: Final = re.compile(rb"TLS handshaking(?:: (?P<why>[^\n]{0,500}?))?(?:, session=|\s*$)", re.MULTILINE)
_NOT_FINISHED: Final = b"(tls_handshake_not_finished)"

_EXIM: Final = re.compile(
    rb"TLS error on connection (?P<way>from|to) (?P<who>[^\n]{0,600}?)"
    rb"\((?P<call>[^()\n]{1,80})\): (?P<why>[^\n]{0,500})"
)
_EXIM_HOST_FIRST: Final = re.compile(
    rb"H=(?P<who>[^\n]{0,300}?\[[0-9a-fA-F.:]{2,45}\](?::\d{1,5})?) TLS error on connection"
    rb" \((?P<call>[^()\n]{1,80})\): (?P<why>[^\n]{0,500})"
)
_EXIM_ADDRESS: Final = re.compile(rb"\[(?P<ip>[0-9a-fA-F.:]{2,45})\](?::(?P<port>\d{1,5}))?")
_EXIM_NAME: Final = re.compile(rb"\s*(?:H=)?(?P<name>[A-Za-z0-9_][\w.-]{0,252}) ")
_EXIM_VERIFY: Final = re.compile(
    rb"(?:\[(?P<ip>[0-9a-fA-F.:]{2,45})\] )?SSL verify error: (?P<why>(?:depth=\d{1,3} error=[^\n]{1,200}?"
    rb"|certificate name mismatch: [^\n]{1,300}?))(?: cert=[^\n]{0,400}|\s*$)"
)
_EXIM_NAME_WANTED: Final = re.compile(rb'\bH="(?P<name>[^"\n]{1,253})"')
_AFTER: Final = frozenset((b"recv", b"send", b"SSL_read", b"SSL_write"))
_CUT: Final[tuple[tuple[bytes, str, RejectedBy], ...]] = (
    (b"timed out", "timeout", "local"),
    (b"Connection reset by peer", "reset", "peer"),
    (b"Error in the pull function", "reset", "peer"),
    (b"Connection closed", "closed_by_peer", "peer"),
    (b"lost connection", "closed_by_peer", "peer"),
)


def hear(text: bytes, said: Said) -> Answer:
    """The failure in one record of either server."""
    if b"rip=" in text and (login := _LOGIN.search(text)) is not None:
        return _dovecot(text, login, said)
    if b"TLS error on connection" in text or b"SSL verify error: " in text:
        return _exim(text, said)
    return NOT_MINE


def _dovecot(text: bytes, login: re.Match[bytes], said: Said) -> Answer:
    """``, TLS,`` alone tells that TLS was up: what the client did afterwards is no handshake's failure."""
    handshaking = _HANDSHAKING.search(text)
    if handshaking is None and _NOT_FINISHED not in text:
        return None
    port = _RIP_PORT.search(text, login.start())
    why = (handshaking["why"] if handshaking else None) or b"TLS handshake not finished"
    reason, rejected_by = _cut(why, said)
    if reason is None and (said.rank >= 6 or said.winner < 0):
        reason, rejected_by = ("generic_failure", "unknown") if b"failed" in why else ("closed_by_peer", "peer")
    return Heard("downstream", why, names.peer(login["ip"], port[1] if port else None), None, reason, rejected_by)


def _exim(text: bytes, said: Said) -> Answer:
    found = _EXIM.search(text) or _EXIM_HOST_FIRST.search(text)
    if found is None:
        verify = _EXIM_VERIFY.search(text)
        if verify is None:
            return NOT_MINE
        wanted = _EXIM_NAME_WANTED.search(verify["why"])
        if wanted is None:
            return Heard("downstream", verify["why"], names.peer(verify["ip"] or b""))
        peer, host = names.peer(verify["ip"] or b""), names.host(wanted["name"])
        return Heard("upstream", verify["why"], peer, host, "hostname_mismatch", "local")
    if found["call"] in _AFTER:
        return None
    groups = found.groupdict()
    upstream = groups.get("way") == b"to" or found["call"] == b"SSL_connect"
    address = _EXIM_ADDRESS.search(found["who"])
    named = _EXIM_NAME.match(found["who"]) if upstream else None
    reason, rejected_by = _cut(found["why"], said)
    return Heard(
        "upstream" if upstream else "downstream",
        found["why"],
        names.peer(address["ip"], address["port"]) if address else None,
        names.host(named["name"]) if named else None,
        reason,
        rejected_by,
    )


def _cut(why: bytes, said: Said) -> tuple[str | None, RejectedBy | None]:
    """How the socket ended it, where the library said nothing."""
    if said.rank < 4 and said.winner >= 0:
        return None, None
    return next(((reason, who) for words, reason, who in _CUT if words in why), (None, None))
