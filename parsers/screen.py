"""The screen: one pass of a multi-pattern matcher over a whole block finds every text of the lexicon.

Blocks without a hit are never split into lines; that is where the speed comes from (gigabytes a second).
"""

import hashlib
import platform
import threading
from collections.abc import Sequence
from functools import cache as once
from pathlib import Path
from typing import Final

from parsers import cache
from parsers.lexicon import load as load_lexicon
from parsers.lexicon import patterns, tables
from parsers.lexicon.entry import SEARCHED, Entry

try:
    import hyperscan
except ImportError as error:
    raise ImportError(
        "the matcher 'hyperscan' cannot be imported: its wheels exist for Linux and macOS on x86-64 and arm64,"
        " CPython 3.11 and newer"
    ) from error

Hit = tuple[int, int]
"""(end offset in the block, lexicon entry id)"""

_CACHED: Final = "screen-"


@once
def load() -> "Screen":
    """The screen over the whole lexicon, once per process: out of the cache in milliseconds, else compiled."""
    entries = load_lexicon().entries
    name = _CACHED + _key()
    kept = cache.get(name)
    if kept is not None:
        try:
            return Screen(hyperscan.loadb(kept, hyperscan.HS_MODE_BLOCK), entries)
        except hyperscan.error:
            pass  # written on another processor: compile it for this one
    screen = Screen.compile(entries)
    cache.put(name, screen.dump())
    cache.forget_others(_CACHED, keep=name)
    return screen


class Screen:
    """Finds lexicon entries in blocks of bytes. Threads may share it: each gets its own scratch space."""

    def __init__(self, database: "hyperscan.Database", entries: Sequence[Entry]) -> None:
        """``database`` was compiled from ``entries``.

        Raises:
            hyperscan.error: it is not for this processor.
        """
        self._database = database
        self._gapped = frozenset(entry.id for entry in entries if patterns.GAP in entry.text)
        self._local = threading.local()
        self._scratch()

    @classmethod
    def compile(cls, entries: Sequence[Entry]) -> "Screen":
        """A screen over the searchable ones of ``entries``, less those that would only repeat another's hit."""
        needless = _repeating(entries)
        expressions: list[tuple[int, bytes]] = []
        for entry in entries:
            if entry.kind in SEARCHED and entry.id not in needless:
                expressions += [(entry.id, expression) for expression in patterns.expressions(entry, entries)]
        return cls(_database(expressions), entries)

    def dump(self) -> bytes:
        """The compiled database, for this processor and hyperscan version only."""
        return bytes(hyperscan.dumpb(self._database))

    def hits(self, block: bytes | memoryview) -> list[Hit]:
        """Every entry found, ordered by where its text ends; one whose gap fits several ways only once a line.

        Cost: a pass at some gigabytes a second, and about 0.25 microseconds a hit.
        """
        found: list[Hit] = []
        append = found.append

        def on(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            append((end, number))

        self._database.scan(block, match_event_handler=on, scratch=self._scratch())  # type: ignore[type-var]
        if len(found) > 1:
            found.sort()
            if not self._gapped.isdisjoint([number for _, number in found]):
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


def _repeating(entries: Sequence[Entry]) -> set[int]:
    """Entries in whose text only entries of the same meaning are found: those alone report as much."""
    texts = {entry.id: entry for entry in entries if entry.kind == "text"}
    everywhere = Screen(_database([(number, patterns.literal(entry.text)) for number, entry in texts.items()]), ())
    needless: set[int] = set()
    for number, entry in texts.items():
        inside = {other for _, other in everywhere.hits(entry.text.encode())} - {number}
        if inside and all(_same(entry, texts[other]) for other in inside):
            shorter = {other for other in inside if texts[other].text != entry.text}
            if shorter or min(inside) < number:
                needless.add(number)
    return needless


def _same(one: Entry, other: Entry) -> bool:
    mine = (one.reason, one.rejected_by, one.rank, one.leg, one.alert)
    return mine == (other.reason, other.rejected_by, other.rank, other.leg, other.alert)


def _database(expressions: Sequence[tuple[int, bytes]]) -> "hyperscan.Database":
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[expression for _, expression in expressions],
        ids=[number for number, _ in expressions],
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_MULTILINE] * len(expressions),
    )
    return database


def _key() -> str:
    """Changes with whatever changes the database: the lexicon, this code, hyperscan, the processor."""
    digest = hashlib.blake2b(digest_size=12)
    for stack, content in tables():
        digest.update(b"%s %d\n" % (stack.encode(), len(content)))
        digest.update(content)
    for source in (__file__, patterns.__file__):
        digest.update(Path(source).read_bytes())
    for word in (getattr(hyperscan, "__version__", ""), platform.system(), platform.machine(), _processor()):
        digest.update(word.encode() + b"\n")
    return digest.hexdigest()


def _processor() -> str:
    """What the processor can do, where Linux tells it: a database is compiled for its vector instructions."""
    try:
        with Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as lines:
            return next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return ""
