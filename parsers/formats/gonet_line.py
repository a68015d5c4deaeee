"""The one line every Go server writes of a failed handshake, and its relatives; found inside any logger's wrapping.

``http: TLS handshake error from ADDR: ERR`` (``net/http`` ``server.go``), etcd's ``rejected connection``, Consul's
``conn=from=ADDR error=ERR``, Traefik's strict SNI. All are downstream: only a listener writes them.
"""

import re
from typing import Final

from parsers import names, timestamps
from parsers.failure import Failure
from parsers.lexicon import judge
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import RejectedBy

_ADDRESS: Final = rb"(?P<peer>\[?[0-9a-fA-F:.%]{2,60}\]?:\d{1,5})"
_HANDSHAKE: Final = re.compile(rb"http: TLS handshake error from " + _ADDRESS + rb": (?P<error>[^\n]{0,4000})")
_ETCD: Final = re.compile(
    rb'rejected connection from \\?"' + _ADDRESS + rb'\\?" \((?:error )?\\?"?(?P<error>[^\n]{0,1000}?)\\?"?'
    rb'(?:, ServerName \\?"(?P<name>[^"\\\n]{0,253})\\?"\)|\)(?!\\?", ServerName))'
)
_CONSUL: Final = re.compile(rb"conn=from=" + _ADDRESS + rb' (?:error|err)=\\?"?(?P<error>[^\n"]{0,4000})')
_STRICT_SNI: Final = re.compile(
    rb'(?P<error>TLS: strict SNI enabled - No certificate found for domain: \\?"(?P<name>[^"\\\n]{0,253})\\?")'
)
_LINES: Final = (_HANDSHAKE, _ETCD, _CONSUL, _STRICT_SNI)

_SOCKET_ERRORS: Final[tuple[tuple[re.Pattern[bytes], str, RejectedBy], ...]] = (
    (re.compile(rb"(?:unexpected )?EOF\b"), "closed_by_peer", "peer"),
    (
        re.compile(rb"(?:read|write) (?:tcp|unix)\b[^\n]{0,200}: (?:connection reset by peer|forcibly closed)"),
        "reset",
        "peer",
    ),
    (re.compile(rb"write (?:tcp|unix)\b[^\n]{0,200}: broken pipe"), "closed_by_peer", "peer"),
    (re.compile(rb"(?:(?:read|write) (?:tcp|unix)\b[^\n]{0,200}: )?i/o timeout"), "timeout", "local"),
    (re.compile(rb"context deadline exceeded"), "timeout", "local"),
)
"""Socket errors carry no TLS word of their own; here the line itself says that a handshake was under way."""

_REQUESTED: Final = re.compile(
    rb"""
    (?:no\ certificate\ available\ for|acme/autocert:\ host|server\ name(?:\ \(SNI\))?:?|for\ (?:domain|host|SNI):?)\ +
    \\?['"](?P<quoted>[^'"\\\s]{1,253})
  | requested\ server\ name:[^\n]{0,2000},\ not\ (?P<unlisted>[^\s,"\\]{1,253})
    """,
    re.VERBOSE,
)
_CERTMAGIC: Final = re.compile(rb"no certificate available for \\?'(?P<name>[0-9A-Fa-f.:]{2,50})\\?'")
_NAME_PROBLEM: Final = re.compile(
    rb"""requested\ server\ name|no\ certificate\ available\ for|acme/autocert:\ (?:host|server\ name)|strict\ SNI
    |unknown\ server\ name|unrecognized\ name""",
    re.VERBOSE,
)


def find(text: bytes) -> re.Match[bytes] | None:
    """The server's line inside ``text``, whatever logger wraps it."""
    for line in _LINES:
        if (match := line.search(text, 0, 65_536)) is not None:
            return match
    return None


def read(record: Record, said: Said, text: bytes | None = None) -> Failure | None:
    """The failure a server's line tells of; ``text`` is the record's text unescaped, where a wrapper escaped it."""
    text = record.text if text is None else text
    match = find(text)
    if match is None:
        return None
    groups = match.groupdict()
    error: bytes = match["error"]
    name = groups.get("name") or b""
    if not name and (asked := _REQUESTED.search(error)) is not None:
        name = asked["quoted"] or asked["unlisted"] or b""
    host = names.host(name) if name else None
    reason, rejected_by = _meaning(error, said)
    time, resolution = timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    return Failure(
        time=time,
        direction="downstream",
        reason=reason,
        rejected_by=rejected_by,
        host=host,
        peer=names.peer(groups["peer"]) if groups.get("peer") else None,
        sni_sent=True if host else None,
        alert=said.alert,
        code=said.code,
        message=error.rstrip(b'"\\}) \t')[:2000],
        raw=record.text,
        format="gonet",
        resolution=resolution,
    )


def _no_name_asked(error: bytes) -> bool:
    """certmagic looks up its own address where a client asks for no name (``handshake.go``)."""
    asked = _CERTMAGIC.match(error)
    return asked is not None and names.address(asked["name"].decode("ascii", "replace")) is not None


def _meaning(error: bytes, said: Said) -> tuple[str, RejectedBy]:
    if b"missing server name" in error or _no_name_asked(error):
        return "sni_missing", "local"
    if _NAME_PROBLEM.search(error) and not error.startswith((b"remote error", b"tls: failed to verify")):
        return "unrecognized_name", "local"  # what GetCertificate says, in its author's words
    for pattern, reason, rejected_by in _SOCKET_ERRORS:
        if pattern.match(error):
            return reason, rejected_by
    return judge(said, "downstream")
