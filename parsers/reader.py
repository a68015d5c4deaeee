"""A block of one stream's bytes in, its failures out: a pure function of the bytes.

Nothing is remembered between blocks but what the caller keeps: whatever is unfinished at a block's
end (a stack trace, a CRI partial line, an Apache AH pair) is simply not consumed, and comes again with
more bytes. So the position after the last block is the start of the oldest unfinished record, and a
reader that dies and starts again there counts everything exactly once.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

import msgspec

from parsers import lexicon, registry, screen, timestamps
from parsers.envelopes import peel, peel_until
from parsers.envelopes.bundles import looks, may_hold
from parsers.envelopes.json_wrappers import has_bytes
from parsers.failure import Change, Failure
from parsers.formats import auto, nginx_storm
from parsers.formats.custom import Custom
from parsers.gathering import gather
from parsers.lexicon.said import Said
from parsers.record import Format, Joining, MalformedRecordError, Record, Settings
from parsers.screen import Hit
from parsers.unpacking import time_in_bundle

SAMPLES: Final = 5
"""Unrecognized records kept of one block."""
SAMPLE_BYTES: Final = 2048
TIME_LINES: Final = 8
"""Lines looked at for a block's first time."""
SHORTEST_TIME: Final = 8
"""Bytes of ``12:34:56``: a shorter line holds none."""
TIME_BYTES: Final = 64 * 1024
"""Part of a block's end in which its last time is looked for: a long trace may stand there."""


STORM_BYTES: Final = 16 * 1024
"""So much of a block is screened to see whether its lines fail one and all."""


RECORD_BYTES: Final = 64 * 1024
"""Of a longer record that is no JSON a format sees its beginning only: no server writes such lines, but a client may
make it."""

MEANT: Final = 64
"""Hits that decide what a record says, from its start and from its end: a hostile line may hold any number."""


class Reading(msgspec.Struct):
    """What one block held."""

    consumed: int
    """Bytes read for good, from the block's start; the rest must be offered again, with more after it."""
    lines: int = 0
    candidates: int = 0
    """Records that the screen picked."""
    unrecognized: int = 0
    timeouts: int = 0
    """Records (of the unrecognized) on which a user's own pattern took too long."""
    failures: list[Failure] = []
    changes: list[Change] = []
    samples: list[bytes] = []
    """A few unrecognized records, each cut at 2 KiB."""
    first_time: float | None = None
    """Time of the first and of the last record in the consumed part, failing or not: a healthy clock advances too."""
    last_time: float | None = None

    def shift(self, seconds: float) -> None:
        """Moves every time in it: a stream's clock is known to be off."""
        for failure in self.failures:
            if failure.time is not None:
                failure.time += seconds
        for change in self.changes:
            if change.time is not None:
                change.time += seconds
        if self.first_time is not None:
            self.first_time += seconds
        if self.last_time is not None:
            self.last_time += seconds


