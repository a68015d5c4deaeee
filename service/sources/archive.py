"""Reads files once, from the beginning: plain, gzip, Zstandard, or ``-`` for standard input.

Memory stays flat: one block and the record that is unfinished at its end (at most 4 MiB); of compressed files
that much for each of the `MAX_OPEN_FILES` that are open at most. A compressed file that was closed in between
is decompressed again up to where it was, so more of them than that should not overlap in time.
"""

from collections import OrderedDict
from typing import Final

from service.sources import lines
from service.sources.once import OnceFile
from service.sources.source import Block

MAX_OPEN_FILES: Final = 32


class ArchiveSource:
    """Blocks of all ``paths`` in about the order of event time: next is always the file that is furthest behind.

    What can't be read is told in ``errors``, one line each that names the file; what stood before a damage is
    delivered, and the other files go on.
    """

    def __init__(self, paths: list[str], *, max_line_bytes: int = lines.MAX_LINE_BYTES) -> None:
        self.errors: list[str] = []
        self.bytes_total = 0
        """Bytes on disk of all files; what comes through a pipe counts nothing."""
        self._files: dict[str, OnceFile] = {}
        self._open: OrderedDict[str, OnceFile] = OrderedDict()
        self._finished_bytes = 0
        for path in dict.fromkeys(paths):
            try:
                file = OnceFile(path, max_line_bytes)
            except OSError as error:
                self._failed(path, error)
                continue
            self._files[path] = file
            self.bytes_total += file.size

    @property
    def bytes_done(self) -> int:
        """Of ``bytes_total``."""
        return self._finished_bytes + sum(file.bytes_done for file in self._files.values())

    def reached(self, part: str, at: float) -> None:
        """The caller read ``part`` up to event time ``at``, epoch seconds."""
        if part in self._files:
            self._files[part].reached = at

    def watermark(self) -> float | None:
        """Event time that every file has reached; None while one's is unknown, infinite at the end of all."""
        lowest = float("inf")
        for file in self._files.values():
            if file.reached is None:
                return None
            lowest = min(lowest, file.reached)
        return lowest

    def next_block(self) -> Block | None:
        """The next block; None at the end of all files."""
        while self._files:
            file = min(self._files.values(), key=_behind)
            self._keep_open(file)
            try:
                block = file.next_block()
            except OSError as error:
                self._failed(file.path, error)
                block = None
            if block is not None:
                return block
            if file.damage:
                self.errors.append(f"{file.path}: {file.damage}; what stands before it was read")
            self._drop(file)
        return None

    def consumed(self, block: Block, count: int) -> dict[str, bytes | None]:
        """``count`` bytes are read for good; the rest comes again with more behind it. Nothing is to be stored."""
        if block.part in self._files:
            self._files[block.part].take(block, count)
        return {}

    def close(self) -> None:
        for file in list(self._files.values()):
            self._drop(file)

    def _keep_open(self, file: OnceFile) -> None:
        self._open[file.path] = file
        self._open.move_to_end(file.path)
        if len(self._open) > MAX_OPEN_FILES:
            _, oldest = self._open.popitem(last=False)
            oldest.close()

    def _drop(self, file: OnceFile) -> None:
        del self._files[file.path]
        self._open.pop(file.path, None)
        self._finished_bytes += file.size
        file.close(for_good=True)

    def _failed(self, path: str, error: OSError) -> None:
        self.errors.append(f"{path}: {error.strerror or error}")


def _behind(file: OnceFile) -> float:
    return float("-inf") if file.reached is None else file.reached
