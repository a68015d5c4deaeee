"""Follows the files that a glob matches, through every way they may be rotated.

Costs: a quiet file costs one stat every two seconds; `next_block` does no system call when nothing
happened. At most `MAX_OPEN_FILES` files are open per source, the longest unread are closed first.
"""

import os
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Final, Literal

from service.sources import lines
from service.sources.content import Content
from service.sources.followed import ContentChangedError, Followed
from service.sources.identity import Position
from service.sources.paths import Glob
from service.sources.rotation import STARTED, Registry
from service.sources.source import Block, Health
from service.sources.turns import Turns
from service.sources.wake import Waker

MAX_OPEN_FILES: Final = 256
_POLL_SECONDS: Final = 2.0
_SCAN_SECONDS: Final = 5.0
_SCAN_PAUSE_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 5.0
_ADOPT_AT_ONCE: Final = 200
"""Files taken up per call, so that a directory of 100,000 does not hold up the other streams."""


class FileSource:
    """A `service.sources.source.Source` over growing files.

    Files present at the very first start are read from ``start``; all that appear later from their beginning.
    Lines longer than ``max_line_bytes`` are cut there, their rest is skipped and counted as ``line_too_long``;
    unread bytes that vanished with their file are counted as ``gap``, in bytes.
    """

    def __init__(
        self,
        path_glob: str,
        start: Literal["beginning", "end"],
        *,
        flush_after: float = 0.5,
        max_line_bytes: int = lines.MAX_LINE_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._glob = Glob(path_glob)
        self._start = start
        self._flush_after = flush_after
        self._max_line_bytes = max_line_bytes
        self._clock = clock
        self._registry = Registry(self._follow, clock)
        self._told: deque[str | None] = deque()  # by other threads; None: look at everything
        self._newcomers: deque[str] = deque()
        self._scan_is_wanted = True
        self._next_scan = self._next_poll = self._scan_allowed = float("-inf")
        self._turns = Turns()
        self._open: OrderedDict[int, Followed] = OrderedDict()
        self._problems: dict[str, str] = {}
        self._targets: set[str] = set()
        self._waker: tuple[Waker, str] | None = None
        self._directories: set[str] = set()

    def attach(self, waker: Waker, name: str) -> None:
        """Lets ``waker`` watch the directories concerned, now and as they change, and tell this source of news."""
        self._waker = waker, name
        waker.watch(name, self._directories, self.notify)

    def notify(self, paths: Iterable[str] | None = None) -> None:
        """Something may have happened at ``paths``, or anywhere. From any thread; costs nothing here."""
        self._told.extend([None] if paths is None else paths)

    def restore(self, positions: dict[str, bytes]) -> None:
        self._registry.restore(positions)

    def next_block(self) -> Block | None:
        """As `Source.next_block`. A block without data carries positions that must be stored, or ``dropped``."""
        now = self._clock()
        if self._told:
            self._hear()
        if now >= self._next_scan or (self._scan_is_wanted and now >= self._scan_allowed):
            self._scan(now)
        if self._newcomers:
            self._adopt_some()
        if now >= self._next_poll:
            self._poll(now)
        self._turns.wake(now)
        while (followed := self._turns.take()) is not None:
            block = self._look(followed, now)
            if block is not None:
                return self._with_losses(block)
        if self._registry.unsaved or self._registry.lost_bytes:
            return self._with_losses(Block(part=STARTED, data=b"", final=False, arrived=now))
        return None

    def consumed(self, block: Block, count: int) -> dict[str, bytes | None]:
        registry = self._registry
        positions, registry.unsaved = registry.unsaved, {}
        followed = registry.parts.get(block.part)
        if followed is not None and followed.is_offered:
            followed.take(block, count)
            positions[block.part] = followed.position.encode()
            self._turns.add(followed)
        return positions

    def health(self) -> Health:
        files = self._registry.parts.values()
        lag = sum(followed.lag_bytes for followed in files)
        if self._problems:
            path, why = next(iter(self._problems.items()))
            more = f" (and {len(self._problems) - 1} more)" if len(self._problems) > 1 else ""
            return Health("failed", f"{path}: cannot read it: {why}{more}", lag, len(files))
        if not files:
            return Health("waiting", f"no file yet: {self._glob.pattern}", 0, 0)
        return Health("reading", "", lag, len(files))

    def close(self) -> None:
        if self._waker is not None:
            self._waker[0].forget(self._waker[1])
        for followed in self._registry.parts.values():
            followed.close()
        self._open.clear()

    def _follow(self, part: str, position: Position, content: Content) -> Followed:
        followed = Followed(
            part, position, content, self._clock(), flush_after=self._flush_after, limit=self._max_line_bytes
        )
        followed.leaving = not self._glob.matches(position.path)
        self._turns.add(followed)
        self._keep_open(followed)
        return followed

    def _with_losses(self, block: Block) -> Block:
        if self._registry.lost_bytes:
            block.dropped["gap"] = self._registry.lost_bytes
            self._registry.lost_bytes = 0
        return block

    def _look(self, followed: Followed, now: float) -> Block | None:
        path = followed.position.path
        if self._registry.parts.get(followed.part) is not followed:
            return None  # departed since it was queued
        try:
            block = followed.look(now)
        except (ContentChangedError, FileNotFoundError):
            self._changed(followed)
            return None
        except OSError as error:
            self._problems[path] = error.strerror or str(error)
            followed.close()
            self._turns.add_at(now + _RETRY_SECONDS, followed)
            return None
        self._problems.pop(path, None)
        self._keep_open(followed)
        if followed.position.done:
            self._finished(followed)
        elif followed.due is not None:
            self._turns.add_at(followed.due, followed)
        return block

    def _changed(self, followed: Followed) -> None:
        """What was read of it is not there any more: the path is looked at as if it were new."""
        path = followed.position.path
        self._registry.depart(followed)
        self._registry.find_heir(followed.part)
        self._adopt(path)
        self._scan_is_wanted = True

    def _finished(self, followed: Followed) -> None:
        self._open.pop(id(followed), None)
        if followed.leaving:
            self._registry.depart(followed)
            self._scan_is_wanted = True  # its archive may have waited for this
        else:
            followed.close()
            self._registry.unsaved[followed.part] = followed.position.encode()

    def _keep_open(self, followed: Followed) -> None:
        """Bounds the open files. A deleted file can't be opened again, so those that leave stay open longest."""
        if followed.content is None:
            return
        self._open[id(followed)] = followed
        self._open.move_to_end(id(followed))
        while len(self._open) > MAX_OPEN_FILES:
            closing = next((one for one in self._open.values() if not one.leaving), next(iter(self._open.values())))
            del self._open[id(closing)]
            closing.close()

    def _hear(self) -> None:
        told = set()
        while self._told:
            told.add(self._told.popleft())
        by_path = {followed.position.path: followed for followed in self._registry.parts.values()}
        for path in told:
            if path is None:
                self._scan_is_wanted = True
                self._scan_allowed = self._next_poll = float("-inf")
            elif (followed := by_path.get(path)) is not None:
                self._stat(followed)
            elif self._glob.concerns(path):
                self._scan_is_wanted = True
            elif path in self._targets:  # what a link points at
                self._next_poll = float("-inf")

    def _poll(self, now: float) -> None:
        """Events get lost (network file systems, full queues), so each file is looked at now and then."""
        began = time.perf_counter()
        for followed in list(self._registry.parts.values()):
            self._stat(followed)
        self._next_poll = now + max(_POLL_SECONDS, 100 * (time.perf_counter() - began))

    def _stat(self, followed: Followed) -> None:
        try:
            if followed.leaving and followed.content is not None:
                stat = os.fstat(followed.content.fd)
            else:
                stat = os.stat(followed.position.path)  # noqa: PTH116
        except OSError:
            self._scan_is_wanted = True
            return
        if (stat.st_dev, stat.st_ino) != followed.key:
            self._scan_is_wanted = True
        elif stat.st_size != followed.size or stat.st_mtime_ns != followed.mtime:
            if followed.position.done:
                followed.position.done = False  # an archive that was written anew
            self._turns.add(followed)

    def _scan(self, now: float) -> None:
        """Compares what the glob matches with what is known."""
        began = time.perf_counter()
        found = self._glob.find()
        registry = self._registry
        self._problems = found.problems
        seen: set[tuple[int, int]] = set()
        newcomers: list[tuple[bool, bool, int, str]] = []
        for path, stat in found.files.items():
            key = stat.st_dev, stat.st_ino
            if key in seen:
                continue  # another link to the same file
            seen.add(key)
            followed = registry.alive.get(key)
            if followed is None:
                packed = path.endswith((".gz", ".zst"))
                newcomers.append((not registry.is_known(stat.st_ino), packed, stat.st_mtime_ns, path))
                continue
            followed.leaving = False
            if followed.position.path != path:
                registry.moved(followed, path)
                self._turns.add(followed)
        for key, followed in list(registry.alive.items()):
            if key not in seen and not followed.leaving and not _is_at_its_path(followed):
                followed.leaving = followed.position.rotated = True
                self._turns.add(followed)
        self._newcomers = deque(path for _, _, _, path in sorted(newcomers))
        self._targets = found.targets
        self._watch(found.directories)
        cost = time.perf_counter() - began
        self._scan_is_wanted = False
        self._scan_allowed = now + max(_SCAN_PAUSE_SECONDS, 20 * cost)
        self._next_scan = now + max(_SCAN_SECONDS, 100 * cost)
        if not self._newcomers:
            self._scan_is_over()

    def _adopt_some(self) -> None:
        for _ in range(min(_ADOPT_AT_ONCE, len(self._newcomers))):
            self._adopt(self._newcomers.popleft())
        if not self._newcomers:
            self._scan_is_over()

    def _adopt(self, path: str) -> None:
        at_end = self._start == "end" and not self._registry.has_started
        try:
            self._registry.adopt(path, at_end=at_end)
        except FileNotFoundError:
            self._scan_is_wanted = True
        except OSError as error:
            self._problems[path] = error.strerror or str(error)

    def _scan_is_over(self) -> None:
        registry = self._registry
        registry.started()
        registry.sweep()
        if registry.has_news:
            registry.has_news = False
            self._scan_is_wanted, self._scan_allowed = True, float("-inf")

    def _watch(self, directories: set[str]) -> None:
        if directories != self._directories:
            self._directories = directories
            if self._waker is not None:
                self._waker[0].watch(self._waker[1], directories, self.notify)


def _is_at_its_path(followed: Followed) -> bool:
    """Whether it is there though the listing did not show it (a directory that can't be read just now)."""
    try:
        stat = os.stat(followed.position.path)  # noqa: PTH116
    except OSError:
        return False
    return (stat.st_dev, stat.st_ino) == followed.key