class Reader:
    """Reads one stream's blocks. ``settings.reference`` may be set anew before each block.

    Cost of a block without hits: the screen's pass, a count of its newlines, two times. A failing line of a
    single-line format costs about 2 microseconds more than its format takes.
    """

    def __init__(self, format_name: str, settings: Settings) -> None:
        """Raises `ValueError` where there is no such format."""
        self.settings = settings
        self._format = registry.get(format_name)
        self._format_of = auto.format_of if self._format is auto else self._always
        self._gathers = self._format.SEVERAL_LINES or isinstance(self._format, Joining)
        self._own = self._format if isinstance(self._format, Custom) else None
        self._screen = screen.load() if self._own is None else self._own.screen
        self._lexicon = lexicon.load() if self._own is None else self._own.lexicon
        self._searched = 0
        self._found: float | None = None
        self._bundles = False
        self._storms = nginx_storm.Memo() if self._format.NAME in _MESSAGE_DECIDES else None

    def read(self, block: bytes, *, final: bool = False) -> Reading:
        """What ``block`` holds; ``final`` says that what is unfinished at its end ends there."""
        limit = len(block) if final else block.rfind(b"\n") + 1
        reading = Reading(limit)
        self._searched, self._found = 0, None
        if limit == 0:
            return reading
        pieces = _may_hold_pieces(block, limit)
        self._bundles = may_hold(block, limit)
        if pieces or self._bundles or (self._gathers and self._format is not auto):
            self._gather(reading, block, limit, final, self._hits(block, limit), pieces)
        elif self._format is auto:
            self._read_any(reading, block, limit, final)
        elif self._own is not None:
            self._read_own(reading, block, limit, self._own)
        else:
            self._read_dense_or_not(reading, block, limit)
        self._count(reading, block)
        return reading

    def _hits(self, block: bytes, limit: int) -> list[Hit]:
        return self._screen.hits(block if limit == len(block) else memoryview(block)[:limit])

    def _read_any(self, reading: Reading, block: bytes, limit: int, final: bool) -> None:
        """``auto``: line by line as long as all hits stand in lines of single-line formats, which they mostly do."""
        if not final:
            self._gather(reading, block, limit, final, [], False)  # tells where a record of several lines may go on
        if not self._read_dense_or_not(reading, block, reading.consumed):
            reading.candidates = reading.unrecognized = 0
            reading.failures, reading.changes, reading.samples = [], [], []
            self._gather(reading, block, limit, final, self._hits(block, limit), False)

    def _read_own(self, reading: Reading, block: bytes, limit: int, own: Custom) -> None:
        """A user's own format: a line each, and of its envelopes only those that stand around what it reads."""
        ids: dict[int, list[int]] = {}
        for end, number in self._hits(block, limit):
            ids.setdefault(block.rfind(b"\n", 0, end - 1) + 1, []).append(number)
        for start, numbers in ids.items():
            stop = block.find(b"\n", start, limit)
            text = block[start : stop if stop >= 0 else limit].strip(b"\r\0")
            peeled = peel_until(text, self.settings, own.claims)
            record = Record(peeled.text, self.settings, peeled.time, peeled.program)
            found = tuple(numbers) if len(numbers) <= MEANT else (*numbers[:MEANT], *numbers[-MEANT:])
            said = self._lexicon.said(found, text)
            self._judge(reading, own, record, said, peeled.resolution, block, start)
        reading.candidates += len(ids)
        reading.timeouts, own.timeouts = own.timeouts, 0

    def _read_dense_or_not(self, reading: Reading, block: bytes, limit: int) -> bool:
        """Reads single lines; a block that begins with a storm, where the format allows it, without the screen."""
        if limit > 4 * STORM_BYTES and self._storms is not None:
            sample = block.rfind(b"\n", 0, STORM_BYTES) + 1
            hits = self._hits(block, sample) if sample else []
            if hits and 2 * len(hits) >= block.count(b"\n", 0, sample):
                if not self._read_lines(reading, block, sample, hits):
                    return False
                storm = nginx_storm.read_storm(
                    block, sample, limit, self.settings, self._storms, self._screen.hits, self._lexicon.said,
                    reading.failures, reading.changes,
                )  # fmt: skip
                at = storm.at
                reading.candidates += storm.candidates
                for text in storm.unrecognized:
                    _unrecognized(reading, text)
                if at == limit:
                    return True
                block = block[at:limit]
                limit = len(block)
        hits = self._hits(block, limit)
        return not hits or self._read_lines(reading, block, limit, hits)

    def _gather(self, reading: Reading, block: bytes, limit: int, final: bool, hits: list[Hit], pieces: bool) -> None:
        """Records that may have several lines."""
        wrapped = pieces or self._is_wrapped(block, limit)
        gathered = gather(
            block, limit, final, hits, self._screen, self.settings, self._format_of, wrapped, pieces, self._bundles
        )
        reading.consumed = gathered.consumed
        for start in gathered.damaged:
            _unrecognized(reading, block[start : start + SAMPLE_BYTES].partition(b"\n")[0])
        for candidate in gathered.candidates:
            reading.candidates += 1
            record = candidate.record
            ids = candidate.ids if len(candidate.ids) <= MEANT else candidate.ids[:MEANT] + candidate.ids[-MEANT:]
            said = self._lexicon.said(ids, record.text)
            self._judge(reading, candidate.format, record, said, candidate.resolution, block, candidate.start)

    def _read_lines(self, reading: Reading, block: bytes, limit: int, hits: list[Hit]) -> bool:
        """The hot path: every record is one line. False: ``auto`` found one that may have several; all in vain."""
        settings, meaning, judge, form = self.settings, self._lexicon.said, self._judge, self._format
        failures, changes = reading.failures, reading.changes
        any_format = form is auto
        format_of, single_lines = self._format_of, _single_lines
        read_line = None if any_format else single_lines(form.NAME)[1]
        find, rfind = block.find, block.rfind
        ids: list[int] = []
        start = stop = candidates = 0
        hits.append((limit + 1, -1))  # ends the last line
        for end, number in hits:
            if end <= stop:
                ids.append(number)
                continue
            if ids:
                candidates += 1
                text = block[start:stop]
                if text[-1] == _RETURN:
                    text = text[:-1]
                dated = text[4:5] == b"/" and text[0] in _DIGITS  # 2026/11/20: no envelope begins so
                peeled = None if dated else peel(text.lstrip(b"\0"), settings)
                if any_format:
                    form = format_of(text if peeled is None else peeled.text)
                    is_single, read_line = single_lines(form.NAME)
                    if not is_single:
                        return False
                said = meaning(tuple(ids) if len(ids) <= MEANT else (*ids[:MEANT], *ids[-MEANT:]), text)
                if not said.is_failure and not (dated and form.NAME in _MESSAGE_DECIDES):
                    pass
                elif read_line is not None and (peeled is None or not peeled.names):
                    try:
                        found = read_line(_bounded(text if peeled is None else peeled.text), said, settings)
                    except MalformedRecordError:
                        _unrecognized(reading, text)
                    else:
                        if type(found) is Failure:
                            failures.append(found)
                        elif found is not None:
                            changes.append(found)  # type: ignore[arg-type]
                elif peeled is None:
                    judge(reading, form, Record(text, settings), said, 1.0, block, start)
                else:
                    record = Record(peeled.text, settings, peeled.time, peeled.program)
                    judge(reading, form, record, said, peeled.resolution, block, start)
            if number < 0:
                break
            start = rfind(b"\n", 0, end - 1) + 1
            stop = find(b"\n", end - 1, limit)
            if stop < 0:
                stop = limit
            ids = [number]
        reading.candidates += candidates
        return True

    def _judge(
        self, reading: Reading, form: Format, record: Record, said: Said, resolution: float, block: bytes, start: int
    ) -> None:
        """Adds what ``form`` makes of one record, which begins at ``block[start]``."""
        if not said.is_failure:
            return
        record.text = _bounded(record.text)
        try:
            found = form.read(record, said)
        except MalformedRecordError:
            _unrecognized(reading, record.text)
            return
        if found is None:
            return
        if found.time is None and record.time is not None:
            found.time = record.time
            if isinstance(found, Failure):
                found.resolution = resolution
        if found.time is None:
            found.time = self._time_before(block, start)
        if isinstance(found, Failure):
            reading.failures.append(found)
        else:
            reading.changes.append(found)

    def _time_before(self, block: bytes, start: int) -> float | None:
        """Time of the nearest line before ``start`` that holds one: a record without a time takes its file's last.

        None: none in this block; the caller knows the file's time before it. No line of a block is looked at twice.
        """
        stop = start - 1
        while stop > self._searched:
            begin = block.rfind(b"\n", 0, stop) + 1
            if stop - begin >= SHORTEST_TIME and (time := self._time(block[begin:stop])) is not None:
                self._found = time
                break
            stop = begin - 1
        self._searched = max(start - 1, self._searched)
        return self._found

    def _count(self, reading: Reading, block: bytes) -> None:
        """Lines and the first and last time of the consumed part."""
        consumed = reading.consumed
        if consumed == 0:
            return
        reading.lines = _newlines(block) - block.count(b"\n", consumed) + (block[consumed - 1] != _NEWLINE)
        at = 0
        for _ in range(TIME_LINES):
            stop = block.find(b"\n", at, consumed)
            reading.first_time = self._time(block[at : stop if stop >= 0 else consumed], first=True)
            if reading.first_time is not None or stop < 0:
                break
            at = stop + 1
        stop = consumed - 1 if block[consumed - 1] == _NEWLINE else consumed
        oldest = consumed - TIME_BYTES
        while stop > oldest:
            at = block.rfind(b"\n", 0, stop) + 1
            if stop - at >= SHORTEST_TIME:
                reading.last_time = self._time(block[at:stop])
            if reading.last_time is not None or at == 0:
                break
            stop = at - 1

    def _time(self, line: bytes, first: bool = False) -> float | None:
        """The time that a line tells; of a bundle's records the last one's, or the first one's."""
        peeled = peel(line.strip(b"\r\0"), self.settings)
        if self._bundles and looks(peeled.text):
            return time_in_bundle(peeled, self.settings, not first)
        time = timestamps.leading(peeled.text, self.settings)
        return time[0] if time is not None else peeled.time

    def _is_wrapped(self, block: bytes, limit: int) -> bool:
        """Whether the first or the last line has an envelope, or is JSON: then others may well have one."""
        first = block[: block.find(b"\n", 0, limit)]
        last = block[block.rfind(b"\n", 0, limit - 1) + 1 : limit]
        return any(line.startswith(b"{") or peel(line.strip(b"\r\n\0"), self.settings).names for line in (first, last))

    def _always(self, _text: bytes) -> Format:
        return self._format


