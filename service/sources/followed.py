"""One followed file: what it has to offer next, and how far it was read."""

import os
from typing import Final

from service.sources import lines
from service.sources.content import Content
from service.sources.identity import HEAD_BYTES, TAIL_BYTES, Fingerprint, Position
from service.sources.source import Block

HALF_LINE_SECONDS: Final = 5.0
"""A half-written last line of a rotated or deleted file is delivered when the file was quiet for so long."""
LET_GO_SECONDS: Final = 60.0
"""A file that left the glob is kept open until it was quiet for so long: its writer may not know yet."""


class ContentChangedError(Exception):
    """The file was truncated, or another one has its inode: what was read of it is not there any more."""


class Followed:
    """A file and its reading position. All times are the source's clock, in seconds."""

    __slots__ = (
        "_cut",
        "_end",
        "_final",
        "_flush_after",
        "_grown",
        "_limit",
        "_offered",
        "content",
        "due",
        "held",
        "leaving",
        "mtime",
        "part",
        "position",
        "ready",
        "size",
    )

    def __init__(
        self, part: str, position: Position, content: Content, now: float, *, flush_after: float, limit: int
    ) -> None:
        self.part = part
        self.position = position
        self.content: Content | None = content
        self._flush_after = flush_after
        self._limit = limit
        self.held = 0
        """Bytes after the position that were offered and not consumed: whole lines of an unfinished record."""
        self.leaving = False
        """True once its path is out of the glob, by rename or deletion."""
        self.due: float | None = None
        """When to look again even if nothing happens."""
        self.ready = False
        """Whether it waits in its source's queue."""
        stat = os.fstat(content.fd) if position.done else None
        self.size = stat.st_size if stat else -1
        """Size and modification time on disk at the last look."""
        self.mtime = stat.st_mtime_ns if stat else 0
        self._end = position.offset
        self._grown = now
        self._offered = False
        self._final = self._cut = False

    @property
    def key(self) -> tuple[int, int]:
        return self.position.device, self.position.inode

    @property
    def lag_bytes(self) -> int:
        position = self.position
        return 0 if position.done or (self.content and self.content.kind) else max(0, position.size - position.offset)

    def open(self) -> Content:
        """The open file; opened anew by its path if it had been closed.

        Raises:
            ContentChangedError: another file is there now.
        """
        if self.content is None:
            content = Content(self.position.path)
            if (content.device, content.inode) != self.key:
                content.close()
                raise ContentChangedError
            self.content = content
        return self.content

    @property
    def is_offered(self) -> bool:
        """Whether a block of it is out and not yet consumed."""
        return self._offered

    def is_intact(self) -> bool:
        """Whether the text that was read is still there."""
        try:
            content = self.open()
            return content.continues(self.position)
        except (ContentChangedError, OSError):
            return False

    @property
    def is_packed(self) -> bool:
        return bool(self.content.kind) if self.content else self.position.path.endswith((".gz", ".zst"))

    def learn_head(self) -> Fingerprint:
        """The fingerprint, of as much of the head as there is by now."""
        head = self.position.head
        if head.length < HEAD_BYTES and self.content is not None and not self._offered:
            begin = self.content.head()
            if len(begin) > head.length and head.matches(begin):
                self.position.head = Fingerprint.of(begin)
        return self.position.head

    def size_on_disk(self) -> int:
        return os.fstat(self.content.fd).st_size if self.content else self.size

    def close(self) -> None:
        if self.content is not None:
            self.content.close()
            self.content = None

    def look(self, now: float) -> Block | None:
        """The next block; None if there is nothing to offer, and then ``due`` says when that may change.

        Raises:
            ContentChangedError: begin anew with the file at this path.
            OSError: it can't be read now.
        """
        self.due = None
        position = self.position
        if self._offered or position.done:
            return None
        content = self.open()
        stat = os.fstat(content.fd)
        self.size, self.mtime = stat.st_size, stat.st_mtime_ns
        if not content.kind and stat.st_size < position.offset:
            raise ContentChangedError
        data = self._read(content, stat.st_size)
        self._verify(content)
        if position.offset + len(data) > self._end:
            self._grown = now
        self._end = position.offset + len(data)
        position.size = max(self._end, 0 if content.kind else stat.st_size)
        nul = data.find(b"\n\0")  # a hole that a copytruncate or a crash left: the next read passes over it
        if nul >= 0:
            data = data[: nul + 1]
        end, ended, long = lines.cut(data, self.held, self._limit)
        if end:
            return self._offer(data[:end], now, final=ended, cut=long)
        return self._what_is_quiet(content, data, now)

    def take(self, block: Block, count: int) -> None:
        """``count`` bytes of the block that `look` gave are read for good."""
        size = len(block.data)
        if self._cut or (self._final and count == 0):
            count = size  # what is final is never offered again whole
        count = min(count, size)
        if count:
            position = self.position
            position.skipping = self._cut
            position.offset += count
            position.tail = Fingerprint.of(block.data[max(0, count - TAIL_BYTES) : count])
            position.tail_end = position.offset
        self.held = size - count
        self._offered = False

    def _read(self, content: Content, size: int) -> bytes:
        """What follows the position, from a line's start on."""
        position = self.position
        want = self.held + max(lines.READ_BYTES, self._limit + 1)
        while True:
            room = want if content.kind else min(want, size - position.offset)
            data = content.read(position.offset, room) if room > 0 else b""
            if not data:
                return data
            if position.skipping:
                newline = data.find(b"\n")
                position.skipping = newline < 0
                position.offset += len(data) if newline < 0 else newline + 1
                position.tail, position.tail_end = Fingerprint(), 0
            elif self.held == 0 and data[0] == 0:
                text = data.lstrip(b"\0")
                position.offset += len(data) - len(text)
                if not text:
                    position.offset = content.data_after(position.offset)
            else:
                return data

    def _verify(self, content: Content) -> None:
        """After the read, so that what was read is known to be of the same file."""
        position = self.position
        head = position.head
        if head.length == HEAD_BYTES and content.kind:
            return
        begin = content.head() if not content.kind or head.length < HEAD_BYTES else b""
        if not head.matches(begin):
            raise ContentChangedError
        if len(begin) > head.length:
            position.head = Fingerprint.of(begin)
        tail = position.tail
        if not content.kind and not tail.matches(content.read(position.tail_end - tail.length, tail.length)):
            raise ContentChangedError

    def _what_is_quiet(self, content: Content, data: bytes, now: float) -> Block | None:
        """Nothing new: an unfinished record ends after the flush time, a half line only if it can't go on."""
        quiet = now - self._grown
        position = self.position
        if self.held:
            if quiet >= self._flush_after:
                return self._offer(data[: self.held], now, final=True)
            self.due = self._grown + self._flush_after
            return None
        ended = content.is_complete
        if data and (ended or self.leaving or position.rotated):
            if ended or quiet >= HALF_LINE_SECONDS:
                return self._offer(data, now, final=True)
            self.due = self._grown + HALF_LINE_SECONDS
            return None
        if ended:
            position.done = True
        elif self.leaving:
            position.done = quiet >= LET_GO_SECONDS
            self.due = None if position.done else self._grown + LET_GO_SECONDS
        return None

    def _offer(self, data: bytes, now: float, *, final: bool, cut: bool = False) -> Block:
        self._offered, self._final, self._cut = True, final, cut
        dropped = {"line_too_long": 1} if cut else {}
        return Block(part=self.part, data=data, final=final, arrived=now, dropped=dropped)
