"""Text out of gzip and Zstandard data as a stream: bounded memory whatever the ratio, truncation noticed."""

import zlib
from collections.abc import Callable, Generator
from typing import Final, Protocol

import zstandard

Kind = str
"""``gz``, ``zst``, or "" for plain text."""

_CHUNK: Final = 128 << 10
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_MAGIC: Final = 0xFD2FB528
_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)


class CorruptArchiveError(OSError):
    """Compressed data that is damaged; what stood before the damage was delivered."""


class Stream(Protocol):
    """Text, one piece after the other."""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes of text, at least one unless the input has ended for now.

        Raises:
            CorruptArchiveError: what follows can't be decompressed.
        """
        ...

    @property
    def complete(self) -> bool:
        """Whether the input has ended where compressed data may end."""
        ...


def kind_of(head: bytes, name: str = "") -> Kind:
    """What the first bytes say; where there are too few to say anything, what the name says."""
    if head.startswith(_GZIP):
        return "gz"
    if head.startswith(_ZSTD):
        return "zst"
    if len(head) < 4:
        return "gz" if name.endswith(".gz") else "zst" if name.endswith(".zst") else ""
    return ""


def decompress(kind: Kind, read: Callable[[int], bytes]) -> Stream:
    """``read(n)`` gives at most n compressed bytes, none at the end of the input."""
    return GzipStream(read) if kind == "gz" else ZstdStream(read)


class GzipStream:
    """One or many gzip members (RFC 1952 section 2.2); zero padding after the last is ignored."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._member = zlib.decompressobj(wbits=31)
        self._input = b""
        self._begun = False  # something of the current member was read
        self._any = False

    @property
    def complete(self) -> bool:
        return self._any and not self._begun

    def read(self, size: int) -> bytes:
        while True:
            if not self._input:
                self._input = self._read(_CHUNK)
            if not self._begun:
                if self._any:
                    self._input = self._input.lstrip(b"\0")
                if not self._input:
                    return b""
                self._begun = True
            try:
                text = self._member.decompress(self._input, size)
            except zlib.error as error:
                raise CorruptArchiveError(f"damaged gzip data: {error}") from error
            ended = not self._input
            self._input = self._member.unconsumed_tail
            if self._member.eof:
                self._input = self._member.unused_data
                self._member = zlib.decompressobj(wbits=31)
                self._begun, self._any = False, True
                ended = False
            if text or ended:
                return text


class ZstdStream:
    """One or many Zstandard frames (RFC 8878 section 3); skippable frames are skipped."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._source = _Watched(read)
        self._reader = zstandard.ZstdDecompressor().stream_reader(
            self._source,  # type: ignore[arg-type]  # all it needs is read()
            read_size=_CHUNK,
            read_across_frames=True,
        )

    @property
    def complete(self) -> bool:
        return self._source.at_boundary

    def read(self, size: int) -> bytes:
        try:
            return self._reader.read(size)
        except zstandard.ZstdError as error:
            raise CorruptArchiveError(f"damaged zstd data: {error}") from error


class _Watched:
    """Follows the frames' structure as the bytes pass, for the library doesn't tell a truncated frame's end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._walk = _walk_frames()
        self._want = next(self._walk)
        self._have = b""
        self._lost = False

    @property
    def at_boundary(self) -> bool:
        return not self._lost and self._want == 4 and not self._have and self._frames_begun

    _frames_begun = False

    def read(self, size: int) -> bytes:
        data = self._read(size)
        try:
            self._follow(data)
        except StopIteration:
            self._lost = True  # no frame here: the library will say so
        return data

    def _follow(self, data: bytes) -> None:
        at = 0
        while at < len(data) and not self._lost:
            self._frames_begun = True
            if self._want < 0:  # bytes to pass over
                step = min(-self._want, len(data) - at)
                self._want += step
                at += step
                if self._want == 0:
                    self._want = self._walk.send(b"")
                continue
            taken = data[at : at + self._want - len(self._have)]
            self._have += taken
            at += len(taken)
            if len(self._have) == self._want:
                have, self._have = self._have, b""
                self._want = self._walk.send(have)


def _walk_frames() -> Generator[int, bytes, None]:
    """Asks for n bytes, or with -n to pass over n; asks for 4 at a frame's start only."""
    while True:
        magic = int.from_bytes((yield 4), "little")
        if magic in _SKIPPABLE:
            size = int.from_bytes((yield from _exactly(4)), "little")
            if size:
                yield -size
            continue
        if magic != _ZSTD_MAGIC:
            return
        descriptor = (yield 1)[0]
        single = descriptor & 0x20
        header = (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3]
        header += (1 if single else 0, 2, 4, 8)[descriptor >> 6]
        if header:
            yield -header
        last = 0
        while not last:
            block = int.from_bytes((yield 3), "little")
            last = block & 1
            size = 1 if (block >> 1) & 3 == 1 else block >> 3
            if size:
                yield -size
        if descriptor & 4:
            yield -4  # checksum


def _exactly(count: int) -> Generator[int, bytes, bytes]:
    """``count`` bytes, asked for in a way that is no frame's start."""
    first = yield 1
    rest = yield count - 1
    return first + rest
