"""One line of an Apache error log taken apart, and which lines tell of the same handshake."""

import re
from typing import Final

import msgspec

from parsers import timestamps
from parsers.memo import remembered

_LINE: Final = re.compile(
    rb"""
    \[(?P<time>[A-Z][a-z]{2}\ [A-Z][a-z]{2}\ [\ \d]\d\ \d\d:\d\d:\d\d(?:\.\d{1,9})?\ \d{4})\][ ]
    \[(?:(?P<module>[\w-]{0,40}):)?(?P<level>\w{1,10})\][ ]
    (?:\[pid\ (?P<pid>\d{1,10})(?::tid\ (?P<tid>\d{1,20}))?\]\ )?
    (?P<rest>[^\n]*)
    """,
    re.VERBOSE,
)
_SIDE: Final = re.compile(rb"\[(?P<side>client|remote) (?P<address>\[[0-9A-Fa-f:.%]{2,60}\]:\d{1,5}|[^\]\s]{1,64})\] ")
_NUMBER: Final = re.compile(rb"(?<!\w)AH(?P<number>\d{5}): ")
_LIBRARY: Final = b"SSL Library Error: "

DOWNSTREAM: Final = frozenset(
    b"02008 02006 02007 01996 02010 02011 02039 02276 02040 02031 02032 02033 "
    b"02261 02262 02263 10158 02837 02838 10373".split()
)
"""Events of mod_ssl as a server; 02039 and 02276 are of the other leg where the line says ``[remote``."""
UPSTREAM: Final = frozenset(b"02003 02004 02005 02411 01997 10273 10274 00898 00961".split())
"""Events of mod_ssl as a client, and of mod_proxy."""
VERIFICATIONS: Final = frozenset((b"02039", b"02276"))
AFTER_THE_HANDSHAKE: Final = frozenset((b"01991", b"01992"))
"""``SSL library error N (reading|writing) data``: the library line that follows belongs to no handshake."""
_NO_LIBRARY_LINE: Final = frozenset(b"02006 02007 02031 02032 02033 02040 02837 02838 10158 10373 00961".split())
_BEFORE_A_LIBRARY_LINE: Final = frozenset(
    b"02008 01996 02010 02011 02039 02276 02261 02262 02263 02003 02004 02005 02411 01991 01992".split()
)
_OF_THE_PROXY: Final = frozenset((b"01084", b"01097"))
"""``pass request body failed to IP:PORT (H)``: no TLS by itself, but it names peer and host."""
_JOINABLE: Final = DOWNSTREAM | UPSTREAM | AFTER_THE_HANDSHAKE | _OF_THE_PROXY | {b"02009"}
_QUEUE_SECONDS: Final = 0.1
"""The library's lines are written in one go, right after their event."""

JOIN_SECONDS: Final = 1.0


class Line(msgspec.Struct, frozen=True):
    """The parts of one line; empty where it has none."""

    time: bytes
    thread: tuple[bytes, bytes]
    """(pid, tid)"""
    side: bytes
    """``client``: who called us, ``remote``: whom we called."""
    address: bytes
    number: bytes
    """The five digits after AH."""
    message: bytes
    is_library: bool


@remembered(1024)
def take_apart(line: bytes) -> Line:
    """The line's parts, by the default ``ErrorLogFormat`` (2.2 and 2.4) or, in any other, by their own marks."""
    head = _LINE.match(line)
    rest = head["rest"] if head else line.split(b"\n", 1)[0]
    side = _SIDE.search(rest, 0, 600)
    number = _NUMBER.search(rest, 0, 800)
    library = rest.find(_LIBRARY, 0, 600)
    if number is not None:
        message = rest[number.end() :]
    elif library >= 0:
        message = rest[library + len(_LIBRARY) :]
    else:
        message = rest[side.end() :] if side else rest
    return Line(
        time=head["time"] if head else b"",
        thread=(head["pid"] or b"", head["tid"] or b"") if head else (b"", b""),
        side=side["side"] if side else b"",
        address=side["address"] if side else b"",
        number=number["number"] if number else b"",
        message=message.partition(b", referer: ")[0],
        is_library=library >= 0 and number is None,
    )


def joins(lines: list[bytes], line: bytes) -> bool:
    """Whether ``line`` tells of the handshake that ``lines`` tell of: same thread, same second, no other address."""
    new = take_apart(line)
    last = take_apart(lines[-1])
    if new.thread != last.thread or new.thread == (b"", b"") or not (_is_joinable(new) and _is_joinable(last)):
        return False
    if new.is_library:
        follows = last.is_library or last.number in _BEFORE_A_LIBRARY_LINE
        return follows and _is_within(_QUEUE_SECONDS, last.time, new.time)
    if not _is_within(JOIN_SECONDS, last.time, new.time):
        return False
    for text in lines:
        old = take_apart(text)
        if new.side and new.side == old.side and new.address != old.address:
            return False
        if new.number == old.number and new.number not in VERIFICATIONS:
            return False
        if {_leg(old), _leg(new)} == {"upstream", "downstream"}:
            return False
    return True


def complete(lines: list[bytes]) -> bool:
    """Whether the end is there: mod_proxy's own line upstream, the library's after the event downstream."""
    last = take_apart(lines[-1])
    if last.thread == (b"", b"") or not _is_joinable(last):
        return True
    if last.number == b"00898" or last.number in _NO_LIBRARY_LINE:
        return True
    if not last.is_library or b":SSL routines:" not in last.message:
        return False
    return any(
        old.number in DOWNSTREAM and old.number not in VERIFICATIONS and old.side != b"remote"
        for old in (take_apart(text) for text in lines)
    )


def _leg(line: Line) -> str:
    """``upstream``, ``downstream``, or nothing where either could be."""
    if line.side == b"remote" or line.number in UPSTREAM:
        return "upstream"
    return "downstream" if line.number in DOWNSTREAM else ""


def _is_joinable(line: Line) -> bool:
    return line.is_library or line.number in _JOINABLE


def _is_within(seconds: float, before: bytes, after: bytes) -> bool:
    try:
        return abs(timestamps.apache(after, "UTC") - timestamps.apache(before, "UTC")) <= seconds
    except ValueError:
        return False
