"""What every source offers: blocks of whole lines with a position, and what to store of it.

The engine asks each source in turn for a block, lets the stream's reader read it, and tells the
source how much was consumed. What the source answers is written in the same transaction as the counts.
"""

from typing import Protocol, runtime_checkable

import msgspec


class Block(msgspec.Struct):
    """Many whole lines of one part (a file, a partition) of a stream."""

    part: str
    """Stable name of the part within the stream; the key its position is stored under."""
    data: bytes
    """May be empty: the block then only carries ``dropped``, and positions that `Source.consumed` hands out."""
    final: bool
    """True: what is unfinished at the end ends here (quiet for the flush time, end of file, rotated, too large)."""
    arrived: float
    """Epoch seconds at which it was read; in a scan the file's modification time."""
    dropped: dict[str, int] = {}
    """What this source had to cut or give up since its last block, by cause: lines (``line_too_long``), or bytes where
    their lines can't be counted any more (``gap``)."""


class Health(msgspec.Struct):
    state: str
    """``reading``, ``waiting`` (its file is not there yet: no error), ``failed``."""
    text: str = ""
    """One line for a person: what it waits for, or why it failed."""
    lag_bytes: int = 0
    parts: int = 0


class Source(Protocol):
    def restore(self, positions: dict[str, bytes]) -> None:
        """Takes up the stored positions (part -> what `consumed` answered), once, before the first block."""
        ...

    def next_block(self) -> Block | None:
        """The next block, at most about 1 MiB; None if there is nothing to read now. Never waits.

        Raises:
            OSError: the source cannot be read now; the engine tries again with back-off, others go on.
        """
        ...

    def consumed(self, block: Block, count: int) -> dict[str, bytes | None]:
        """``count`` bytes of ``block`` are read for good. The positions to store; None forgets a part."""
        ...

    def health(self) -> Health: ...

    def close(self) -> None: ...


@runtime_checkable
class Acknowledging(Protocol):
    """A source that tells others what is stored (a consumer group, a client that waits for its answer)."""

    def stored(self) -> None:
        """Everything that `Source.consumed` answered so far is in the store. Must not wait."""
        ...
