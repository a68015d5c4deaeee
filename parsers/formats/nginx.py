"""nginx error log: failed TLS handshakes, downstream and upstream, http, stream and mail; access lines only on proof.

Shape and texts: nginx 1.9 to 1.29 (and OpenResty, Tengine, Angie, freenginx), ``src/core/ngx_log.c``,
``src/event/ngx_event_openssl.c``, ``src/http/ngx_http_request.c``, ``src/http/ngx_http_upstream.c``.
Times are local and carry no zone: the stream's ``timezone`` setting supplies it.
Invisible unless ``error_log ... info``: what a client does wrong is logged at that level.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from parsers import names, timestamps
from parsers.failure import Change, Failure
from parsers.formats import nginx_access, nginx_lua
from parsers.lexicon import Said, judge
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.resolve import TRIGGER_RANK
from parsers.memo import remembered
from parsers.record import MalformedRecordError, Record, Settings
from parsers.screen import load as load_screen
from parsers.vocabulary import Direction, RejectedBy

NAME: Final = "nginx"
SEVERAL_LINES: Final = False

_HEAD: Final = re.compile(
    rb"(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)(?:\.\d{1,9})? \[(?P<level>[a-z]{1,8})\] "
    rb"\d{1,10}#\d{1,20}: (?:\*\d{1,20} )?"
)
head_of: Final[Callable[[bytes], re.Match[bytes] | None]] = _HEAD.match

_ENDS: Final = re.compile(rb", client: (?P<client>[^,\s]{1,64})(?:, server: (?P<server>[^,\n]{0,320}))?")
_UPSTREAM: Final = re.compile(rb', upstream: "(?:[a-z]{2,8}://)?(?P<peer>[^/"\n]{1,320})')
_HEALTH_CHECK: Final = re.compile(rb' of peer (?P<peer>[^\s"]{1,320}) in upstream "')
_REQUESTED: Final = re.compile(rb', host: "(?P<host>[^"\n]{1,320})"')
_PRESENTED: Final = re.compile(rb'upstream SSL certificate does not match "(?P<name>[^"\n]{1,320})"')


def claims(text: bytes) -> bool:
    """An error line's head, or an access line in the common shape."""
    return head_of(text) is not None or nginx_access.claims(text)


def read(record: Record, said: Said) -> Failure | Change | None:
    """The failure, or the reload, that one line tells of; None for whatever failed outside a handshake.

    Raises:
        MalformedRecordError: the head is nginx's, the time in it is none.
    """
    return read_line(record.text, said, record.settings) if record.text[:1] != b"{" else nginx_access.read(record, said)


def read_line(text: bytes, said: Said, settings: Settings) -> Failure | Change | None:
    """`read` without a `Record` around the line, for lines that had no envelope."""
    head = head_of(text)
    if head is None:
        return nginx_access.read(Record(text, settings), said)
    start = head.end()
    end = text.find(b", client: ", start)
    if end < 0:
        return _without_client(text, head, settings)
    told = told_by(text[start:end])
    if told is None:
        return None
    ends = _ENDS.match(text, end)
    if ends is None:
        raise MalformedRecordError("nginx: no address after client:")
    client, server = ends.groups()
    direction = told.direction
    if direction == "upstream":
        host = told.host
        peer = None
        if (found := _UPSTREAM.search(text, ends.end())) is not None:
            peer = names.peer(found[1])
            host = host or names.host(found[1])
    else:
        peer = names.peer(client)
        host = names.host(server) if server else None
        if (after := ends.end()) < len(text) and (requested := _REQUESTED.search(text, after)) is not None:
            host = names.host(requested[1]) or host
        if told.host is not None:
            host = told.host
        elif host is None and settings.hosts and server:
            host = _named_in_settings(server, settings)
    try:
        time = timestamps.local(head[1], settings.zone)
    except ValueError as error:
        raise MalformedRecordError(f"nginx: {error}") from error
    # In the order of Failure's fields: keywords would cost a third of the time.
    return Failure(
        time, direction, told.reason, told.rejected_by, host, peer, None, None, None,
        told.alert, told.code, told.message, text, NAME, 1.0, told.channel,
    )  # fmt: skip