_RETURN: Final = ord("\r")
_NEWLINE: Final = ord("\n")
_DIGITS: Final = frozenset(b"0123456789")


_MESSAGE_DECIDES: Final = frozenset(("nginx", "auto"))
"""Formats (and ``auto``, that may come to one) whose dated lines are judged by their message, not by what follows."""

_ReadLine = Callable[[bytes, Said, Settings], Failure | Change | None]


@cache
def _single_lines(format_name: str) -> tuple[bool, _ReadLine | None]:
    """Whether every record of a format is one line that waits for no other, and its `read_line` if it has one."""
    form = registry.get(format_name)
    return not form.SEVERAL_LINES and not isinstance(form, Joining), getattr(form, "read_line", None)


def _newlines(block: bytes) -> int:
    """Counted by leaving them out: 11 GB/s, where ``bytes.count`` does 2.3 (CPython 3.11, 225-byte lines)."""
    return len(block) - len(block.replace(b"\n", b""))


def _may_hold_pieces(block: bytes, limit: int) -> bool:
    """Whether lines may stand in pieces (CRI ``P``, Docker without ``\\n``) or as bytes (journald).

    Told by the look of the first line; only such a log costs one or two quick searches of the block.
    """
    first = block[:1]
    if block.startswith(b'{"log":') and (
        block.count(b'","stream":"', 0, limit) != block.count(b'\\n","stream":"', 0, limit)
    ):
        return True
    if block.find(b"MESSAGE", 0, block.find(b"\n", 0, limit)) >= 0 and has_bytes(block, 0, limit) is not None:
        return True
    if block[10:11] == b"T" and first in b"0123456789":
        head = block[:64]
        if b" stdout " in head or b" stderr " in head:
            return block.find(b" stdout P", 0, limit) >= 0 or block.find(b" stderr P", 0, limit) >= 0
    return False


def _bounded(text: bytes) -> bytes:
    return text if len(text) <= RECORD_BYTES or text.startswith(b"{") else text[:RECORD_BYTES]


def _unrecognized(reading: Reading, text: bytes) -> None:
    reading.unrecognized += 1
    if len(reading.samples) < SAMPLES:
        reading.samples.append(text[:SAMPLE_BYTES])
