"""HAProxy: error lines in any layout, ``httpslog``, traffic lines with proof, health checks.

Shapes and texts: HAProxy 1.8 to 3.2, ``src/connection.c`` (conn_err_code_str), ``src/check.c``,
``doc/configuration.txt`` section 8.2. The date inside is local and carries no zone.
Up to 2.4 many failures are not logged at all; the backend's leg never reaches the error log: a 503 with state ``SC``
is any connect failure, and one of TLS only where ``bc_err`` or ``ssl_bc_err`` say so.
"""

import re
from typing import Final

from parsers import names, timestamps
from parsers.failure import Change, Failure
from parsers.formats import haproxy_errors
from parsers.formats.haproxy_errors import Errors
from parsers.lexicon import Said, judge
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.resolve import TRIGGER_RANK
from parsers.record import Record
from parsers.screen import load as load_screen
from parsers.vocabulary import Direction

NAME: Final = "haproxy"
SEVERAL_LINES: Final = False

_HEAD: Final = re.compile(
    rb"(?P<peer>[0-9A-Za-z:.%\[\]]{2,64}:\d{1,5}) \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\.\d{1,6})?)\] "
    rb"(?P<frontend>[^\s/:~]{1,128})~?(?:/(?P<bind>[^\s:]{1,128}))?(?P<plain>:)?(?: |$)"
)
"""Of an IPv6 peer, the last colon precedes the port. A colon after the listener: the error line of section 8.2.5."""
_CHECK: Final = re.compile(
    rb"(?:Health check for (?:backup )?server|(?:Backup )?Server) [^\s/]{1,128}/\S{1,128} (?:failed|is DOWN)"
    rb"[^\n]{0,80}?, reason: (?P<layer>Layer6 (?:invalid response|timeout))"
    rb'(?:, code: \d{1,4})?(?:, info: "(?P<info>[^"\n]{0,300})")?'
)
_STARTED: Final = re.compile(rb"New worker \([^)\n]{1,20}\)")
_REQUEST: Final = re.compile(rb'"(?:[A-Z]{3,20} [^\s"]{1,8192}(?: HTTP/[\d.]{1,3})?|<BADREQ>)"')
_CAPTURED: Final = re.compile(rb"[|\s_=]")
_BRACES: Final = re.compile(rb"\{(?P<name>[^{}\s|]{1,255})\}")
_NAMED_SNI: Final = re.compile(rb'sni"?\s?[=:]\s?"?(?P<name>[^\s",;}]{1,255})')
_QUOTED: Final = re.compile(rb'"(?P<text>[^"\n]{2,400})"')
_OF_TLS: Final = re.compile(rb"SSL|TLS|error:|handshake|certificate")
_LONGEST: Final = 32_768
"""Of a longer line the rest is not looked at; HAProxy itself cuts at ``len``, 1024 bytes by default."""
_NO_TEXT: Final = b" -"


def claims(text: bytes) -> bool:
    """``ip:port [date] frontend``, or a health check's event."""
    return _HEAD.match(text) is not None or _CHECK.match(text) is not None


def read(record: Record, said: Said) -> Failure | Change | None:
    """The failure, or the reload, that one line tells of; None for successes and for connect failures without proof."""
    text = record.text[:_LONGEST]
    head = _HEAD.match(text)
    if head is not None and head["plain"]:
        return _failure(record, head, said, Errors(), text[head.end() :])
    if head is None:
        if (checked := _CHECK.match(text)) is not None:
            return _health_check(record, checked, said)
        if _STARTED.match(text) is not None:
            return Change(record.time, "reload", "HAProxy: new worker")
    # The request and the captured headers are the client's own words: they prove nothing.
    own = _REQUEST.sub(b'""', text)
    if text[:1] != b"{":
        own = _without_captures(own)
    errors = haproxy_errors.find(own)
    if errors.tells_no_failure:
        return None
    if own != text:
        said = load_lexicon().said(tuple(number for _, number in load_screen().hits(own)), own)
    return _failure(record, head, said, errors, _message(own, errors))


