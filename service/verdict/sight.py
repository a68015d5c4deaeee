"""How far each stream has been seen: what clears a hop, and what leaves a verdict provisional."""

import msgspec


class Sight(msgspec.Struct):
    """One stream as far as it has been read."""

    lines: int = 0
    first_at: float | None = None
    """Event time of its first record."""
    watermark: float | None = None
    """Event time up to which all its files have been read; None: nothing with a time yet."""
    ended: bool = False
    """Nothing more will come: the end of a scan."""
    blind: str | None = None
    """Why its format cannot show handshake failures as configured or seen; None if it can."""
