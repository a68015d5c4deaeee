"""One envelope taken off."""

import msgspec


class Layer(msgspec.Struct, gc=False):
    """What one envelope held, and what it told about it."""

    name: str
    text: bytes
    time: float | None = None
    resolution: float = 1.0
    program: bytes = b""
    stream: bytes = b""
    partial: bool = False
    holds_pieces: bool = False
    """Whether this envelope splits long lines (CRI, Docker)."""
