"""A spike: failures of one (stream, host, direction, reason) above their own normal."""

import msgspec

PEERS_EXACT = 300
"""Peers are counted exactly up to this many; beyond it the count is a floor and says so."""


class Spike(msgspec.Struct):
    """Times are event times in epoch seconds, of the stream's own clock."""

    stream: str
    host: str | None
    direction: str
    reason: str
    onset: float
    """First failure of the rise: the first after the CUSUM last was at zero."""
    onset_earliest: float | None
    """Lower end of the interval in which it began; None: already under way when the stream was first seen."""
    onset_latest: float
    detected_at: float
    ended_at: float | None = None
    """Last failure above normal; None while it lasts."""
    over_at: float | None = None
    """When a whole window back at normal had proved the end; None while it lasts."""
    became_normal: bool = False
    failures: int = 0
    last_at: float = 0.0
    peak_per_second: float = 0.0
    baseline_per_second: float = 0.0
    rejected_by: dict[str, int] = {}
    who_rejected: str = "unknown"
    """Who gave up in most of the failures that raised it; fixed then, as blame and joining rest on it."""
    peers: set[str] = set()
    peers_estimated: bool = False
    withdrawn: bool = False
    """A coarse spike that finer ones came to explain."""

    @property
    def id(self) -> tuple[str, str, str, str, float]:
        """Never changes: key and onset."""
        return (self.stream, self.host or "", self.direction, self.reason, self.onset)
