"""One partition as this process reads it: what was fetched, what is being read, and how far it is read for good.

Not safe for several threads: `service.sources.kafka` holds a lock around every call.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from service.sources import kafka_values, lines


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a partition is read for good, as it is stored, and as the group's own commit carries it."""

    offset: int
    """Of the first record that is not wholly read."""
    skip: int = 0
    """Bytes of that record's lines that are read."""
    topic_id: str | None = None
    """Which topic of that name it was; None where the broker tells none (before Kafka 2.8)."""

    def dump(self) -> bytes:
        return msgspec.json.encode(self)

    @property
    def order(self) -> tuple[int, int]:
        return self.offset, self.skip


def load_position(stored: bytes) -> Position | None:
    """None if it is none of ours."""
    try:
        position = msgspec.json.decode(stored, type=Position)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return position if position.offset >= 0 and position.skip >= 0 else None


def is_of(position: Position, topic_id: str | None) -> bool:
    """Whether it is one in this very topic, as far as is known."""
    return position.topic_id is None or topic_id is None or position.topic_id == topic_id


def further(positions: Sequence[Position], topic_id: str | None) -> Position:
    """The one that is further on."""
    return msgspec.structs.replace(max(positions, key=lambda one: one.order), topic_id=topic_id)


class Piece(msgspec.Struct):
    """Some records in a row, as they were fetched; without any it moves the position, and ends what is unfinished."""

    values: Sequence[bytes | None]
    offsets: Sequence[int]
    next_offset: int
    """Where reading goes on behind it."""
    arrived: float
    """Epoch seconds at which the broker (or the producer) stamped the last of them."""
    size: int
    """Bytes it holds in memory, about."""
    dropped: dict[str, int] = {}


class Partition:
    """A queue of pieces, and the text that was offered and not yet consumed."""

    def __init__(self, topic: str, number: int, start: Position) -> None:
        self.topic, self.number = topic, number
        self.part = f"{topic}/{number}"
        self.position = start
        """Read for good, though perhaps not stored yet."""
        self.stored = start
        """Read for good and stored."""
        self.fetched = start.offset
        """Where the next piece begins."""
        self.queue: deque[Piece] = deque()
        self.is_revoked = False
        self.is_offered = False
        self.grown = 0.0
        """When the rest last grew; the caller's clock."""
        self._skip = start.skip
        self._rest = b""
        self._ends: list[tuple[int, int]] = []  # (offset, bytes) of the records whose text the rest holds
        self._text = b""
        self._pending: tuple[Sequence[int], list[int] | None, Sequence[bytes | None]] = ((), [], ())
        self._next = start.offset
        self._arrived = 0.0

    @property
    def has_rest(self) -> bool:
        return bool(self._rest)

    @property
    def rest_bytes(self) -> int:
        return len(self._rest)

    def add(self, piece: Piece) -> None:
        self.queue.append(piece)
        self.fetched = piece.next_offset

    def offer(self, limit: int) -> tuple[bytes, float, dict[str, int], bool]:
        """The rest and the next piece behind it: (text, arrival, dropped, whether what is unfinished must end)."""
        piece = self.queue.popleft()
        text, sizes, dropped = kafka_values.join(piece.values, limit) if piece.values else (b"", [], {})
        if self._skip:
            text, sizes = self._without_read(piece, text, sizes)
        for cause, count in piece.dropped.items():
            dropped[cause] = dropped.get(cause, 0) + count
        self._pending = (piece.offsets, sizes, piece.values)
        self._text = self._rest + text if self._rest else text
        self._next, self._arrived = piece.next_offset, piece.arrived
        self.is_offered = True
        return self._text, piece.arrived, dropped, not piece.values or len(self._text) >= lines.REST_BYTES

    def offer_rest(self) -> tuple[bytes, float]:
        """The rest alone: nothing came behind it for a while."""
        self._pending, self._text = ((), [], ()), self._rest
        self.is_offered = True
        return self._rest, self._arrived

    def consumed(self, count: int) -> None:
        """``count`` bytes of what was offered are read for good; the rest is offered again."""
        self.is_offered = False
        offsets, sizes, values = self._pending
        held, self._pending = self._text, ((), [], ())
        self._text = b""
        topic_id = self.position.topic_id
        if count >= len(held):
            self._rest, self._ends = b"", []
            self.position = Position(self._next, 0, topic_id)
            return
        if sizes is None:
            sizes = [len(value or b"") + 1 for value in values]
        records = self._ends + list(zip(offsets, sizes, strict=True))
        ends = list(accumulate(size for _, size in records))
        first = bisect_right(ends, count)
        begun = count - (ends[first - 1] if first else 0)
        offset, size = records[first]
        before = self.position.skip if offset == self.position.offset else 0
        self._ends = [(offset, size - begun), *records[first + 1 :]]
        self._rest = held[count:]
        self.position = Position(offset, before + begun, topic_id)

    def _without_read(self, piece: Piece, text: bytes, sizes: list[int] | None) -> tuple[bytes, list[int]]:
        """Leaves out what of the first record was read before."""
        if sizes is None:
            sizes = [len(value or b"") + 1 for value in piece.values]
        if not piece.offsets or piece.offsets[0] != self.position.offset:
            self._skip = 0  # that record is gone, compacted or past retention
            return text, sizes
        skip = min(self._skip, sizes[0])
        self._skip = 0
        return text[skip:], [sizes[0] - skip, *sizes[1:]]
