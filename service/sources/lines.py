"""Where a block of bytes may be cut: after whole lines, and inside lines that are too long.

Nothing here is done per line: the work is one search per ``limit`` bytes.
"""

from typing import Final

READ_BYTES: Final = 1 << 20
"""What a source reads at a time."""
REST_BYTES: Final = 4 << 20
"""An unfinished record is ended at this size: the reader then gets it as ``final``."""
MAX_LINE_BYTES: Final = 1 << 20
"""Lines are cut here unless a source is told otherwise; the rest of such a line is skipped and counted."""


def too_long(data: bytes, limit: int) -> int:
    """Where the first line of more than ``limit`` bytes begins (its newline not counted); -1 if there is none.

    >>> too_long(b"ab\\nabc\\nabcd\\n", 3), too_long(b"abc\\nabc", 3)
    (7, -1)
    """
    start, size = 0, len(data)
    while size - start > limit:
        newline = data.rfind(b"\n", start, start + limit + 1)
        if newline < 0:
            return start
        start = newline + 1
    return -1


def cut(data: bytes, held: int, limit: int) -> tuple[int, bool, bool]:
    """How much of ``data`` can be offered: (bytes, ended, cut_line); (0, False, False) if nothing new is whole.

    ``held`` bytes at its start were offered before and not consumed. ``ended`` says that what is unfinished at
    that end must end there; ``cut_line`` that the last line was cut at ``limit`` and its rest must be skipped.
    """
    long = too_long(data, limit)
    if long >= 0:
        if long > held:
            return long, long >= REST_BYTES, False
        return long + limit, True, True
    end = data.rfind(b"\n") + 1
    if end <= held:
        return 0, False, False
    return end, end >= REST_BYTES, False
