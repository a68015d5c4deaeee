"""Whose turn it is: fair between logs, oldest first between the files of one rotated log."""

import os
from collections import OrderedDict
from heapq import heappop, heappush

from service.sources.followed import Followed
from service.sources.identity import log_of


class Turns:
    """Files that may have something to offer, now or at a stated time."""

    def __init__(self) -> None:
        self._ready: OrderedDict[str, list[Followed]] = OrderedDict()
        self._due: list[tuple[float, int, Followed]] = []
        self._count = 0

    def add(self, followed: Followed) -> None:
        if not followed.ready:
            followed.ready = True
            self._ready.setdefault(log_of(followed.position.path), []).append(followed)

    def add_at(self, when: float, followed: Followed) -> None:
        self._count += 1
        heappush(self._due, (when, self._count, followed))

    def wake(self, now: float) -> None:
        """Those whose time has come are ready."""
        while self._due and self._due[0][0] <= now:
            self.add(heappop(self._due)[2])

    def take(self) -> Followed | None:
        """The next file, which is not ready any more; None if there is none."""
        if not self._ready:
            return None
        log, files = next(iter(self._ready.items()))
        followed = files[0] if len(files) == 1 else min(files, key=_age)
        files.remove(followed)
        followed.ready = False
        if files:
            self._ready.move_to_end(log)
        else:
            del self._ready[log]
        return followed


def _age(followed: Followed) -> tuple[bool, int]:
    """Rotated files before the one that took their name, each in the order of their last writing."""
    try:
        written = os.fstat(followed.content.fd).st_mtime_ns if followed.content else followed.mtime
    except OSError:
        written = followed.mtime
    return not followed.position.rotated, written
