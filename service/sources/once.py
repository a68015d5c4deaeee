"""One file that is read once, from its beginning to its end."""

import os
import stat
import time
from collections.abc import Callable
from typing import Final

from service.sources import lines
from service.sources.compressed import Stream, decompress, kind_of
from service.sources.content import Content
from service.sources.source import Block
from service.sources.streamed import StreamedText

STDIN: Final = "-"
_PROBE_BYTES: Final = 4096


class OnceFile:
    """A file, a pipe, or standard input (``-``). May be closed in between: a file goes on where it was.

    Raises:
        OSError: from any method that reads; the text names why.
    """

    def __init__(self, path: str, limit: int) -> None:
        self.path = path
        self.reached: float | None = None
        """Event time up to which it was read; None if unknown."""
        status = os.fstat(0) if path == STDIN else os.stat(path)  # noqa: PTH116
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(0, "is a directory; name the files in it")
        self.is_pipe = not stat.S_ISREG(status.st_mode)
        self.size = 0 if self.is_pipe else status.st_size
        self._modified = time.time() if self.is_pipe else status.st_mtime
        self._limit = limit
        self._content: Content | _Pipe | None = None
        self._packed_done = 0
        self._offset = 0
        self._held = 0
        self._skipping = self._cut = self._final = False

    @property
    def bytes_done(self) -> int:
        """Bytes on disk that were read."""
        packed = self._content.packed_done if self._content is not None else self._packed_done
        return min(packed or self._offset, self.size)

    @property
    def damage(self) -> str:
        return self._content.damage if self._content else ""

    def next_block(self) -> Block | None:
        """The next block, ``final`` at the end of the file; None after it."""
        content = self._content or self._open()
        block = self._whole_lines(content)
        while block is None:
            want = self._held + max(lines.READ_BYTES, self._limit + 1)
            data = content.read(self._offset, want)
            if not data:
                return None
            if self._skipping:
                newline = data.find(b"\n")
                self._skipping = newline < 0
                self._offset += len(data) if newline < 0 else newline + 1
                continue
            if len(data) < want and lines.too_long(data, self._limit) < 0:
                return self._offer(data, final=True)
            end, final, cut = lines.cut(data, self._held, self._limit)
            block = self._offer(data[:end], final=final, cut=cut)
        return block

    def take(self, block: Block, count: int) -> None:
        """``count`` bytes are read for good."""
        size = len(block.data)
        if self._cut or (self._final and count == 0):
            count = size
        self._skipping = self._cut
        self._offset += min(count, size)
        self._held = size - min(count, size)

    def close(self, *, for_good: bool = False) -> None:
        """Gives the open file back; a pipe stays open as long as more may be read of it."""
        if self._content is not None and (for_good or not self.is_pipe):
            self._packed_done = self._content.packed_done
            self._content.close()
            self._content = None

    def _open(self) -> "Content | _Pipe":
        if self.is_pipe:
            self._content = _Pipe(0 if self.path == STDIN else os.open(self.path, os.O_RDONLY | os.O_CLOEXEC))
        else:
            self._content = Content("/dev/stdin" if self.path == STDIN else self.path)
        return self._content

    def _whole_lines(self, content: "Content | _Pipe") -> Block | None:
        """The cheap way for plain files: the block's last newline is found first, so the block is never copied."""
        if self._skipping or content.kind or self.is_pipe or self._limit < lines.READ_BYTES or self._held:
            return None
        probe = content.read(self._offset + lines.READ_BYTES - _PROBE_BYTES, _PROBE_BYTES)
        newline = probe.rfind(b"\n")
        if newline < 0 or len(probe) < _PROBE_BYTES:
            return None
        size = lines.READ_BYTES - _PROBE_BYTES + newline + 1
        data = content.read(self._offset, size)
        return self._offer(data, final=False) if len(data) == size else None

    def _offer(self, data: bytes, *, final: bool, cut: bool = False) -> Block:
        self._final, self._cut = final, cut
        return Block(self.path, data, final, self._modified, {"line_too_long": 1} if cut else {})


class _Pipe:
    """What can't be read twice, plain or compressed."""

    packed_done = 0

    def __init__(self, fd: int) -> None:
        begin = b""
        while len(begin) < 4 and (more := os.read(fd, 4 - len(begin))):
            begin += more
        self._begin = begin
        self._fd = fd
        self.kind = kind_of(begin) if len(begin) == 4 else ""
        self._text = StreamedText(self._stream)

    def read(self, offset: int, size: int) -> bytes:
        return self._text.read(offset, size)

    def close(self) -> None:
        if self._fd != 0:
            os.close(self._fd)

    @property
    def damage(self) -> str:
        return self._text.damage or ("it ends in the middle of compressed data" if self._text.is_cut_off else "")

    def _stream(self) -> Stream:
        return decompress(self.kind, self._next) if self.kind else _Plain(self._next)

    def _next(self, size: int) -> bytes:
        if self._begin:
            data, self._begin = self._begin, b""
            return data
        return os.read(self._fd, size)


class _Plain:
    complete = True

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.read = read
