"""Reads Kafka topics as a member of a consumer group; offsets are stored with the counts and sought on assignment.

The store is the truth: the group's own offsets follow it, for the lag tools of others and for the next member of the
group. A fetched batch is one block. Docs: docs/kafka.md.
"""

import time
from collections.abc import Callable

from service.config.model import KafkaSource as Settings
from service.sources import lines
from service.sources.kafka_desk import Desk
from service.sources.kafka_member import Member
from service.sources.kafka_partition import load_position
from service.sources.source import Block, Health


class KafkaSource:
    """A `service.sources.source.Source`; its parts are ``topic/partition``.

    ``wake``: something came in. ``instance``: a name of this member that no other has and that outlives a restart.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        wake: Callable[[], object],
        instance: str | None = None,
        flush_after: float = 0.5,
        max_line_bytes: int = lines.MAX_LINE_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._desk = Desk(wake, self._has_room, flush_after=flush_after, max_line_bytes=max_line_bytes, clock=clock)
        self._member = Member(settings, self._desk, instance)

    def restore(self, positions: dict[str, bytes]) -> None:
        """Takes up the stored positions and joins the group."""
        known = {part: load_position(stored) for part, stored in positions.items()}
        self._desk.restore({part: position for part, position in known.items() if position is not None})
        self._member.start(is_first=not positions)

    def next_block(self) -> Block | None:
        """As `Source.next_block`; never raises: what can't be reached is told in `health`."""
        return self._desk.next_block()

    def consumed(self, block: Block, count: int) -> dict[str, bytes | None]:
        return self._desk.consumed(block, count)

    def stored(self) -> None:
        """Everything that `consumed` answered is in the store: now the group may know."""
        self._desk.has_stored()

    def health(self) -> Health:
        return self._member.health

    def close(self) -> None:
        """Commits to the group what is stored, and leaves it."""
        self._member.close()

    def _has_room(self) -> None:
        self._member.has_room()
