"""A file's text by offset, whether it lies there plain or compressed."""

import os
from contextlib import suppress

from service.sources.compressed import Kind, Stream, decompress, kind_of
from service.sources.identity import HEAD_BYTES, Position
from service.sources.streamed import StreamedText


class Content:
    """An open file. Plain text is read with pread; compressed text from the start onwards, once.

    Raises:
        OSError: it can't be opened.
    """

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        stat = os.fstat(self.fd)
        self.device, self.inode = stat.st_dev, stat.st_ino
        self.kind: Kind = kind_of(os.pread(self.fd, 4, 0), path)
        self.packed_done = 0
        """Compressed bytes that were read."""
        self._head = b""
        self._text = StreamedText(self._unpack) if self.kind else None

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes of text from ``offset``; fewer only where the text ends for now."""
        text = self._text
        if text is None:
            return os.pread(self.fd, size, offset)
        if text.is_cut_off and self.kind == "zst" and os.fstat(self.fd).st_size > self.packed_done:
            text.restart()  # the library won't go on after an end
        return text.read(offset, size)

    def head(self) -> bytes:
        if self._text is None:
            return os.pread(self.fd, HEAD_BYTES, 0)
        if len(self._head) < HEAD_BYTES:
            self._head = self.read(0, HEAD_BYTES)
        return self._head

    @property
    def is_complete(self) -> bool:
        """Whether no more text can come: a compressed file that was read to its end."""
        return self._text is not None and self._text.is_complete

    @property
    def damage(self) -> str:
        """Why a compressed file's text ended too early, once it has; empty if it did not."""
        if self._text is None:
            return ""
        return self._text.damage or ("it ends in the middle of compressed data" if self._text.is_cut_off else "")

    def data_after(self, offset: int) -> int:
        """Where the next bytes lie that are no sparse hole."""
        if self._text is None:
            with suppress(OSError, AttributeError):  # a file system or system that does not know holes
                return os.lseek(self.fd, offset, os.SEEK_DATA)
        return offset

    def continues(self, position: Position) -> bool:
        """Whether this is what ``position`` was stored for: same head, and the same text where reading ended."""
        if not position.head.matches(self.head()):
            return False
        if self._text is None and os.fstat(self.fd).st_size < position.offset:
            return False
        tail = position.tail
        return tail.length == 0 or tail.matches(self.read(position.tail_end - tail.length, tail.length))

    def close(self) -> None:
        with suppress(OSError):
            os.close(self.fd)

    def _unpack(self) -> Stream:
        self.packed_done = 0
        return decompress(self.kind, self._next_packed)

    def _next_packed(self, size: int) -> bytes:
        data = os.pread(self.fd, size, self.packed_done)
        self.packed_done += len(data)
        return data
