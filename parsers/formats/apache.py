"""Apache httpd error log: failed TLS handshakes of mod_ssl, as a server and as mod_proxy's client.

Shape and texts: httpd 2.4 (and 2.2), ``modules/ssl/ssl_engine_io.c``, ``ssl_engine_kernel.c``, ``ssl_engine_log.c``,
``modules/proxy``. Times are local and carry no zone: the stream's ``timezone`` setting supplies it.
The event (``AH02008``), the verification that failed (``AH02276``) and the library's reason stand on lines of their
own with the same pid and tid: they are one failure. Invisible unless ``LogLevel ... ssl:info``; with the default
``warn`` only ``AH00898`` and ``AH02039`` show. The access log proves nothing.
"""

import re
from typing import Final

from parsers import names, timestamps
from parsers.failure import Change, Failure
from parsers.formats import apache_lines
from parsers.formats.apache_lines import Line, take_apart
from parsers.lexicon import Said, judge
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.resolve import TRIGGER_RANK
from parsers.record import Record
from parsers.screen import load as load_screen
from parsers.vocabulary import Direction

NAME: Final = "apache"
SEVERAL_LINES: Final = False

JOIN_SECONDS: Final = apache_lines.JOIN_SECONDS
joins = apache_lines.joins
complete = apache_lines.complete

_CLAIMED: Final = re.compile(
    rb"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? \d{4}\] \[(?:[\w-]{0,40}:)?\w{1,10}\] "
)
_SERVER: Final = re.compile(rb"\(server (?P<name>[^)\s]{1,320})\)")
_BY_SNI: Final = re.compile(rb"Hostname (?P<name>\S{1,253}) provided via SNI")
_WANTED: Final = re.compile(rb"(?:for hostname |Requested hostname: )(?P<name>[^\s\]]{1,253})")
_PROXIED: Final = re.compile(rb" (?:to|for) (?P<peer>[0-9A-Fa-f.:\[\]]{2,60}) \((?P<name>[^)\s]{1,320})\)")
_SUBJECT: Final = re.compile(rb"\[subject: (?:[^/\]\n]{0,300}?,)?CN=(?P<name>[^,/\]\s]{1,253})(?=[,\s/\]])")
_OF_THE_CLIENT: Final = re.compile(rb" returned by [^\n]*|, referer: [^\n]*")
_NAMED: Final = re.compile(rb"(?P<name>[^\s:]{1,253}):\d{1,5}:\d ")

_SENT_BY_SERVERS_ONLY: Final = frozenset({41, 86, 112, 116, 120})
"""Alerts that only a server sends (RFC 8446 section 6.2, RFC 7507, RFC 7301): who receives one is the client."""


def claims(text: bytes) -> bool:
    """``[Fri Nov 20 23:28:43 2026] [module:level] ``."""
    return _CLAIMED.match(text) is not None


def read(record: Record, said: Said) -> Failure | Change | None:
    """The failure that one line, or the joined lines of one handshake, tell of; or the change."""
    lines = [take_apart(line) for line in record.text.split(b"\n")[:64]]
    numbers = {line.number for line in lines}
    time, resolution = _time(record, lines[0])
    change = _change(lines[0], time)
    if change is not None:
        return change
    if b"02009" in numbers:  # SSLVerifyClient optional_no_ca: the certificate is accepted all the same
        return None
    events = [line for line in lines if line.number in apache_lines.DOWNSTREAM or line.number in apache_lines.UPSTREAM]
    has_library = any(line.is_library for line in lines)
    if not events and not has_library:
        return None
    if _OF_THE_CLIENT.search(record.text):
        own = _OF_THE_CLIENT.sub(b"", record.text)
        said = load_lexicon().said(tuple(number for _, number in load_screen().hits(own)), own)
    if said.rank == TRIGGER_RANK:
        return None
    is_upstream = any(line.side == b"remote" or line.number in apache_lines.UPSTREAM for line in lines)
    if not events and not is_upstream:
        is_upstream = said.rejected_by == "peer" and said.alert in _SENT_BY_SERVERS_ONLY
    direction: Direction = "upstream" if is_upstream else "downstream"
    reason, rejected_by = judge(said, direction)
    if (
        not events
        and numbers & apache_lines.AFTER_THE_HANDSHAKE
        and not (is_upstream and reason in ("rejected", "missing"))
    ):
        return None  # but a TLS 1.3 server refuses a client certificate only after the client has finished
    if not is_upstream and numbers & apache_lines.VERIFICATIONS:
        reason, rejected_by = "rejected", "local"
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=_upstream_host(lines) if is_upstream else _downstream_host(record, lines),
        peer=_upstream_peer(lines) if is_upstream else _first_address(lines, b"client"),
        sni_sent=_sni_sent(numbers),
        alert=said.alert,
        code=said.code,
        message=_message(lines),
        raw=record.text,
        format=NAME,
        resolution=resolution,
        channel="error",
    )


def _change(line: Line, time: float | None) -> Change | None:
    if line.number == b"00493":
        return Change(time, "reload", "Apache httpd: graceful restart")
    if line.number in (b"01909", b"01906"):
        named = _NAMED.match(line.message)
        host = names.host(named["name"]) if named else None
        return Change(time, "certificate", line.message.decode("utf-8", "replace")[:300], host)
    return None


def _time(record: Record, first: Line) -> tuple[float | None, float]:
    if not first.time:
        return timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    try:
        return timestamps.apache(first.time, record.settings.zone), timestamps.resolution_of(first.time)
    except ValueError:
        return record.time, 1.0


def _message(lines: list[Line]) -> bytes:
    """The verification's text, else the library's, else the event's."""
    for line in lines:
        if line.number in apache_lines.VERIFICATIONS:
            return line.message.partition(b" [subject:")[0]
    for line in lines:
        if line.is_library:
            return line.message
    return lines[0].message


def _downstream_host(record: Record, lines: list[Line]) -> str | None:
    """The name by SNI, else the server that was chosen for the connection, else what the settings call the listener."""
    for line in lines:
        if (sni := _BY_SNI.match(line.message)) is not None:
            return names.host(sni["name"])
    for line in lines:
        server = _SERVER.search(line.message)
        if server is not None:
            host = names.host(server["name"])
            given = record.settings.hosts.get(server["name"].decode("utf-8", "replace"))
            return host or (names.host(given) if given else None)
    return None


def _upstream_host(lines: list[Line]) -> str | None:
    """The name that was wanted or proxied to; else, unless it does not match, the one on the refused certificate."""
    for pattern in (_WANTED, _PROXIED, _SUBJECT):
        for line in lines:
            found = pattern.search(line.message)
            if found is not None and (host := names.host(found["name"])) is not None and "." in host:
                return host
    return None


def _upstream_peer(lines: list[Line]) -> str | None:
    peer = _first_address(lines, b"remote")
    if peer is not None:
        return peer
    for line in lines:
        if (proxied := _PROXIED.search(line.message)) is not None:
            return names.peer(proxied["peer"])
    return None


def _first_address(lines: list[Line], side: bytes) -> str | None:
    return next((names.peer(line.address) for line in lines if line.side == side), None)


def _sni_sent(numbers: set[bytes]) -> bool | None:
    if numbers & {b"02031", b"02032"}:
        return True
    return False if b"02033" in numbers else None
