"""Envelopes that are a prefix of the line: CRI, syslog (RFC 3164, RFC 5424, ISO), kubectl and compose.

Shapes: Kubernetes CRI logging format; RFC 3164 section 4, RFC 5424 section 6, RFC 6587 section 3.4.1 (octet count);
rsyslog's ``RSYSLOG_FileFormat``; ``kubectl logs --prefix`` and ``--timestamps``; ``docker compose logs``.
"""

import re
from typing import Final

from parsers import timestamps
from parsers.envelopes.layer import Layer
from parsers.record import Settings


def after_digit(text: bytes, settings: Settings) -> Layer | None:
    """CRI, ISO syslog, ``kubectl --timestamps``, or an octet count before ``<``."""
    if text[4:5] == b"-" and text[10:11] == b"T":
        return _after_iso_time(text, settings)
    if text[1:8].find(b" <") >= 0 and (counted := _OCTET_COUNT.match(text)):
        return syslog(text[counted.end() :], settings)
    return None


def after_letter(text: bytes, settings: Settings) -> Layer | None:
    """RFC 3164 without its priority, or a compose prefix."""
    if text[3:4] == b" " and (found := _RFC3164.match(text)):
        return _rfc3164(found, text, settings)
    if b"| " in text[:256] and (found := _COMPOSE.match(text)) and found[1] not in _LEVELS:
        return Layer("compose", text[found.end() :], stream=found[1], program=_NUMBER_AT_END.sub(b"", found[1]))
    return None


def syslog(text: bytes, settings: Settings) -> Layer | None:
    """After ``<PRI>``: RFC 5424, RFC 3164, an ISO time, or a bare tag."""
    priority = _PRIORITY.match(text)
    if priority is None:
        return None
    rest = text[priority.end() :]
    if found := _RFC5424.match(rest):
        when, host, program, process = found.groups()
        time, resolution = _iso(when, settings)
        body = rest[found.end() :].removeprefix(b"\xef\xbb\xbf")
        stream = b" ".join((host, program, process))
        return Layer("rfc5424", body, time, resolution, _named(program), stream)
    if found := _RFC3164.match(rest):
        return _rfc3164(found, rest, settings)
    if found := _ISO_SYSLOG_AFTER_PRIORITY.match(rest):
        return _iso_syslog(found, rest, settings)
    if found := _TAG.match(rest):
        return Layer("rfc3164", rest[found.end() :], program=found[1], stream=found[0])
    return None


def kubectl(text: bytes, settings: Settings) -> Layer | None:
    """``[pod/NAME/CONTAINER] ``."""
    found = _KUBECTL.match(text) if text.startswith(b"[pod/") else None
    if found is None:
        return None
    return Layer("kubectl", text[found.end() :], program=found[2] or b"", stream=found[1])


_LEVELS: Final = frozenset(
    level
    for name in (b"trace", b"debug", b"info", b"notice", b"warn", b"warning", b"error", b"fatal", b"critical")
    for level in (name, name.upper(), name.title())
) | frozenset(b"TRC DBG INF WRN ERR FTL PNC".split())  # zerolog's console writes three letters
_OCTET_COUNT: Final = re.compile(rb"[1-9]\d{0,5} (?=<\d{1,3}>)")
_PRIORITY: Final = re.compile(rb"<\d{1,3}>")
_TAG: Final = re.compile(rb"([A-Za-z][\w./-]{0,63})(?:\[\d{1,10}\])?: ?")
_RFC3164: Final = re.compile(
    rb"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) "
    rb"(?:([A-Za-z0-9][\w.:-]{0,254}|\[[0-9a-f:.]{2,45}\]) )?"
    rb"([A-Za-z_(][\w./()@-]{0,127})(?:\[(\d{1,10})\])?: ?"
)
_RFC5424: Final = re.compile(
    rb"""
    1\ (\S{1,64})\ (\S{1,255})\ (\S{1,255})\ (\S{1,128})\ \S{1,64}\        # time, host, app, process, message id
    (?:-|(?:\[[^\s\]"=]{1,64}(?:\ [^\s\]"=]{1,64}="(?:[^"\\]|\\.)*+")*+\])++)(?:\ |$)
    """,
    re.VERBOSE,
)
_TIME: Final = rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))"
_CRI: Final = re.compile(_TIME + rb" (stdout|stderr) ([FP])(?::\S{0,64})? ?")
_ISO_SYSLOG: Final = re.compile(
    _TIME + rb" ([A-Za-z0-9][\w.-]{0,254}) ([A-Za-z_(][\w./()@-]{0,127})(?:\[(\d{1,10})\])?: ?"
)
_ISO_SYSLOG_AFTER_PRIORITY: Final = re.compile(
    _TIME + rb" (?:([A-Za-z0-9][\w.:-]{0,254}) )?([A-Za-z_(][\w./()@-]{0,127})(?:\[(\d{1,10})\])?: ?"
)
_ALB_CONNECTION: Final = rb"[0-9a-f.:]{7,45} \d{1,5} \d{1,5} (?:TLSv|- )"
"""An AWS connection log's fields after its own time."""
_TIMESTAMPED: Final = re.compile(
    _TIME + rb" (?!" + _ALB_CONNECTION + rb")(?=[\[{<\d]|[IWEF]\d{4} |[A-Z][a-z]{2} [ \d]\d )"
)
_KUBECTL: Final = re.compile(rb"\[(pod/[\w.-]{1,253}(?:/([\w.-]{1,63}))?)\] ?")
_COMPOSE: Final = re.compile(rb"([A-Za-z0-9][\w.@-]{0,127}) {1,64}\| ")
_NUMBER_AT_END: Final = re.compile(rb"[-_.]\d{1,5}(?:\..{0,80})?$")


def _after_iso_time(text: bytes, settings: Settings) -> Layer | None:
    if found := _CRI.match(text):
        when, stream, tag = found.groups()
        time, resolution = _iso(when, settings)
        return Layer("cri", text[found.end() :], time, resolution, b"", stream, tag == b"P", True)
    if (found := _ISO_SYSLOG.match(text)) and found[2] not in _LEVELS and found[3] not in _LEVELS:
        return _iso_syslog(found, text, settings)
    if found := _TIMESTAMPED.match(text):
        time, resolution = _iso(found[1], settings)
        return Layer("timestamps", text[found.end() :], time, resolution)
    return None


def _rfc3164(found: re.Match[bytes], text: bytes, settings: Settings) -> Layer:
    when, host, program, process = found.groups()
    try:
        time = timestamps.syslog(when, settings.zone, settings.reference)
    except ValueError:
        time = None
    stream = b" ".join((host or b"", program, process or b""))
    return Layer("rfc3164", text[found.end() :], time, timestamps.resolution_of(when), program, stream)


def _iso_syslog(found: re.Match[bytes], text: bytes, settings: Settings) -> Layer:
    when, host, program, process = found.groups()
    time, resolution = _iso(when, settings)
    stream = b" ".join((host or b"", program, process or b""))
    return Layer("iso_syslog", text[found.end() :], time, resolution, program, stream)


def _iso(when: bytes, settings: Settings) -> tuple[float | None, float]:
    try:
        return timestamps.iso(when, settings.zone), timestamps.resolution_of(when)
    except ValueError:
        return None, 1.0


def _named(program: bytes) -> bytes:
    return b"" if program == b"-" else program
