"""Records of several lines, put together: traces from their lines, lines from their pieces, pairs from their halves.

Two walks over one block's complete lines. Where lines have no envelope, only the surroundings of hits are looked
at. Where they have one, lines of several origins may be mixed, so all lines around a hit are peeled and handed to
their own origin's record. Either walk begins at a record's first line and answers where the oldest unfinished record
begins; a block that begins there again comes to the same records.
"""

from collections.abc import Callable
from math import inf
from typing import Final, cast

import msgspec

from parsers import timestamps
from parsers.continuation import BYTES, LOOK, Growing, begins_record
from parsers.envelopes import Peeled, peel, peel_piece
from parsers.envelopes.bundles import looks
from parsers.envelopes.json_wrappers import has_bytes
from parsers.joining import Candidate, Joins
from parsers.record import Format, Joining, Record, Settings
from parsers.screen import Hit, Screen
from parsers.unpacking import open_bundle

GAP_SECONDS: Final = 2.0
"""Lines of one record are written at once: enveloped lines further apart than this, by their envelopes, are two."""
PIECES_BYTES: Final = 1024 * 1024
"""A line in pieces ends at this size."""


class Gathered(msgspec.Struct):
    candidates: list[Candidate]
    """In the order of their ends; all of them end within ``consumed``."""
    consumed: int
    damaged: list[int]
    """Where bundles begin, within ``consumed``, of which something could not be unpacked."""


def gather(
    block: bytes,
    limit: int,
    final: bool,
    hits: list[Hit],
    screen: Screen,
    settings: Settings,
    format_of: Callable[[bytes], Format],
    wrapped: bool,
    pieces: bool,
    bundles: bool = False,
) -> Gathered:
    """The candidates among the records in ``block[:limit]``, which ends with a line's end.

    ``format_of`` tells the format of the record that begins with a text; ``wrapped`` whether lines have envelopes,
    ``pieces`` whether the screen may have missed a text because it stands in pieces or as an array of bytes,
    ``bundles`` whether lines may hold several records, readable by the screen or not.
    """
    joins = Joins(settings)
    walk = _Walk(block, limit, final, hits, screen, settings, format_of, joins)
    if wrapped or pieces or bundles:
        walk.line_by_line(pieces, bundles)
    elif not walk.around_hits():
        joins = Joins(settings)
        walk = _Walk(block, limit, final, hits, screen, settings, format_of, joins)
        walk.line_by_line(False, False)
    if not final:
        last = block.rfind(b"\n", 0, limit - 1) + 1
        walk.unfinished += joins.waiting(_time_of(peel(block[last:limit].rstrip(b"\r\n"), settings), settings), limit)
    candidates = walk.candidates + joins.close()
    consumed = min(walk.unfinished, default=limit)
    spans = walk.spans + [(candidate.start, candidate.stop) for candidate in candidates]
    for start, stop in sorted(spans, reverse=True):
        if start < consumed < stop:
            consumed = start
    whole = [candidate for candidate in candidates if candidate.start < consumed]
    return Gathered(whole, consumed, [start for start in walk.damaged if start < consumed])