class Told(msgspec.Struct, frozen=True):
    """What a message tells, once for all lines that repeat it."""

    direction: Direction
    message: bytes
    """What happened, without ``while doing``."""
    reason: str
    rejected_by: RejectedBy
    host: str | None = None
    """The name that the upstream's certificate does not match, or that a gateway's Lua code has no certificate for."""
    alert: int | None = None
    code: str | None = None
    channel: str = ""
    """``error`` where the access log may tell of it, too: what is refused after TLS came up gets a status."""


_AFTER_THE_HANDSHAKE: Final = (
    b"SSL_write() failed",
    b"SSL_shutdown() failed",
    b"SSL_sendfile() failed",
    b"ignoring stale global SSL error",
)
_OF_HANDSHAKES: Final = (b"SSL", b"handshake", b"HTTPS port", b"the one that was negotiated")
_STAPLING: Final = (b"while requesting certificate status", b"while requesting OCSP", b'"ssl_stapling"')
_GET_A_STATUS: Final = frozenset(("missing", "rejected", "not_tls", "hostname_mismatch"))
"""495, 496, 497, 421."""
_LATE_ALERTS: Final = re.compile(rb"SSL alert number (?:4[0-689]|116)\b|certificate required")
"""Alerts by which a TLS 1.3 server refuses a client certificate: they come with the first read."""


@remembered(8192)
def told_by(message: bytes) -> Told | None:
    """What a message says about a handshake; None if it says nothing about one. Storms repeat few messages.

    The lexicon is asked anew, for the message alone: the request that follows it may hold ``/certificate_revoked``.
    """
    text, _, action = message.rpartition(b" while ")
    if not text:
        text, action = message, b""
    upstream = b"upstream" in action or text.startswith(b"upstream ")
    direction: Direction = "upstream" if upstream else "downstream"
    if text.startswith(_AFTER_THE_HANDSHAKE) or any(stapling in message for stapling in _STAPLING):
        return None
    if text.startswith(b"SSL_read() failed") and not (upstream and _LATE_ALERTS.search(text)):
        return None
    if text.startswith(b"cannot load certificate"):
        return Told(direction, text, "internal_error", "local") if b"SSL handshaking" in action else None
    if (lua := nginx_lua.take_apart(message)) is not None:
        text, asked = lua
    elif not any(word in message for word in _OF_HANDSHAKES):
        return None
    else:
        asked = None
    said = load_lexicon().said(tuple(number for _, number in load_screen().hits(message)), message)
    if said.rank == TRIGGER_RANK:
        return None
    if text.startswith(b"client SSL certificate verify error"):
        return Told(direction, text, "rejected", "local", channel="error")
    reason, rejected_by = judge(said, direction)
    presented = _PRESENTED.match(text)
    host = names.host(presented[1]) if presented else asked
    channel = "error" if reason in _GET_A_STATUS and not upstream else ""
    return Told(direction, text, reason, rejected_by, host, said.alert, said.code, channel)


def _named_in_settings(server: bytes, settings: Settings) -> str | None:
    """What the stream's settings call a listener (``0.0.0.0:443``)."""
    given = settings.hosts.get(server.decode("utf-8", "replace"))
    return None if given is None else names.host(given)


def _without_client(text: bytes, head: re.Match[bytes], settings: Settings) -> Failure | Change | None:
    """Reloads, health checks (NGINX Plus), and lines cut at nginx's 2,048 bytes; start-up errors are None."""
    message = text[head.end() :]
    if message == b"reconfiguring":
        return Change(_time(head[1], settings), "reload", "nginx reconfiguring")
    checked = _HEALTH_CHECK.search(message)
    if head[2] == b"emerg" or (checked is None and b" while SSL handshaking" not in message and len(text) < 2000):
        return None
    told = told_by(message[: checked.start()].rpartition(b", health check ")[0] if checked else message)
    if told is None:
        return None
    return Failure(
        time=_time(head[1], settings),
        direction="upstream" if checked else told.direction,
        reason=told.reason,
        rejected_by=told.rejected_by,
        host=told.host,
        peer=names.peer(checked[1]) if checked else None,
        alert=told.alert,
        code=told.code,
        message=told.message,
        raw=text,
        format=NAME,
        channel=told.channel,
    )


def _time(written: bytes, settings: Settings) -> float:
    try:
        return timestamps.local(written, settings.zone)
    except ValueError as error:
        raise MalformedRecordError(f"nginx: {error}") from error
