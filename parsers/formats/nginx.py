"""nginx error log: failed TLS handshakes, downstream and upstream, http, stream and mail; access lines only on proof.

Shape and texts: nginx 1.9 to 1.29 (and OpenResty, Tengine, Angie, freenginx), ``src/core/ngx_log.c``,
``src/event/ngx_event_openssl.c``, ``src/http/ngx_http_request.c``, ``src/http/ngx_http_upstream.c``.
Times are local and carry no zone: the stream's ``timezone`` setting supplies it.
Invisible unless ``error_log ... info``: what a client does wrong is logged at that level.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from parsers import names, timestamps
from parsers.failure import Change, Failure
from parsers.formats import nginx_access
from parsers.lexicon import Said, judge
from parsers.lexicon import load as load_lexicon
from parsers.record import MalformedRecordError, Record, Settings
from parsers.screen import load as load_screen
from parsers.vocabulary import Direction

NAME: Final = "nginx"
SEVERAL_LINES: Final = False

_HEAD: Final = re.compile(
    rb"(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)(?:\.\d{1,9})? \[(?P<level>[a-z]{1,8})\] \d{1,10}#\d{1,20}: (?:\*\d{1,20} )?"
)
_head: Final[Callable[[bytes], re.Match[bytes] | None]] = _HEAD.match

_ENDS: Final = re.compile(rb", client: (?P<client>[^,\s]{1,64})(?:, server: (?P<server>[^,\n]{0,320}))?")
_UPSTREAM: Final = re.compile(rb', upstream: "(?:[a-z]{2,8}://)?(?P<peer>[^/"\n]{1,320})')
_HEALTH_CHECK: Final = re.compile(rb' of peer (?P<peer>[^\s"]{1,320}) in upstream "')
_REQUESTED: Final = re.compile(rb', host: "(?P<host>[^"\n]{1,320})"')
_PRESENTED: Final = re.compile(rb'upstream SSL certificate does not match "(?P<name>[^"\n]{1,320})"')


def claims(text: bytes) -> bool:
    """An error line's head, or an access line in the common shape."""
    return _head(text) is not None or nginx_access.claims(text)


def read(record: Record, said: Said) -> Failure | Change | None:
    """The failure, or the reload, that one line tells of; None for whatever failed outside a handshake.

    Raises:
        MalformedRecordError: the head is nginx's, the time in it is none.
    """
    return read_line(record.text, said, record.settings) if record.text[:1] != b"{" else nginx_access.read(record, said)


def read_line(text: bytes, said: Said, settings: Settings) -> Failure | Change | None:
    """`read` without a `Record` around the line, for lines that had no envelope."""
    head = _head(text)
    if head is None:
        return nginx_access.read(Record(text, settings), said)
    start = head.end()
    end = text.find(b", client: ", start)
    if end < 0:
        return _without_client(text, head, said, settings)
    told = _told(text[start:end])
    if told is None:
        return None
    ends = _ENDS.match(text, end)
    if ends is None:
        raise MalformedRecordError("nginx: no address after client:")
    direction, message, reason = told
    client, server = ends.groups()
    if direction == "upstream":
        found = _UPSTREAM.search(text, ends.end())
        if found is None:
            host = peer = None
        else:
            peer = names.peer(found[1])
            host = names.host(found[1])
        if (presented := _PRESENTED.match(message)) is not None:
            host = names.host(presented[1])
    else:
        peer = names.peer(client)
        host = _downstream_host(text, ends.end(), server, settings)
    if b', request: "' in text:
        said = _alone(text[start:end])
    if reason is None:
        reason, rejected_by = judge(said, direction)
    else:
        rejected_by = "local"
    # In the order of Failure's fields: keywords would cost a third of the time.
    return Failure(
        _time(head[1], settings), direction, reason, rejected_by, host, peer, None, None, None,
        said.alert, said.code, message, text, NAME, 1.0, "error",
    )  # fmt: skip


