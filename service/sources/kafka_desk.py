"""Where the fetching thread and the engine's thread meet: partitions, their queues, and one block at a time."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Final

from aiokafka import TopicPartition

from service.sources import lines
from service.sources.kafka_partition import Partition, Piece, Position
from service.sources.source import Block

MOST_WAITING_BYTES: Final = 16 << 20
"""Fetched ahead at most, give or take one fetch; then the broker has to wait."""
_LOOK_AT_RESTS_SECONDS: Final = 0.1


class Desk:
    """Every method may be called from any thread. ``wake``: there is a block; ``space``: there is room again."""

    def __init__(
        self,
        wake: Callable[[], object],
        space: Callable[[], object],
        *,
        flush_after: float = 0.5,
        max_line_bytes: int = lines.MAX_LINE_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._wake, self._space = wake, space
        self._flush_after, self._limit, self._clock = flush_after, max_line_bytes, clock
        self._lock = threading.Lock()
        self._known: dict[str, Position] = {}
        self._placed: dict[TopicPartition, Partition] = {}
        self._ready: deque[Partition] = deque()
        self._offered: Partition | None = None
        self._unstored: dict[str, tuple[Partition, Position]] = {}
        self._waiting = 0
        self._was_full = False
        self._rests_at = 0.0

    def restore(self, positions: dict[str, Position]) -> None:
        self._known = dict(positions)

    def known(self, partition: TopicPartition) -> Position | None:
        """How far this process or an earlier one read it."""
        with self._lock:
            return self._known.get(f"{partition.topic}/{partition.partition}")

    # For the thread that fetches

    @property
    def is_full(self) -> bool:
        with self._lock:
            self._was_full = self._waiting >= MOST_WAITING_BYTES
            return self._was_full

    @property
    def waiting_bytes(self) -> int:
        """Fetched and not read: queues, and unfinished records."""
        with self._lock:
            return self._waiting + sum(partition.rest_bytes for partition in self._placed.values())

    def placed(self) -> set[TopicPartition]:
        with self._lock:
            return set(self._placed)

    def partition(self, at: TopicPartition) -> Partition | None:
        with self._lock:
            return self._placed.get(at)

    def place(self, at: TopicPartition, start: Position) -> None:
        """Begins a partition anew; what was queued of it goes."""
        with self._lock:
            self._drop(at)
            self._placed[at] = Partition(at.topic, at.partition, start)

    def add(self, at: TopicPartition, piece: Piece) -> None:
        with self._lock:
            partition = self._placed.get(at)
            if partition is None:
                return
            partition.add(piece)
            if len(partition.queue) == 1:
                self._ready.append(partition)
            self._waiting += piece.size
        self._wake()

    def revoke(self, ats: Collection[TopicPartition]) -> None:
        """What is queued of them goes, and nothing more of them is offered."""
        with self._lock:
            for at in ats:
                if at in self._placed:
                    self._placed[at].is_revoked = True
                    self._clear(self._placed[at])

    def is_settled(self, ats: Collection[TopicPartition], *, stored: bool) -> bool:
        """Whether no block of them is being read; with ``stored`` also whether all that was read is stored."""
        with self._lock:
            mine = [self._placed[at] for at in ats if at in self._placed]
            return not any(one.is_offered or (stored and one.stored != one.position) for one in mine)

    def forget(self, ats: Collection[TopicPartition]) -> None:
        with self._lock:
            for at in ats:
                self._drop(at)

    def stored(self, ats: Collection[TopicPartition] | None = None) -> dict[TopicPartition, Position]:
        """Stored positions, of all partitions or of some."""
        with self._lock:
            return {at: one.stored for at, one in self._placed.items() if ats is None or at in ats}

    # For the engine

    def next_block(self) -> Block | None:
        with self._lock:
            if self._offered is not None:
                return None
            block = self._next_piece() or self._next_rest()
            has_space = self._was_full and self._waiting < MOST_WAITING_BYTES // 2
            self._was_full = self._was_full and not has_space
        if has_space:
            self._space()
        return block

    def consumed(self, block: Block, count: int) -> dict[str, bytes | None]:
        size = len(block.data)
        if block.final and count == 0:
            count = size
        with self._lock:
            partition, self._offered = self._offered, None
            if partition is None:
                return {}
            partition.consumed(count)
            partition.grown = self._clock()
            self._known[partition.part] = partition.position
            self._unstored[partition.part] = partition, partition.position
            return {partition.part: partition.position.dump()}

    def has_stored(self) -> None:
        """Everything that `consumed` answered so far is in the store."""
        with self._lock:
            for partition, position in self._unstored.values():
                partition.stored = position
            self._unstored.clear()

    def _next_piece(self) -> Block | None:
        if not self._ready:
            return None
        partition = self._ready.popleft()
        size = partition.queue[0].size
        data, arrived, dropped, final = partition.offer(self._limit)
        self._waiting -= size
        if partition.queue:
            self._ready.append(partition)
        self._offered = partition
        return Block(partition.part, data, final, arrived, dropped)

    def _next_rest(self) -> Block | None:
        """A record that nothing came behind for the flush time."""
        now = self._clock()
        if 0.0 <= now - self._rests_at < _LOOK_AT_RESTS_SECONDS:
            return None
        self._rests_at = now
        for partition in self._placed.values():
            if partition.has_rest and not partition.is_revoked and now - partition.grown >= self._flush_after:
                data, arrived = partition.offer_rest()
                self._offered = partition
                return Block(partition.part, data, True, arrived)
        return None

    def _drop(self, at: TopicPartition) -> None:
        if (partition := self._placed.pop(at, None)) is not None:
            self._clear(partition)

    def _clear(self, partition: Partition) -> None:
        self._waiting -= sum(piece.size for piece in partition.queue)
        partition.queue.clear()
        if partition in self._ready:
            self._ready.remove(partition)
