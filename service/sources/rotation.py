"""Who is who after a rotation: renamed, copied, truncated, compressed, deleted, come back.

A *part* is one log's content through all its names and inodes. What is gone is remembered for a while
as *departed*; a file that turns up and holds what was read of a departed one carries that part on
from where reading ended, so nothing is read twice and nothing that still exists is lost.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from service.sources.content import Content
from service.sources.departed import Departed
from service.sources.followed import Followed
from service.sources.identity import HEAD_BYTES, TAIL_BYTES, Fingerprint, Position, decode, log_of, stem

STARTED: Final = "source"
"""The part under which it is stored that this source has started once; `start: end` is over then."""
_STARTED_POSITION: Final = b'{"started":true}'

_GAP_SECONDS: Final = 10.0
"""Unread bytes of a departed file are given up as lost when nobody carried it on for so long."""
_COPYING_SECONDS: Final = 10.0
"""A file that looks like an unfinished copy is waited for until it was the same size for so long."""
_MOST_SIBLINGS: Final = 256
_LINE_SEARCH_BYTES: Final = 64 << 10


class Registry:
    """The files of one source, those that are there and those that were."""

    def __init__(self, follow: Callable[[str, Position, Content], Followed], clock: Callable[[], float]) -> None:
        self._follow = follow
        self._clock = clock
        self.alive: dict[tuple[int, int], Followed] = {}
        self.parts: dict[str, Followed] = {}
        self.departed = Departed()
        self._by_log: defaultdict[str, dict[str, Followed]] = defaultdict(dict)
        self.unsaved: dict[str, bytes | None] = {}
        """What must be stored though nothing was read: part -> position."""
        self.lost_bytes = 0
        """Unread bytes that are gone for good, since the last block that told of them."""
        self.has_started = False
        self.has_news = False
        """True if a file departed that the source thought was there: it should look again."""
        self._undecided: dict[tuple[int, int], tuple[int, float]] = {}

    def restore(self, positions: dict[str, bytes]) -> None:
        for part, stored in positions.items():
            if part == STARTED:
                self.has_started = True
            elif (position := decode(stored)) is not None:
                self.departed.add(part, position)
            else:
                self.unsaved[part] = None

    def started(self) -> None:
        """The first look at everything is over: what was stored and has not turned up is gone."""
        if not self.has_started:
            self.has_started = True
            self.unsaved[STARTED] = _STARTED_POSITION
        now = self._clock()
        for part in self.departed:
            if (position := self.departed[part]).departed is None:
                position.departed = now
                self.unsaved[part] = position.encode()
                self.find_heir(part)

    def is_known(self, inode: int) -> bool:
        """Whether a stored position is of this inode; such files are taken up first."""
        return self.departed.has_inode(inode)

    def adopt(self, path: str, *, at_end: bool) -> Followed | None:
        """Follows the file at ``path``; None as long as it may be the copy of another that is still read.

        Raises:
            OSError: it can't be read.
        """
        content = Content(path)
        try:
            followed = self._adopt(path, content, at_end=at_end)
        except BaseException:
            content.close()
            raise
        if followed is None or followed.content is not content:
            content.close()
        return followed

    def moved(self, followed: Followed, path: str) -> None:
        """The same file under another name."""
        self._by_log[log_of(followed.position.path)].pop(followed.part, None)
        self._by_log[log_of(path)][followed.part] = followed
        followed.position.path = path
        followed.position.rotated = True
        self.unsaved[followed.part] = followed.position.encode()

    def depart(self, followed: Followed) -> None:
        """The file, or what was read of it, is not there any more."""
        followed.close()
        self.alive.pop(followed.key, None)
        self.parts.pop(followed.part, None)
        log = log_of(followed.position.path)
        self._by_log[log].pop(followed.part, None)
        if not self._by_log[log]:
            del self._by_log[log]
        followed.position.departed = self._clock()
        self.departed.add(followed.part, followed.position)
        self.unsaved[followed.part] = followed.position.encode()

    def find_heir(self, part: str) -> Followed | None:
        """Looks beside a departed file for the one that carries it on, also where the glob does not match it."""
        position = self.departed[part]
        if position.done:
            return None
        for path in _siblings(position):
            try:
                content = Content(path)
            except OSError:
                continue
            if (content.device, content.inode) not in self.alive and content.continues(position):
                return self._carry_on(part, path, content)
            content.close()
        return None

    def sweep(self) -> None:
        """Gives up what nobody carried on, and forgets what is long gone."""
        now = self._clock()
        for part in self.departed:
            position = self.departed[part]
            gone = now - (position.departed or now)
            if position.size > position.offset and gone >= _GAP_SECONDS and _can_list(position.path):
                self.lost_bytes += position.size - position.offset
                position.size = position.offset
                self.unsaved[part] = position.encode()
        self.unsaved.update(dict.fromkeys(self.departed.forgotten(now)))

    def _adopt(self, path: str, content: Content, *, at_end: bool) -> Followed | None:
        key = content.device, content.inode
        if key in self.alive:
            return self.alive[key]
        head = content.head()
        size = os.fstat(content.fd).st_size
        if content.kind and len(head) < HEAD_BYTES and not content.is_complete:
            return None  # the packer has only begun
        for followed in self._alike(path, head):
            if followed.is_offered:
                return None
            if not followed.is_packed and not followed.is_intact():  # truncated, and this may be the copy made before
                self.depart(followed)
                self.has_news = True
            elif content.kind or followed.is_packed or size <= followed.size_on_disk():
                return None  # as far as can be told a copy of what is still being read
        for part in list(self.departed.candidates(path, content.inode, head)):
            position = self.departed[part]
            if content.continues(position):
                return self._carry_on(part, path, content)
            if position.inode != content.inode and self._is_unfinished(content, position, size):
                return None
        self._undecided.pop(key, None)
        position = Position(path, *key, head=Fingerprint.of(head), offset=0)
        if at_end:
            _go_to_the_end(position, content, size)
        followed = self._add(self._new_part(content.inode), position, content)
        self.unsaved[followed.part] = position.encode()  # so that it is known again if it is renamed out of the glob
        return followed

    def _is_unfinished(self, content: Content, position: Position, size: int) -> bool:
        """Whether it may become a copy of the departed: as far as it goes it is one."""
        if content.kind:
            return not content.is_complete and len(content.read(position.offset, 1)) == 0
        if size >= position.offset:
            return False
        now = self._clock()
        key = content.device, content.inode
        before = self._undecided.get(key)
        if before is None or before[0] != size:
            self._undecided[key] = size, now
            return True
        return now - before[1] < _COPYING_SECONDS

    def _alike(self, path: str, head: bytes) -> list[Followed]:
        """Files being read that this may be a copy of, by their names and beginnings."""
        there = list(self._by_log.get(log_of(path), {}).values())
        return [one for one in there if one.learn_head().length and one.position.head.matches(head)]

    def _carry_on(self, part: str, path: str, content: Content) -> Followed:
        position = self.departed.remove(part)
        self._undecided.pop((content.device, content.inode), None)
        position.rotated = position.rotated or path != position.path or content.inode != position.inode
        position.done = position.done and bool(content.kind)
        position.path, position.device, position.inode = path, content.device, content.inode
        position.departed = None
        self.unsaved[part] = position.encode()
        return self._add(part, position, content)

    def _add(self, part: str, position: Position, content: Content) -> Followed:
        followed = self._follow(part, position, content)
        self.alive[followed.key] = self.parts[part] = followed
        self._by_log[log_of(position.path)][part] = followed
        return followed

    def _new_part(self, inode: int) -> str:
        moment = int(self._clock() * 1e6)
        while (part := f"{inode:x}-{moment:x}") in self.parts or part in self.departed:
            moment += 1
        return part


def _go_to_the_end(position: Position, content: Content, size: int) -> None:
    """After the last whole line: one that is half written now is new."""
    if content.kind:
        position.done = True
        return
    begin = max(0, size - _LINE_SEARCH_BYTES)
    last = content.read(begin, size - begin)
    newline = last.rfind(b"\n") + 1
    if newline or begin == 0:
        position.offset = position.tail_end = begin + newline
        position.tail = Fingerprint.of(last[max(0, newline - TAIL_BYTES) : newline])
    else:
        position.offset, position.skipping = size, True
    position.size = size


def _siblings(position: Position) -> Iterator[str]:
    """Files in the same directory that may be the departed one under another name, at most a few hundred."""
    name = stem(position.path)
    try:
        with os.scandir(os.path.dirname(position.path)) as entries:  # noqa: PTH120
            found = [
                entry
                for entry in entries
                if entry.inode() == position.inode or (position.head.length and stem(entry.name) == name)
            ]
    except OSError:
        return
    found.sort(key=lambda entry: (entry.inode() != position.inode, entry.name))
    for entry in found[:_MOST_SIBLINGS]:
        if entry.is_file():
            yield entry.path


def _can_list(path: str) -> bool:
    return os.access(os.path.dirname(path), os.R_OK | os.X_OK)  # noqa: PTH120