class _Walk:
    """One pass over one block."""

    def __init__(
        self,
        block: bytes,
        limit: int,
        final: bool,
        hits: list[Hit],
        screen: Screen,
        settings: Settings,
        format_of: Callable[[bytes], Format],
        joins: "Joins",
    ) -> None:
        self.candidates: list[Candidate] = []
        self.unfinished: list[int] = []
        self.spans: list[tuple[int, int]] = []
        """Where records without a hit lie that have more than one line."""
        self.damaged: list[int] = []
        self._live = 0
        """Records under way that hold a hit."""
        self._block, self._limit, self._final, self._hits = block, limit, final, hits
        self._screen, self._settings, self._format_of, self._joins = screen, settings, format_of, joins

    def around_hits(self) -> bool:
        """Looks at the records that hold hits, and at the last one. False: there are envelopes, so it was in vain."""
        block, hits, limit, settings = self._block, self._hits, self._limit, self._settings
        position, index, count = 0, 0, len(hits)
        while index < count:
            line = block.rfind(b"\n", position, hits[index][0] - 1) + 1 or position
            found = self._record_with(line, position)
            if found is None:
                return False
            start, stop, form, is_open = found
            if is_open:
                self.unfinished.append(start)
                return True
            first = index
            while index < count and hits[index][0] <= stop:
                index += 1
            text = block[start:stop].rstrip(b"\r\n")
            if b"\r\n" in text:
                text = text.replace(b"\r\n", b"\n")
            ids = tuple([number for _, number in hits[first:index]])
            self._candidate(Candidate(start, stop, Record(text.lstrip(b"\0"), settings), ids, form, 1.0), b"")
            position = stop
        if not self._final and position < limit:
            found = self._record_with(max(block.rfind(b"\n", 0, limit - 1) + 1, position), position)
            if found is None:
                return False
            if found[3]:
                self.unfinished.append(found[0])
        return True

    def _record_with(self, line: int, position: int) -> tuple[int, int, Format, bool] | None:
        """Start, end and format of the record that holds ``line``, and whether it may go on after the block.

        ``position`` is a record's start at or before it. None: the line has an envelope.
        """
        block = self._block
        head = self._line(line)
        start = line
        while start > position and not begins_record(head):
            start = max(block.rfind(b"\n", position, start - 1) + 1, position)
            head = self._line(start)
        if self._has_envelope(line) or (start != line and self._has_envelope(start)):
            return None
        while True:
            form = self._format_of(head if len(head) < LOOK else self._whole(start))
            stop, is_open = self._extent(start) if form.SEVERAL_LINES else (self._end(start), False)
            if stop > line:
                return start, stop, form, is_open
            start = stop
            head = self._line(start)

    def _has_envelope(self, line: int) -> bool:
        """Whether there is one; ``2026/11/20`` begins none."""
        return self._block[line + 4 : line + 5] != b"/" and bool(peel(self._whole(line), self._settings).names)

    def _extent(self, start: int) -> tuple[int, bool]:
        """End of the record that begins at ``start``; True if only the block's end ends it."""
        stop = self._end(start)
        record = Growing(self._line(start), stop - start)
        while stop < self._limit:
            end = self._end(stop)
            if not record.takes(self._line(stop), end - stop):
                return stop, False
            stop = end
        return stop, not self._final and not record.is_full

    def _end(self, start: int) -> int:
        end = self._block.find(b"\n", start, self._limit)
        return end + 1 if end >= 0 else self._limit

    def _line(self, start: int) -> bytes:
        """As much of the line as decides what it is."""
        return self._block[start : min(self._end(start), start + LOOK)].rstrip(b"\r\n").lstrip(b"\0")

    def _whole(self, start: int) -> bytes:
        return self._block[start : self._end(start)].rstrip(b"\r\n").lstrip(b"\0")

    def line_by_line(self, pieces_expected: bool, bundles_expected: bool) -> None:
        """Peels line by line and hands each to its origin's record; passes over what is far from any hit."""
        passes_over = not (pieces_expected or bundles_expected)
        hits, limit, settings = self._hits, self._limit, self._settings
        at = 0
        index, count = 0, len(hits)
        pieces: dict[bytes, _Pieces] = {}
        records: dict[bytes, _Lines] = {}
        newest: float | None = None
        enveloped = False
        looked = -1
        while at < limit:
            if index != looked and passes_over and not self._live:
                looked = index
                ahead = self._next_of_interest(at, hits[index][0] if index < count else None)
                if ahead > at:
                    records.clear()
                    at = ahead
            stop = self._end(at)
            first = index
            while index < count and hits[index][0] <= stop:
                index += 1
            ids = tuple([number for _, number in hits[first:index]]) if index > first else ()
            raw = self._whole(at)
            start = at
            peeled = peel(raw, settings)
            if peeled.partial or pieces:
                outer = peel_piece(raw, settings)
                origin = outer.stream
                if outer.partial or origin in pieces:
                    held = pieces.get(origin)
                    if held is None:
                        held = pieces[origin] = _Pieces(at, outer)
                    held.add(outer.text)
                    if outer.partial and held.size < PIECES_BYTES:
                        at = stop
                        continue
                    del pieces[origin]
                    start = held.start
                    peeled, ids = self._whole_line(held)
            elif pieces_expected and has_bytes(raw) is not None:
                ids = self._ids_of(peeled.text)
            within = self._open(start, stop, peeled) if bundles_expected and looks(peeled.text) else None
            if within is not None:
                newest = within if newest is None else max(newest, within)
                at = stop
                continue
            if peeled.time is not None:
                newest = peeled.time if newest is None else max(newest, peeled.time)
            if not raw.startswith(b"{") and bool(peeled.names) != enveloped:
                enveloped = not enveloped
                self._close_all(records, enveloped)
            self._take(start, stop, peeled, ids, records)
            at = stop
        for origin, held in pieces.items():
            if not self._final:
                self.unfinished.append(held.start)
            else:
                peeled, ids = self._whole_line(held)
                is_bundle = bundles_expected and looks(peeled.text)
                if not is_bundle or self._open(held.start, limit, peeled) is None:
                    self._take(held.start, limit, peeled, ids, records, origin)
        for lines in records.values():
            if self._final or lines.is_over(limit, newest):
                self._close(lines)
            else:
                self.unfinished.append(lines.start)

    def _open(self, start: int, stop: int, peeled: Peeled) -> float | None:
        """Takes the records of a bundle, each for itself; its newest time, None if it is none."""
        opened = open_bundle(peeled, self._settings, self._screen.hits)
        if opened is None:
            return None
        if opened.damaged:
            self.damaged.append(start)
        records: dict[bytes, _Lines] = {}
        for line, ids in opened.lines:
            self._take(start, stop, line, ids, records, size=len(line.text))
        for lines in records.values():
            self._close(lines)
        return -inf if opened.newest is None else opened.newest

    def _next_of_interest(self, at: int, hit: int | None) -> int:
        """Where to look next while no record under way holds a hit: where the next hit's record may begin."""
        if hit is None:
            begin = self._limit - BYTES
        else:
            begin = self._block.rfind(b"\n", at, hit - 1) + 1 or at
            if not begins_record(peel(self._whole(begin), self._settings).text):
                begin -= BYTES
        return at if begin <= at else self._block.rfind(b"\n", at, begin) + 1 or at

    def _close_all(self, records: "dict[bytes, _Lines]", enveloped: bool) -> None:
        """Where lines with and without envelopes alternate, neither goes on with the other.

        JSON objects aside: they may be records whose fields a shipper has lifted, among others that it has not.
        """
        ended = [origin for origin, lines in records.items() if bool(lines.peeled.names) != enveloped]
        for origin in ended:
            self._close(records.pop(origin))

    def _take(
        self,
        start: int,
        stop: int,
        peeled: Peeled,
        ids: tuple[int, ...],
        records: "dict[bytes, _Lines]",
        origin: bytes | None = None,
        size: int | None = None,
    ) -> None:
        """Gives one whole line to its origin's record, or begins one; ``size``: of its own, where it is a part."""
        size = stop - start if size is None else size
        origin = peeled.stream if origin is None else origin
        self._close_ended(records, origin, start, peeled.time)
        head = peeled.text[:LOOK].partition(b"\n")[0]
        lines = records.get(origin)
        if lines is not None:
            if not lines.is_over(start, peeled.time) and lines.shape.takes(head, size):
                self._live += bool(ids and not lines.ids)
                lines.add(stop, peeled.text, ids)
                return
            del records[origin]
            self._close(lines)
        form = self._format_of(peeled.text)
        lines = _Lines(start, stop, peeled, ids, form, Growing(head, size))
        self._live += bool(ids)
        if form.SEVERAL_LINES:
            records[origin] = lines
        else:
            self._close(lines)

    def _close_ended(self, records: "dict[bytes, _Lines]", origin: bytes, at: int, time: float | None) -> None:
        """Other origins' records that nothing can go on with any more, the oldest first: joins see them in time."""
        while records:
            oldest = next(iter(records))
            if oldest == origin or not records[oldest].is_over(at, time):
                return
            self._close(records.pop(oldest))

    def _close(self, lines: "_Lines") -> None:
        if not lines.ids:
            if lines.count > 1:
                self.spans.append((lines.start, lines.stop))
            return
        self._live -= 1
        peeled = lines.peeled
        record = Record(b"\n".join(lines.texts), self._settings, peeled.time, peeled.program)
        candidate = Candidate(lines.start, lines.stop, record, tuple(lines.ids), lines.format, peeled.resolution)
        self._candidate(candidate, peeled.stream)

    def _candidate(self, candidate: Candidate, origin: bytes) -> None:
        if hasattr(candidate.format, "joins"):  # as isinstance of the protocol says, at a thirtieth of its cost
            self.candidates += self._joins.add(candidate, origin, cast(Joining, candidate.format))
        else:
            self.candidates.append(candidate)

    def _whole_line(self, held: "_Pieces") -> tuple[Peeled, tuple[int, ...]]:
        """The line that pieces make, peeled further, and what the screen finds in it."""
        outer = held.first
        inner = peel(b"".join(held.texts).rstrip(b"\r\n"), self._settings)
        if inner.time is None:
            inner.time, inner.resolution = outer.time, outer.resolution
        inner.program = inner.program or outer.program
        inner.stream = outer.stream + (b"/" + inner.stream if inner.names else b"")
        inner.names = outer.names + inner.names
        inner.partial = False
        return inner, self._ids_of(inner.text)

    def _ids_of(self, text: bytes) -> tuple[int, ...]:
        return tuple(number for _, number in self._screen.hits(text))


