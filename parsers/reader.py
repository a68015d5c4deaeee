"""A block of one stream's bytes in, its failures out: a pure function of the bytes.

Nothing is remembered between blocks but what the caller keeps: whatever is unfinished at a block's
end (a stack trace, a CRI partial line, an Apache AH pair) is simply not consumed, and comes again with
more bytes. So the position after the last block is the start of the oldest unfinished record, and a
reader that dies and starts again there counts everything exactly once.
"""

import msgspec

from parsers.failure import Change, Failure


class Reading(msgspec.Struct):
    """What one block held."""

    consumed: int
    """Bytes read for good, from the block's start; the rest must be offered again, with more after it."""
    lines: int = 0
    candidates: int = 0
    """Records that the screen picked."""
    unrecognized: int = 0
    failures: list[Failure] = []
    changes: list[Change] = []
    samples: list[bytes] = []
    """A few unrecognized records, each cut at 2 KiB."""
    first_time: float | None = None
    """Time of the first and of the last record in the consumed part, failing or not: a healthy clock advances too."""
    last_time: float | None = None
