"""One record of a bundle, with what the bundle tells about it."""

import msgspec


class Item(msgspec.Struct, gc=False):
    text: bytes
    time: float | None = None
    """Epoch seconds, by the bundle; None if it tells none."""
    resolution: float = 1.0
    program: bytes = b""
    stream: bytes = b""
    """What items must share to go on with each other."""
