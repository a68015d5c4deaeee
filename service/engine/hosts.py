"""Which hosts get a metric series of their own: bounded, and never taken back."""

from typing import Final

import msgspec

OTHER: Final = "__other__"
UNKNOWN: Final = "__unknown__"


class HostSeries(msgspec.Struct):
    """Failures by host label of one stream; a host counts from its admission on, nothing moves between series.

    The first half of the places goes to whoever fails first. The second half must be earned by failing in
    `LEAST_SECONDS` different seconds, so a million names that come once cannot take it from the quiet, legitimate ones.
    """

    counts: dict[str, int] = {}
    folded: int = 0
    """Failures counted under ``__other__`` as their host had no series."""
    waiting: dict[str, list[int]] = {}
    """Host -> [seconds in which it failed, the last of them]; bounded, the oldest go."""

    def label(self, host: str | None, second: int, limit: int) -> str:
        """The label under which a failure of ``host`` counts."""
        if host is None:
            return UNKNOWN
        if host in self.counts:
            return host
        admitted = len(self.counts)
        if admitted < limit // 2:
            return host
        if admitted < limit and self._earned(host, second):
            del self.waiting[host]
            return host
        return OTHER

    def add(self, host: str | None, second: int, failures: int, limit: int) -> str:
        label = self.label(host, second, limit)
        self.counts[label] = self.counts.get(label, 0) + failures
        if label == OTHER:
            self.folded += failures
        return label

    def _earned(self, host: str, second: int) -> bool:
        seen = self.waiting.get(host)
        if seen is None:
            if len(self.waiting) >= MOST_WAITING:
                self.waiting.pop(next(iter(self.waiting)))
            seen = self.waiting[host] = [0, -1]
        if second != seen[1]:
            seen[0] += 1
            seen[1] = second
        return seen[0] >= LEAST_SECONDS


LEAST_SECONDS: Final = 10
MOST_WAITING: Final = 2_000
