"""Failures of one moment and key, taken together: everything behind the reader works on these, not on each failure.

Logs with one-second times hold many failures of one moment, so in a storm the cost of one more is two look-ups.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from parsers.failure import Failure
from service.tally import Key, address_of

PEERS: Final = 300
"""Peers told apart in one run; more are counted, not named."""
SAMPLES: Final = 5
"""Failures of one run that may become evidence."""


class Run(msgspec.Struct):
    """Failures that are alike but for their peers: same event time, key, and side that gave up."""

    time: float
    key: Key
    rejected_by: str
    resolution: float
    failures: int = 0
    peers: set[str] = set()
    """Addresses without ports, at most `PEERS`."""
    by_peer: dict[str, int] = {}
    """How many failures each of ``peers`` had."""
    samples: list[Failure] = []
    """The first `SAMPLES` of them."""


def runs(failures: Iterable[Failure]) -> list[Run]:
    """``failures`` in their order, neighbours of one time put together; those without a time are left out."""
    found: list[Run] = []
    now: float | None = None
    groups: dict[tuple[str | None, str, str, str], Run] = {}
    for failure in failures:
        time = failure.time
        if time != now:
            now = time
            groups = {}
        if time is None:
            continue
        host, direction, reason, rejected_by = failure.host, failure.direction, failure.reason, failure.rejected_by
        group = (host, direction, reason, rejected_by)
        run = groups.get(group)
        if run is None:
            run = Run(time, Key(host, direction, reason), rejected_by, failure.resolution)
            groups[group] = run
            found.append(run)
        run.failures += failure.count
        by_peer = run.by_peer
        if (peer := failure.peer) is not None and (len(by_peer) < PEERS or peer in by_peer):
            by_peer[peer] = by_peer.get(peer, 0) + 1
        if failure.other_peers:
            for peer, count in failure.other_peers.items():
                if len(by_peer) < PEERS or peer in by_peer:
                    by_peer[peer] = by_peer.get(peer, 0) + count
        if len(run.samples) < SAMPLES:
            run.samples.append(failure)
    for run in found:
        by_peer = {}
        for peer, count in run.by_peer.items():
            address = address_of(peer)
            by_peer[address] = by_peer.get(address, 0) + count
        run.by_peer, run.peers = by_peer, set(by_peer)
    return found
