"""The screen: one pass of a multi-pattern matcher over a whole block finds every text of the lexicon.

Blocks without a hit are never split into lines; that is where the speed comes from (gigabytes a second).
"""

import threading
from functools import cache

from parsers.lexicon import load as load_lexicon
from parsers.lexicon.entry import SEARCHED, Entry
from parsers.lexicon.patterns import GAP, expression

try:
    import hyperscan
except ImportError as error:
    raise ImportError(
        "the matcher 'hyperscan' cannot be imported: it exists for CPython on Linux and macOS, x86-64 and arm64"
    ) from error

Hit = tuple[int, int]
"""(end offset in the block, lexicon entry id)"""


@cache
def load() -> "Screen":
    """The screen over the whole lexicon, once per process."""
    return Screen.compile(load_lexicon().entries)


class Screen:
    """Finds lexicon entries in blocks of bytes. Threads may share it: each gets its own scratch space."""

    def __init__(self, database: "hyperscan.Database", gapped: frozenset[int]) -> None:
        self._database = database
        self._gapped = gapped
        self._local = threading.local()

    @classmethod
    def compile(cls, entries: tuple[Entry, ...]) -> "Screen":
        searched = [entry for entry in entries if entry.kind in SEARCHED]
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[expression(entry) for entry in searched],
            ids=[entry.id for entry in searched],
            elements=len(searched),
            flags=[hyperscan.HS_FLAG_MULTILINE] * len(searched),
        )
        return cls(database, frozenset(entry.id for entry in searched if GAP in entry.text))

    def hits(self, block: bytes | memoryview) -> list[Hit]:
        """Every entry found, ordered by where its text ends; one whose gap fits several ways only once a line.

        Cost: a pass at some gigabytes a second, and about 0.25 microseconds a hit.
        """
        found: list[Hit] = []
        append = found.append

        def on(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            append((end, number))

        self._database.scan(block, match_event_handler=on, scratch=self._scratch())
        if found:
            found.sort()
            if not self._gapped.isdisjoint(number for _, number in found):
                return self._once_a_line(bytes(block), found)
        return found

    def _scratch(self) -> "hyperscan.Scratch":
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        return scratch

    def _once_a_line(self, block: bytes, found: list[Hit]) -> list[Hit]:
        kept: list[Hit] = []
        last: dict[int, int] = {}
        for end, number in found:
            if number in self._gapped:
                previous = last.get(number)
                last[number] = end
                if previous is not None and block.find(b"\n", previous, end) < 0:
                    continue
            kept.append((end, number))
        return kept
