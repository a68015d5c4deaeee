"""What a server's own record adds to what its TLS library said; `app` puts the two together."""

from typing import Final, Literal

import msgspec

from parsers.vocabulary import Direction, RejectedBy


class Heard(msgspec.Struct, frozen=True):
    """Leg, far end and, where the server knows better than its library, the reason."""

    direction: Direction
    message: bytes
    peer: str | None = None
    host: str | None = None
    reason: str | None = None
    """None: the lexicon's."""
    rejected_by: RejectedBy | None = None
    alert: int | None = None
    time: float | None = None
    """Epoch seconds, where the record's time is one that only its server's reader understands."""


NOT_MINE: Final = "not mine"
"""The record is none of this server's, so others may read it; None is silence: it is, and nothing failed."""

Answer = Heard | None | Literal["not mine"]
