"""A10 Thunder and AX (ACOS), syslog: what little it says of handshakes, on either side of a virtual port.

Shape: ``a10logd: [MODULE]<SEVERITY> TEXT`` behind syslog (ACOS "Event Logging Guide"); the texts differ between
releases, so the head is A10's, the meaning the lexicon's, and the leg is told by ACOS's own words for its two sides.

Invisible: most failures. ACOS counts them (``show slb ssl-stats``, ``show slb ssl-counters``), and logs few.
"""

import re
from typing import Final

from parsers import names, timestamps
from parsers.failure import Failure
from parsers.lexicon import judge
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import Direction

NAME: Final = "a10"
SEVERAL_LINES: Final = False

_HEAD: Final = re.compile(
    rb"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d |\d{4}-\d\d-\d\dT\S{8,24} )?"
    rb"(?:[\w.:-]{1,255} )?(?:a10logd(?:\[\d{1,10}\])?: )?\[(?P<module>[A-Z][\w -]{1,40})\]<\d>:? ?"
)
_UPSTREAM: Final = re.compile(
    rb"(?i)server[- ]side|server[- ]ssl\b|real server|back[- ]?end|\bserver \S{1,200} (?:port|health)"
    rb"|health[- ](?:check|monitor)"
)
_ADDRESS: Final = rb"(\[?[0-9a-fA-F.:]{2,45}\]?:\d{1,5}|\d{1,3}(?:\.\d{1,3}){3})"
_CLIENT: Final = re.compile(rb"(?i)\b(?:client|from|source|src)(?: ip)?[ =:]{1,3}" + _ADDRESS)
_SERVER: Final = re.compile(rb"(?i)\b(?:server|to|destination|dst|with)(?: ip)?[ =:]{1,3}" + _ADDRESS)
_NAME: Final = re.compile(rb"(?i)\b(?:sni|server[- ]name)[ =:]{1,3}[\"']?([\w.-]{1,253})")


def claims(text: bytes) -> bool:
    """``a10logd: [MODULE]<4> ``, or what syslog leaves of it."""
    head = _HEAD.match(text)
    return head is not None and (b"a10logd" in head[0] or head["module"] in (b"ACOS", b"AX", b"SSL", b"SLB"))


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one record tells of; None where the lexicon knows none in it."""
    head = _HEAD.match(record.text)
    if head is None or not said.is_failure or said.rank >= 9:
        return None
    text = record.text[head.end() :][:4000]
    direction: Direction = "upstream" if _UPSTREAM.search(text) or said.leg == "upstream" else "downstream"
    reason, rejected_by = judge(said, direction)
    far = (_SERVER if direction == "upstream" else _CLIENT).search(text)
    named = _NAME.search(text)
    host = names.host(named[1]) if named else None
    time, resolution = timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=host,
        sni_sent=True if host else None,
        peer=names.peer(far[1]) if far else None,
        alert=said.alert,
        code=said.code,
        message=text.split(b"\n", 1)[0][:2000],
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )
