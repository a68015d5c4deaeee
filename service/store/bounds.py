"""At most so many distinct names a minute: the rest is summed up, so that random names can't fill the disk."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MOST_MINUTES: Final = 64
"""(stream, minute) pairs that are remembered; others are looked up in the database again."""


class DistinctNames:
    """Which names have a place of their own in a minute of a stream: the first ``most``, as the database holds them.

    >>> names = DistinctNames(most=1, stored=lambda stream, minute: set())
    >>> names.has_place("edge", 60, "a.example"), names.has_place("edge", 60, "b.example")
    (True, False)
    """

    def __init__(self, most: int, stored: Callable[[str, int], set[str]]) -> None:
        self._most = most
        self._stored = stored
        self._minutes: OrderedDict[tuple[str, int], set[str]] = OrderedDict()

    def has_place(self, stream: str, minute: int, name: str) -> bool:
        """Takes a place for ``name`` if there is one. After a failed transaction call `forget`."""
        names = self._minutes.get((stream, minute))
        if names is None:
            names = self._minutes[stream, minute] = self._stored(stream, minute)
            if len(self._minutes) > MOST_MINUTES:
                self._minutes.popitem(last=False)
        if name in names:
            return True
        if len(names) >= self._most:
            return False
        names.add(name)
        return True

    def forget(self) -> None:
        self._minutes.clear()