class _Pieces:
    """A line of which only pieces have been seen."""

    def __init__(self, start: int, first: Peeled) -> None:
        self.start, self.first = start, first
        self.texts: list[bytes] = []
        self.size = 0

    def add(self, text: bytes) -> None:
        self.texts.append(text)
        self.size += len(text)


class _Lines:
    """A record under way, its lines peeled."""

    def __init__(
        self, start: int, stop: int, peeled: Peeled, ids: tuple[int, ...], form: Format, shape: Growing
    ) -> None:
        self.start, self.stop, self.peeled, self.format, self.shape = start, stop, peeled, form, shape
        self.texts = [peeled.text]
        self.ids = list(ids)

    @property
    def count(self) -> int:
        return len(self.texts)

    def add(self, stop: int, text: bytes, ids: tuple[int, ...]) -> None:
        self.stop = stop
        self.texts.append(text)
        self.ids += ids

    def is_over(self, at: int, time: float | None) -> bool:
        """Whether a line that begins at ``at`` and is of ``time`` comes too late to go on with it."""
        if self.shape.is_full or at - self.start >= BYTES:
            return True
        began = self.peeled.time
        return began is not None and time is not None and time - began > GAP_SECONDS


def _time_of(peeled: Peeled, settings: Settings) -> float | None:
    time = timestamps.leading(peeled.text, settings)
    return time[0] if time is not None else peeled.time
