"""Proxies read as ``app`` whose lines have a shape of their own: hitch, Squid, ztunnel, cloudflared.

Shapes and texts: hitch 1.4 to 1.8 ``src/hitch.c``, ``src/logging.c``; Squid 3 to 7 ``src/client_side.cc``,
``src/security/PeerConnector.cc``; ``istio/ztunnel`` ``src/proxy/metrics.rs``, ``src/telemetry.rs``;
``cloudflare/cloudflared`` ``proxy/proxy.go``. Times of hitch and Squid are local and carry no zone.
"""

import re
from collections.abc import Callable
from typing import Final

from parsers import names, timestamps
from parsers.formats.app_heard import NOT_MINE, Answer, Heard
from parsers.lexicon.resolve import TRIGGER_RANK
from parsers.lexicon.said import Said
from parsers.record import Settings

_ADDRESS: Final = rb"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}"

_HITCH: Final = re.compile(
    rb"(?:(?P<date>\d{8})T(?P<clock>\d{6})\.(?P<micros>\d{6}) \[ {0,8}\d{1,10}\] )?"
    rb"(?:(?P<client>" + _ADDRESS + rb") :\d{1,5} \d{1,10}:\d{1,10} |\{(?P<side>client|backend)\} )"
    rb"(?P<message>(?:Handshake failure: |Connection closed \(in handshake\)|SSL socket error in handshake: "
    rb"|Unexpected SSL error \(in handshake\): |SSL handshake timeout)[^\n]{0,4000})"
)
_SQUID: Final = re.compile(
    rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{3})?(?: kid\d{1,4})?\| (?:\d{1,3},\d{1,2}\| \S{1,80} [\w:~]{1,80}: )?"
    rb"(?P<message>(?:ERROR: )?(?:(?:system call )?failure while (?P<old>accepting|establishing) (?:a )?TLS connection"
    rb"|Cannot (?P<new>accept|establish) a TLS connection|Error negotiating SSL(?P<client> connection)? on FD)"
    rb"[^\n]{0,4000})"
)
_SQUID_ACCESS: Final = re.compile(
    rb"\d{10}\.\d{3} {1,12}\d{1,9} (?P<client>[0-9A-Fa-f.:]{2,45}) [A-Z_]{3,40}/\d{3} \d{1,12} [A-Z]{3,20} "
    rb"(?P<url>\S{1,2000}) [^\n]{0,2000}?\b(?P<message>ERR_SECURE_(?P<call>CONNECT|ACCEPT)_FAIL[^\s\]\"]{0,400})"
)
_REMOTE: Final = re.compile(rb"\bremote=(?P<peer>" + _ADDRESS + rb")")
_URL: Final = re.compile(rb"(?:https?://)?(?P<host>[^\s:/]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?")
_ZTUNNEL_LEG: Final = re.compile(rb'\bdirection="?(?P<direction>inbound|outbound)\b')
_ZTUNNEL_ERROR: Final = re.compile(rb'\berror="?(?P<message>[^\n"]{1,2000})')
_ZTUNNEL_FIELD: Final = r'\b%s="?(?P<value>[^\s"]{1,300})'
_SOURCE: Final = re.compile((_ZTUNNEL_FIELD % r"src\.addr").encode())
_TARGET: Final = re.compile((_ZTUNNEL_FIELD % r"dst\.(?:hbone_)?addr").encode())
_SERVICE: Final = re.compile((_ZTUNNEL_FIELD % r"dst\.service").encode())
_CLOUDFLARED: Final = re.compile(
    rb"Unable to reach the origin service\.[^\n]{0,160}cloudflared: (?P<message>[^\n]{1,2000})"
)
_TOLD_BEFORE: Final = re.compile(rb"(?:\A|[ \n])(?:Request failed|failed to serve (?:incoming|tunnel) )")
"""cloudflared tells a failed request twice: what its origin said, then (with ``dest=``) that the request failed."""
_ORIGIN: Final = re.compile(
    rb"originService\"?[=:]\"?https://(?P<host>[^\s:/\"]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?"
)


