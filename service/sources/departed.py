"""Files that are gone, remembered for the copy or the archive of them that may turn up."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from service.sources.identity import Position, stem

MOST_DEPARTED: Final = 1000
REMEMBER_SECONDS: Final = 7 * 86_400.0


class Departed:
    """Positions by part, found again by inode, or by name and content."""

    def __init__(self) -> None:
        self._positions: dict[str, Position] = {}
        self._by_inode: defaultdict[int, set[str]] = defaultdict(set)
        self._by_stem: defaultdict[str, set[str]] = defaultdict(set)

    def __contains__(self, part: str) -> bool:
        return part in self._positions

    def __getitem__(self, part: str) -> Position:
        return self._positions[part]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._positions))

    def add(self, part: str, position: Position) -> None:
        self._positions[part] = position
        self._by_inode[position.inode].add(part)
        self._by_stem[stem(position.path)].add(part)

    def remove(self, part: str) -> Position:
        position = self._positions.pop(part)
        self._by_inode[position.inode].discard(part)
        self._by_stem[stem(position.path)].discard(part)
        if not self._by_inode[position.inode]:
            del self._by_inode[position.inode]
        if not self._by_stem[stem(position.path)]:
            del self._by_stem[stem(position.path)]
        return position

    def has_inode(self, inode: int) -> bool:
        return inode in self._by_inode

    def candidates(self, path: str, inode: int, head: bytes) -> Iterator[str]:
        """Parts that a file may be by its inode, else by its name; all of them began with its head.

        An inode alone, of a file that was empty when it was last seen, says the least: inodes are used again.
        """
        positions = self._positions
        same = self._by_inode.get(inode, set())
        for parts in (same, self._by_stem.get(stem(path), set()) - same):
            fitting = [part for part in parts if positions[part].head.length and positions[part].head.matches(head)]
            yield from sorted(fitting, key=lambda part: -positions[part].offset)
        yield from [part for part in same if not positions[part].head.length]

    def forgotten(self, now: float) -> list[str]:
        """Removes what is too old or too much, the longest gone first."""
        oldest = sorted(self._positions, key=lambda part: self._positions[part].departed or now)
        excess = len(oldest) - MOST_DEPARTED
        gone = [
            part
            for index, part in enumerate(oldest)
            if index < excess or now - (self._positions[part].departed or now) > REMEMBER_SECONDS
        ]
        for part in gone:
            self.remove(part)
        return gone
