"""Standard input of a running service: a thread reads, the engine never waits.

A pipe can't be read twice, so there is no position: what was read and not yet committed is lost with the process.
"""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from service.sources import lines
from service.sources.source import Block, Health

PART: Final = "stdin"
MOST_WAITING_BYTES: Final = 16 << 20
"""Read ahead at most; then the writer has to wait."""
_PIECE_BYTES: Final = 256 << 10


class StdinSource:
    """A `service.sources.source.Source` over a file descriptor. ``wake`` is called when something came in."""

    def __init__(
        self,
        fd: int = 0,
        *,
        flush_after: float = 0.5,
        max_line_bytes: int = lines.MAX_LINE_BYTES,
        clock: Callable[[], float] = time.time,
        wake: Callable[[], object] | None = None,
    ) -> None:
        self._fd = fd
        self._flush_after = flush_after
        self._limit = max_line_bytes
        self._clock = clock
        self._wake = wake
        self._changed = threading.Condition()
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._has_ended = False
        self._error: OSError | None = None
        self._closing = False
        self._rest = b""  # taken from the pieces, not consumed
        self._held = 0
        self._grown = clock()
        self._offered: Block | None = None
        self._cut = self._skipping = False
        self._stop_read, self._stop_write = os.pipe()
        self._thread: threading.Thread | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the input ended and everything was consumed."""
        return self._has_ended and not self._pieces and not self._rest and self._offered is None

    def restore(self, positions: dict[str, bytes]) -> None:
        """Begins to read; there is nothing to take up."""
        self._begin()

    def next_block(self) -> Block | None:
        """As `Source.next_block`; ``final`` at the input's end and after the flush time.

        Raises:
            OSError: the input can't be read.
        """
        self._begin()
        if self._offered is not None:
            return None
        ended = self._has_ended  # before the pieces are taken: what came before the end is among them
        data = self._take_pieces()
        if not data:
            if self._error is not None:
                raise self._error
            return None
        end, final, self._cut = lines.cut(data, self._held, self._limit)
        if ended and not self._pieces and lines.too_long(data, self._limit) < 0:
            end, final = len(data), True
        elif not end and self._held and self._clock() - self._grown >= self._flush_after:
            end, final = self._held, True
        if not end:
            return None
        dropped = {"line_too_long": 1} if self._cut else {}
        self._offered = Block(PART, data[:end], final, self._clock(), dropped)
        return self._offered

    def consumed(self, block: Block, count: int) -> dict[str, bytes | None]:
        size = len(block.data)
        if self._cut or (block.final and count == 0):
            count = size
        self._rest = self._rest[count:]
        self._held = size - count
        self._skipping = self._cut
        self._offered = None
        return {}

    def health(self) -> Health:
        if self._error is not None:
            return Health("failed", f"standard input: {self._error.strerror or self._error}")
        text = "standard input has ended" if self._has_ended else ""
        return Health("reading", text, self._waiting_bytes + len(self._rest), 1)

    def close(self) -> None:
        if self._closing:
            return
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        with suppress(OSError):
            os.write(self._stop_write, b".")
        if self._thread is not None:
            self._thread.join(timeout=2.0)
        os.close(self._stop_write)
        os.close(self._stop_read)

    def _begin(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._read_all, name="handspike-stdin", daemon=True)
            self._thread.start()

    def _take_pieces(self) -> bytes:
        """The rest with at most about 1 MiB of what came in; the remainder of a line that was cut is passed over."""
        taken = [self._rest]
        size = 0
        with self._changed:
            while self._pieces and size < lines.READ_BYTES:
                piece = self._pieces.popleft()
                self._waiting_bytes -= len(piece)
                size += len(piece)
                taken.append(piece)
            if taken[1:]:
                self._changed.notify_all()
        if size:
            self._grown = self._clock()
            self._rest = b"".join(taken)
        if self._skipping:
            newline = self._rest.find(b"\n")
            self._skipping = newline < 0
            self._rest = b"" if newline < 0 else self._rest[newline + 1 :]
        return self._rest

    def _read_all(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.register(self._stop_read, select.POLLIN)
        while not self._closing:
            try:
                if any(fd == self._stop_read for fd, _ in poll.poll()):
                    return
                piece = os.read(self._fd, _PIECE_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                self._error = error
                piece = b""
            with self._changed:
                while self._waiting_bytes >= MOST_WAITING_BYTES and not self._closing:
                    self._changed.wait()
                if piece:
                    self._pieces.append(piece)
                    self._waiting_bytes += len(piece)
                else:
                    self._has_ended = True
            if self._wake is not None:
                self._wake()
            if not piece:
                return
