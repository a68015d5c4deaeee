"""Which file is which: a file is its content's head and its inode, never its name.

Names move at rotation and inodes are used again, so neither is trusted alone: what was hashed of a file
must still be there when reading goes on.
"""

import re
from functools import lru_cache
from hashlib import blake2b
from pathlib import PurePath
from typing import Final

import msgspec

HEAD_BYTES: Final = 1024
"""Most of a file's head that is hashed; a shorter file is hashed whole, and again as it grows."""
TAIL_BYTES: Final = 256
"""Most of what was read last that is hashed: tells files apart that begin alike."""

_PACKED: Final = re.compile(r"(?:\.(?:gz|zst|tmp|part))+\Z", re.IGNORECASE)
_DATE: Final = re.compile(r"[-._]\d{6,}(?:[-._]?\d+)*")
_NUMBER: Final = re.compile(r"(?:[-._]\d+)+\Z")


class Fingerprint(msgspec.Struct, frozen=True):
    """Hash of ``length`` bytes; of none, it says nothing and matches everything."""

    length: int = 0
    digest: str = ""

    @classmethod
    def of(cls, content: bytes) -> "Fingerprint":
        return cls(len(content), blake2b(content, digest_size=12).hexdigest()) if content else cls()

    def matches(self, content: bytes) -> bool:
        """Whether ``content`` begins with what was hashed."""
        if len(content) < self.length:
            return False
        return self.length == 0 or blake2b(content[: self.length], digest_size=12).hexdigest() == self.digest


class Position(msgspec.Struct, omit_defaults=True):
    """How far one file was read, and how to know it again. Stored as JSON.

    Offsets count bytes of text: of a compressed file, bytes after decompression.
    """

    path: str
    """Where it was last seen."""
    device: int
    inode: int
    head: Fingerprint
    offset: int
    """Where reading goes on."""
    tail: Fingerprint = Fingerprint()
    """Of what was read last, before ``tail_end``."""
    tail_end: int = 0
    size: int = 0
    """Last known size, in bytes of text; what lies between ``offset`` and it is lost if the file is."""
    skipping: bool = False
    """True in the rest of a line that was cut for its length."""
    rotated: bool = False
    """True once another file took its name: its half-written last line will not be finished."""
    done: bool = False
    """True if it was read to its end and nothing more can come."""
    departed: float | None = None
    """Epoch seconds at which it was gone; remembered for a while, since a copy or an archive of it may turn up."""

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


def decode(stored: bytes) -> Position | None:
    """The stored position; None for what is none (written by a version that kept something else)."""
    try:
        return msgspec.json.decode(stored, type=Position)
    except msgspec.DecodeError:
        return None


def log_of(path: str) -> str:
    """The log that a file is a rotation of: directory and `stem`."""
    return str(PurePath(path).parent / stem(path))


@lru_cache(maxsize=16_384)
def stem(path: str) -> str:
    """The name a log keeps through its rotations, without directory.

    >>> stem("/var/log/error.log.2.gz"), stem("error.log-20261120"), stem("error-20261120.log"), stem("app-1.log")
    ('error.log', 'error.log', 'error.log', 'app-1.log')
    """
    name = PurePath(path).name
    kept = _NUMBER.sub("", _DATE.sub("", _PACKED.sub("", name)))
    return kept or name