def _without_captures(text: bytes) -> bytes:
    """``text`` with every ``{...}`` emptied that holds more than one word; what has no end stays. Cost: one pass."""
    kept: list[bytes] = []
    at = 0
    while (start := text.find(b"{", at)) >= 0 and (stop := text.find(b"}", start)) >= 0:
        is_captured = _CAPTURED.search(text, start, stop) is not None
        kept += (text[at:start], b"{}" if is_captured else text[start : stop + 1])
        at = stop + 1
    return b"".join((*kept, text[at:])) if kept else text


def _failure(
    record: Record, head: re.Match[bytes] | None, said: Said, errors: Errors, message: bytes
) -> Failure | None:
    if errors.direction is not None:
        said = haproxy_errors.deepest(said, errors)
    if said.rank == TRIGGER_RANK:
        return None
    direction: Direction = errors.direction or said.leg or "downstream"
    reason, rejected_by = judge(said, direction)
    downstream = direction == "downstream"
    if downstream and reason in ("generic_failure", "other", "certificate_unknown", "rejected", "internal_error"):
        called_back = haproxy_errors.certificate_callback(errors.code or said.code, message)
        reason, rejected_by = called_back or (reason, rejected_by)
    protocol, cipher = errors.negotiated or (None, None)
    sni = (errors.sni or _sni(record.text)) if downstream else None
    time, resolution = _time(record, head)
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=sni or (_named_in_settings(record, head) if downstream else None),
        peer=names.peer(head["peer"]) if head is not None and downstream else None,
        sni_sent=True if errors.sni else False if cipher else None,
        protocol=protocol,
        cipher=cipher,
        alert=said.alert,
        code=errors.code or said.code,
        message=(message or _text_of(said)) + haproxy_errors.cause(errors),
        raw=record.text,
        format=NAME,
        resolution=resolution,
        channel="error",
    )


def _health_check(record: Record, checked: re.Match[bytes], said: Said) -> Failure:
    reason, rejected_by = judge(said, "upstream")
    return Failure(
        time=record.time,
        direction="upstream",
        reason=reason,
        rejected_by=rejected_by,
        alert=said.alert,
        code=said.code,
        message=b", ".join(part for part in (checked["layer"], checked["info"]) if part),
        raw=record.text,
        format=NAME,
        channel="error",
    )


def _message(own: bytes, errors: Errors) -> bytes:
    """The quoted texts that speak of TLS; unquoted, what follows the slashes."""
    texts = [text for text in _QUOTED.findall(own) if b" " in text and _OF_TLS.search(text)]
    if texts:
        return b", ".join(texts)
    if errors.end < 0:
        return b""
    return own[errors.end :].strip(b" \"'").removesuffix(_NO_TEXT).strip(b'"-')


def _text_of(said: Said) -> bytes:
    """The lexicon's own text where the layout has numbers only."""
    if said.winner >= 0:
        return load_lexicon().entries[said.winner].text.encode()
    return b"SSL handshake failure" + (b" (%b)" % said.code.encode() if said.code else b"")


def _sni(text: bytes) -> str | None:
    """The name in braces, as users log it, or after a key that ends in ``sni``; a bare word may be anything."""
    for found in (_NAMED_SNI.search(text), _BRACES.search(text)):
        if found is not None and (host := names.host(found["name"])) is not None and "." in host:
            return host
    return None


def _named_in_settings(record: Record, head: re.Match[bytes] | None) -> str | None:
    """What the stream's settings call a ``frontend/bind`` or a ``frontend``."""
    hosts = record.settings.hosts
    if head is None or not hosts:
        return None
    frontend = head["frontend"].decode("utf-8", "replace")
    bind = (head["bind"] or b"").decode("utf-8", "replace")
    given = hosts.get(f"{frontend}/{bind}") or hosts.get(frontend)
    return names.host(given) if given else None


def _time(record: Record, head: re.Match[bytes] | None) -> tuple[float | None, float]:
    """The time inside, when the connection was accepted; else what the line or its envelope tell."""
    if head is None:
        return timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    try:
        return timestamps.clf(head["time"], record.settings.zone), timestamps.resolution_of(head["time"])
    except ValueError:
        return record.time, 1.0
