"""Every error text, code and alert number we know, and what it means: data (the TSV files) and the rules over it.

>>> lexicon = load()
>>> said = lexicon.said(lexicon.ids_of("no shared cipher"))
>>> said.reason, said.rejected_by
('no_shared_cipher', 'local')
"""

from functools import cache
from pathlib import Path
from typing import Final

from parsers.lexicon import codes
from parsers.lexicon.entry import Entry, files, parse
from parsers.lexicon.judge import judge
from parsers.lexicon.resolve import resolve
from parsers.lexicon.said import Said
from parsers.vocabulary import Direction, RejectedBy

__all__ = ["FOLDER", "Entry", "Lexicon", "Said", "judge", "load", "tables"]

FOLDER: Final = Path(__file__).parent
_MEMO_LIMIT: Final = 16_384
_MEANT: Final = 64
"""Entries that decide what a record says, from its start and from its end: a hostile line may hold any number."""


@cache
def load() -> "Lexicon":
    """The lexicon of the package, read once per process."""
    return Lexicon(tuple(parse(tables())))


@cache
def tables() -> list[tuple[str, bytes]]:
    """(stack, bytes) of the TSV files."""
    return files(FOLDER)


class Lexicon:
    """The entries, and the meaning of any tuple of them that was found in one record."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self._settled: dict[tuple[int, ...], Said] = {}
        self._by_code: dict[tuple[tuple[int, ...], str | None], Said] = {}
        self._weak = [(entry.id, entry.text.encode()) for entry in entries if entry.kind == "weak"]
        # Their number stands only in the record.
        self._open = frozenset(entry.id for entry in entries if entry.kind == "packed")

    def said(self, ids: tuple[int, ...], text: bytes = b"") -> Said:
        """What a record says in which the entries ``ids`` matched, in the order of their place.

        ``text`` is the record; it is read only where a packed code's number is needed. Cost: one dict lookup
        for a combination seen before; of more than 128 entries the first and the last 64 count.
        """
        if len(ids) > 2 * _MEANT:
            ids = ids[:_MEANT] + ids[-_MEANT:]
        known = self._settled.get(ids)
        if known is not None:
            return known
        if text and not self._open.isdisjoint(ids):
            code = codes.find(text)
            key = (ids, code)
            known = self._by_code.get(key)
            if known is None:
                known = resolve(self.entries, ids, code)
                if len(self._by_code) >= _MEMO_LIMIT:
                    self._by_code.clear()
                self._by_code[key] = known
            return known
        known = resolve(self.entries, ids, None)
        if self._open.isdisjoint(ids):
            if len(self._settled) >= _MEMO_LIMIT:
                self._settled.clear()
            self._settled[ids] = known
        return known

    def weak_ids(self, text: bytes) -> tuple[int, ...]:
        """Entries too general to be searched for that stand in ``text``, by place.

        Only for records that something else already picked. Cost: one search of the text for each of some ninety.
        """
        found = [(text.find(wanted), number) for number, wanted in self._weak]
        return tuple(number for place, number in sorted(found) if place >= 0)

    def judge(self, said: Said, direction: Direction) -> tuple[str, RejectedBy]:
        """Reason and who gave up, once the leg is known."""
        return judge(said, direction)

    def ids_of(self, text: str) -> tuple[int, ...]:
        """Ids of the entries with exactly this text."""
        return tuple(entry.id for entry in self.entries if entry.text == text)

    def alert(self, number: int) -> Entry | None:
        """What TLS alert ``number`` means when received; None if no standard defines it."""
        return self._numbered("alert", number)

    def exit_code(self, number: int, stack: str = "curl") -> Entry | None:
        """What the exit code ``number`` of a program (``curl``, ``wget``) means."""
        return self._numbered("exit_code", number, stack)

    def _numbered(self, kind: str, number: int, stack: str | None = None) -> Entry | None:
        for entry in self.entries:
            if entry.kind == kind and entry.text == str(number) and stack in (None, entry.stack):
                return entry
        return None
