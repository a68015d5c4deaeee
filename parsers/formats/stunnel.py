"""stunnel: handshakes that failed with its clients (SSL_accept) or with the servers it calls (SSL_connect).

Shape and texts: stunnel 4 to 5.75, ``src/log.c``, ``src/ctx.c`` (``sslerror``), ``src/client.c``, ``src/verify.c``,
``src/ocsp.c``. Times are local and carry no zone; through syslog there is none (the envelope has it).
A handshake's lines share the id in brackets: who connected, what was wrong with a certificate, OpenSSL's queue (last
error first), and at the end the call that failed. They are one failure, joined if not more than `JOIN_SECONDS` apart.
Invisible: timeouts, which are level 6 (the default is 5), and the server name, but at level 6.
"""

import re
from typing import Final

import msgspec

from parsers import names, timestamps
from parsers.failure import Failure
from parsers.lexicon import Said, judge
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.resolve import TRIGGER_RANK
from parsers.memo import remembered
from parsers.record import MalformedRecordError, Record
from parsers.screen import load as load_screen
from parsers.vocabulary import Direction, RejectedBy

NAME: Final = "stunnel"
SEVERAL_LINES: Final = False

JOIN_SECONDS: Final = 2.0
"""A handshake takes longer only where a client dawdles or OCSP is asked; then the client's address is lost."""

_LINE: Final = re.compile(
    rb"(?:(?P<time>\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d) )?LOG\d\[(?P<id>[\w:.-]{1,64})\]: (?P<message>[^\n]{0,8000})"
)
_ACCEPTED: Final = re.compile(rb"Service \[[^\]\n]{1,80}\] accepted connection from (?P<peer>\S{2,70})\Z")
_CONNECTED: Final = re.compile(rb"s_connect: connected (?P<peer>\S{2,70})\Z")
_ASKED: Final = re.compile(rb"SNI: (?:requested|sending) servername: (?P<name>[^\s]{1,253})")
_CALL: Final = re.compile(rb"SSL_(?P<call>accept|connect): ")
_TIMED_OUT: Final = b"ssl_start: s_poll_wait: TIMEOUTbusy exceeded"
_PRELUDE: Final = (b"Service [", b"s_connect: connected ", b"SNI: ", b"CERT: ", b"OCSP: ", b"Rejected by ", b"CRL: ")
_QUEUE: Final = b"error queue: "
_VERDICTS: Final = (b"CERT: ", b"OCSP: ", b"CRL: ")
"""What stunnel itself found wrong with a certificate; OpenSSL then says no more than "certificate verify failed"."""
_NOBODYS: Final = frozenset((b"ui", b"cron", b"main"))


def claims(text: bytes) -> bool:
    """``2026.11.20 10:15:02 LOG3[7]: ``, through syslog ``LOG3[7]: ``."""
    return _LINE.match(text) is not None


def joins(lines: list[bytes], line: bytes) -> bool:
    """Whether ``line`` goes on with the handshake of ``lines``: the same id, and no new connection."""
    new, last = _take_apart(line), _take_apart(lines[-1])
    if new.id != last.id or not new.id or new.id in _NOBODYS:
        return False
    return _is_step(new) and not new.message.startswith(b"Service [")


def complete(lines: list[bytes]) -> bool:
    """Whether the call that failed is there, or what it is has nothing to do with a handshake."""
    last = _take_apart(lines[-1])
    return not _is_step(last) or last.id in _NOBODYS or _ends(last)


def read(record: Record, said: Said) -> Failure | None:
    """The failure that the joined lines of one handshake tell of; None if it came up, or had not begun.

    Raises:
        MalformedRecordError: a call failed, but the head of its line is cut off.
    """
    lines = [_take_apart(line) for line in record.text.split(b"\n")[:64]]
    last = lines[-1]
    if not _ends(last):
        return None
    if not last.id:
        raise MalformedRecordError("stunnel: no LOG level and id in front")
    direction = _leg(lines)
    reason, rejected_by = _meaning(lines, said, direction)
    asked = next((found for line in lines if (found := _ASKED.match(line.message)) is not None), None)
    host = names.host(asked["name"]) if asked else None
    time, resolution = _time(record, last)
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=host,
        peer=_peer(lines, direction),
        sni_sent=True if asked else None,
        alert=said.alert,
        code=said.code,
        message=_message(lines),
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


class _Line(msgspec.Struct, frozen=True):
    time: bytes
    id: bytes
    """Empty where the line is not stunnel's, or cut off at its front."""
    message: bytes


@remembered(1024)
def _take_apart(line: bytes) -> _Line:
    found = _LINE.match(line)
    if found is None:
        call = _CALL.search(line, 0, 200)
        return _Line(b"", b"", line[call.start() :] if call else line)
    return _Line(found["time"] or b"", found["id"], found["message"])


def _is_step(line: _Line) -> bool:
    return line.message.startswith(_PRELUDE) or line.message.startswith(_QUEUE) or _ends(line)


def _ends(line: _Line) -> bool:
    return _CALL.match(line.message) is not None or line.message.startswith(_TIMED_OUT)


def _leg(lines: list[_Line]) -> Direction:
    """By the call that failed; a timeout names none, but only a client has connected to its server before it."""
    call = _CALL.match(lines[-1].message)
    if call is not None:
        return "upstream" if call["call"] == b"connect" else "downstream"
    return "upstream" if any(_CONNECTED.match(line.message) for line in lines) else "downstream"


def _meaning(lines: list[_Line], said: Said, direction: Direction) -> tuple[str, RejectedBy]:
    if any(line.message.startswith(_QUEUE) for line in lines):
        # the queue is printed from its end, the lexicon knows causes to come first
        text = b"\n".join(line.message for line in (*_verdicts(lines), *reversed(lines)))
        said = load_lexicon().said(tuple(number for _, number in load_screen().hits(text)), text)
    if said.rank == TRIGGER_RANK:
        return "generic_failure", "unknown"
    if direction == "downstream" and _verdicts(lines):
        return "rejected", "local"
    return judge(said, direction)


def _verdicts(lines: list[_Line]) -> list[_Line]:
    return [line for line in lines if line.message.startswith(_VERDICTS)]


def _peer(lines: list[_Line], direction: Direction) -> str | None:
    pattern = _CONNECTED if direction == "upstream" else _ACCEPTED
    for line in reversed(lines):
        if (found := pattern.match(line.message)) is not None:
            return names.peer(found["peer"])
    return None


def _message(lines: list[_Line]) -> bytes:
    verdicts = _verdicts(lines)
    return (verdicts[0] if verdicts else lines[-1]).message


def _time(record: Record, line: _Line) -> tuple[float | None, float]:
    if not line.time:
        return record.time, 1.0
    try:
        return timestamps.local(line.time, record.settings.zone), 1.0
    except ValueError:
        return record.time, 1.0
