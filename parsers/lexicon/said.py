"""What the TLS stack inside a record said, resolved from the ids of the lexicon entries that matched it."""

import msgspec

from parsers.vocabulary import Direction, RejectedBy


class Said(msgspec.Struct, frozen=True):
    """The winning meaning of one record's lexicon matches, before the format adds the leg.

    Memoised per tuple of pattern ids (and packed code), so it is shared: never change one.
    """

    reason: str
    rejected_by: RejectedBy
    rank: int
    """1 a certificate fact .. 6 a wrapper that says only *that* it failed; 9: nothing a stack said (a mere trigger)."""
    alert: int | None = None
    code: str | None = None
    leg: Direction | None = None
    """Which leg the texts speak of (``SSL_connect``: upstream, ``SSL_accept``: downstream); None if none tells."""
    ids: tuple[int, ...] = ()
    """Every matching entry, in the order of their place in the record."""
    winner: int = -1
    """Id of the entry that decided."""
    is_failure: bool = True
    """False where the only texts are ones that accompany success or start-up."""
