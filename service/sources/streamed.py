"""Text that comes as a stream, addressed by offset: going back a little is free, going back further means anew."""

from collections.abc import Callable

from service.sources.compressed import CorruptArchiveError, Stream
from service.sources.lines import READ_BYTES


class StreamedText:
    """Keeps the text from the last offset asked for on. Memory: what one read asks for, and what the stream needs.

    ``begin`` gives the stream from its start; it is called again only if an earlier offset is asked for.
    """

    def __init__(self, begin: Callable[[], Stream]) -> None:
        self._begin = begin
        self.restart()

    def restart(self) -> None:
        self.damage = ""
        """Why the text ends before its end; empty if it does not."""
        self._stream = self._begin()
        self._start = 0  # offset of the buffer's first byte
        self._buffer = bytearray()
        self._has_ended = False

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from ``offset``, fewer only where the text ends for now."""
        if offset < self._start:
            self.restart()
        self._has_ended = False
        while not (self._has_ended or self.damage):
            behind = min(offset - self._start, len(self._buffer))
            if behind > 0:
                del self._buffer[:behind]
                self._start += behind
            missing = offset + size - self._start - len(self._buffer)
            if missing <= 0:
                break
            self._pull(min(missing, READ_BYTES))
        at = max(0, offset - self._start)
        return bytes(self._buffer[at : at + size])

    @property
    def is_complete(self) -> bool:
        """Whether the text is known to have ended: at the end of its archive, or where that is damaged."""
        return bool(self.damage) or (self._has_ended and self._stream.complete)

    @property
    def is_cut_off(self) -> bool:
        """Whether the input ended before the archive did."""
        return self._has_ended and not self._stream.complete

    def _pull(self, size: int) -> None:
        try:
            text = self._stream.read(size)
        except CorruptArchiveError as error:
            self.damage = str(error)
            return
        self._buffer += text
        self._has_ended = not text