class _Told(NamedTuple):
    direction: Direction
    message: bytes
    """What happened, without ``while doing``."""
    reason: str | None
    """Where the place of the error, not the TLS stack, decides it."""


_AFTER_THE_HANDSHAKE: Final = (
    b"SSL_write() failed",
    b"SSL_shutdown() failed",
    b"SSL_sendfile() failed",
    b"ignoring stale global SSL error",
)
_STAPLING: Final = (b"while requesting certificate status", b"while requesting OCSP", b'"ssl_stapling"')
_LATE_ALERTS: Final = re.compile(rb"SSL alert number (?:4[0-689]|116)\b|certificate required")
"""Alerts by which a TLS 1.3 server refuses a client certificate: they come with the first read (RFC 8446 section 4.4.2.4)."""


@lru_cache(maxsize=8192)
def _told(message: bytes) -> _Told | None:
    """What a message says about a handshake; None if it says nothing about one. Storms repeat few messages."""
    text, _, action = message.rpartition(b" while ")
    if not text:
        text, action = message, b""
    upstream = b"upstream" in action or text.startswith(b"upstream ")
    direction: Direction = "upstream" if upstream else "downstream"
    if text.startswith(_AFTER_THE_HANDSHAKE) or any(stapling in message for stapling in _STAPLING):
        return None
    if text.startswith(b"SSL_read() failed"):
        return _Told(direction, text, None) if upstream and _LATE_ALERTS.search(text) else None
    if text.startswith(b"cannot load certificate"):
        return _Told(direction, text, "internal_error") if b"SSL handshaking" in action else None
    if text.startswith(b"client SSL certificate verify error"):
        return _Told(direction, text, "rejected")
    if b"SSL" in message or b"HTTPS port" in text or b"the one that was negotiated" in text:
        return _Told(direction, text, None) if _alone(message).rank < 9 else None
    return None


@lru_cache(maxsize=8192)
def _alone(message: bytes) -> Said:
    """What the message says without the request that follows it: a URL may hold ``certificate_has_expired``."""
    ids = tuple(number for _, number in load_screen().hits(message))
    return load_lexicon().said(ids, message)


def _downstream_host(text: bytes, start: int, server: bytes | None, settings: Settings) -> str | None:
    """The requested name, else the server's, else what the stream's settings call the listener."""
    if text.find(b', request: "', start) >= 0 and (requested := _REQUESTED.search(text, start)) is not None:
        host = names.host(requested[1])
        if host is not None:
            return host
    if not server:
        return None
    host = names.host(server)
    if host is None and settings.hosts:
        given = settings.hosts.get(server.decode("utf-8", "replace"))
        host = None if given is None else names.host(given)
    return host


def _without_client(text: bytes, head: re.Match[bytes], said: Said, settings: Settings) -> Failure | Change | None:
    """Reloads, health checks (NGINX Plus), and lines cut at nginx's 2,048 bytes; start-up errors are None."""
    message = text[head.end() :]
    if message == b"reconfiguring":
        return Change(_time(head[1], settings), "reload", "nginx reconfiguring")
    checked = _HEALTH_CHECK.search(message)
    if head[2] == b"emerg" or (checked is None and b" while SSL handshaking" not in message and len(text) < 2000):
        return None
    told = _told(message[: checked.start()].rpartition(b", health check ")[0] if checked else message)
    if told is None:
        return None
    direction: Direction = "upstream" if checked else told.direction
    reason, rejected_by = judge(said, direction)
    return Failure(
        time=_time(head[1], settings),
        direction=direction,
        reason=told.reason or reason,
        rejected_by="local" if told.reason else rejected_by,
        peer=names.peer(checked[1]) if checked else None,
        alert=said.alert,
        code=said.code,
        message=told.message,
        raw=text,
        format=NAME,
        channel="error",
    )


def _time(written: bytes, settings: Settings) -> float:
    try:
        return timestamps.local(written, settings.zone)
    except ValueError as error:
        raise MalformedRecordError(f"nginx: {error}") from error
