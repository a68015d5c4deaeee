"""What a watch remembers of a rise while it may still come to nothing: its moments, peers, and what of it counts."""

from typing import Final

import msgspec

from service.detector.spike import PEERS_EXACT

COUNTED_PER_HOST: Final = 2
"""Failures of one host that count in a coarse watch."""
MOST_COUNTED: Final = 600
"""Peers and hosts told apart in one rise."""
MOST_MOMENTS: Final = 64


class Rise(msgspec.Struct):
    """Since both CUSUMs last were at zero. Bounded: older moments are put together when they become many."""

    moments: list[tuple[float, float, int]] = []
    """(event time, failures that count, failures), in the order of arrival."""
    rejected_by: dict[str, int] = {}
    peers: set[str] = set()
    counted: dict[str, int] = {}
    """Peers (on a leg with many) and hosts (in a coarse watch) whose failures have counted, and how often."""

    def weigh(self, failures: int, peers: set[str], many_peers: bool, host: str | None) -> float:
        """How many of them count for detection.

        On a leg of many clients each counts once in a rise; in a coarse watch (``host`` given) only the first failures
        of each host do: the rest is for the host's own watch. It does not matter how a moment's failures are grouped.
        """
        weight, counted = failures, self.counted
        if peers and many_peers:
            fresh = [peer for peer in peers if peer not in counted]
            weight = min(len(fresh), failures)
            if len(counted) < MOST_COUNTED:
                counted.update(dict.fromkeys(fresh, 1))
        if host is not None and weight:
            name = f"host {host}"
            before = counted.get(name, 0)
            weight = min(COUNTED_PER_HOST - before, weight)
            if weight and len(counted) < MOST_COUNTED:
                counted[name] = before + weight
        return float(weight)

    def add(self, time: float, weight: float, failures: int, rejected_by: str, peers: set[str]) -> None:
        self.rejected_by[rejected_by] = self.rejected_by.get(rejected_by, 0) + failures
        if len(self.peers) < PEERS_EXACT:
            self.peers |= peers
        moments = self.moments
        if moments and moments[-1][0] == time:
            moments[-1] = (time, moments[-1][1] + weight, moments[-1][2] + failures)
            return
        moments.append((time, weight, failures))
        if len(moments) > MOST_MOMENTS:
            half = MOST_MOMENTS // 2
            moments[:half] = [
                (at, one + other, some + more)
                for (at, one, some), (_, other, more) in zip(moments[:half:2], moments[1:half:2], strict=True)
            ]

    def in_order(self) -> list[tuple[float, float]]:
        """(event time, failures that count), sorted: a late record stands after those it came with.

        The moment of the alarm counts as one failure: it must not matter how far into it the log was read.
        """
        found: dict[float, float] = {}
        for at, count, _ in self.moments[:-1]:
            if count > 0.0:
                found[at] = found.get(at, 0.0) + count
        now = self.moments[-1][0]
        found[now] = found.get(now, 0.0) + 1.0
        return sorted(found.items())

    def failures_since(self, onset: float) -> int:
        return sum(failures for at, _, failures in self.moments if at >= onset)