def hear(text: bytes, settings: Settings, said: Said) -> Answer:
    """What the proxy that wrote the record says of the failure; None where another line of it told that before."""
    for look in _SHAPES:
        heard = look(text, settings)
        if heard != NOT_MINE:
            return None if said.rank == TRIGGER_RANK else heard
    return NOT_MINE


def _hitch(text: bytes, settings: Settings) -> Answer:
    line = _HITCH.match(text)
    if line is None:
        return NOT_MINE
    time = None
    if line["date"]:
        day, clock = line["date"].decode(), line["clock"].decode()
        written = f"{day[:4]}-{day[4:6]}-{day[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:]}.{line['micros'].decode()}"
        try:
            time = timestamps.local(written.encode(), settings.zone)
        except ValueError:
            time = None
    is_backend = line["side"] == b"backend"
    peer = names.peer(line["client"]) if line["client"] else None
    return Heard("upstream" if is_backend else "downstream", line["message"], peer=peer, time=time)


def _squid(text: bytes, _settings: Settings) -> Answer:
    line = _SQUID.match(text)
    if line is None:
        return NOT_MINE
    accepts = line["old"] == b"accepting" or line["new"] == b"accept" or line["client"] is not None
    remote = _REMOTE.search(text, 0, 4096)
    return Heard(
        "downstream" if accepts else "upstream", line["message"], peer=names.peer(remote["peer"]) if remote else None
    )


def _squid_access(text: bytes, _settings: Settings) -> Answer:
    line = _SQUID_ACCESS.match(text)
    if line is None:
        return NOT_MINE
    if line["call"] == b"ACCEPT":
        return Heard("downstream", line["message"], peer=names.peer(line["client"]))
    url = _URL.match(line["url"])
    host, peer = _ends(url) if url else (None, None)
    return Heard("upstream", line["message"], peer, host)


def _ztunnel(text: bytes, _settings: Settings) -> Answer:
    if b"src.addr=" not in text[:8192]:
        return NOT_MINE
    line, error = _ZTUNNEL_LEG.search(text, 0, 8192), _ZTUNNEL_ERROR.search(text, 0, 8192)
    if line is None or error is None:
        return NOT_MINE
    if line["direction"] == b"inbound":
        source = _SOURCE.search(text, 0, 8192)
        return Heard("downstream", error["message"], peer=names.peer(source["value"]) if source else None)
    target, service = _TARGET.search(text, 0, 8192), _SERVICE.search(text, 0, 8192)
    return Heard(
        "upstream",
        error["message"],
        names.peer(target["value"]) if target else None,
        names.host(service["value"]) if service else None,
    )


def _cloudflared(text: bytes, _settings: Settings) -> Answer:
    line = _CLOUDFLARED.search(text, 0, 8192)
    if line is None:
        return NOT_MINE
    message = line["message"].partition(b'" ')[0].rstrip(b'"')
    if _TOLD_BEFORE.search(text, 0, 8192):
        return None
    origin = _ORIGIN.search(text, 0, 8192) or _ORIGIN_ALONE.search(text, 0, 8192)
    host, peer = _ends(origin) if origin else (None, None)
    return Heard("upstream", message, peer, host)


_ORIGIN_ALONE: Final = re.compile(rb"(?:\A|\n)https://(?P<host>[^\s:/\"]{1,253})(?::(?P<port>\d{1,5}))?(?=\n|\Z)")
"""The same as the value of a JSON field, whose key is not part of the text."""

_SHAPES: Final[tuple[Callable[[bytes, Settings], Answer], ...]] = (
    _hitch,
    _squid,
    _squid_access,
    _ztunnel,
    _cloudflared,
)


def _ends(url: re.Match[bytes]) -> tuple[str | None, str | None]:
    host, port = url["host"], url["port"] or b"443"
    return names.host(host), names.peer(host, port) or names.peer(host + b":" + port)
