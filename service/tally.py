"""Failures added up per second and key; tallies merge, so they may come from a thread, a replica or a batch job."""

from collections.abc import Iterable
from math import floor
from typing import NamedTuple

import msgspec

from parsers.failure import Failure


class Key(NamedTuple):
    """What a spike is about, within one stream; None stands for "not in the records"."""

    host: str | None
    direction: str
    reason: str


class Tally(msgspec.Struct):
    """Counts of one stream's failures by event second and key, and by minute and peer.

    A record without any time is in ``untimed``, never in ``seconds``: it is counted, not charted.
    """

    seconds: dict[tuple[int, Key], int] = {}
    untimed: dict[Key, int] = {}
    peers: dict[tuple[int, str], int] = {}
    """(minute as epoch second, address without port) -> failures; the store bounds it."""

    def add(self, failures: Iterable[Failure]) -> None:
        """Counts each failure once. Cost: two dict updates each."""
        seconds, untimed, peers = self.seconds, self.untimed, self.peers
        for failure in failures:
            key = Key(failure.host, failure.direction, failure.reason)
            time = failure.time
            if time is None:
                untimed[key] = untimed.get(key, 0) + 1
                continue
            second = floor(time)
            cell = (second, key)
            seconds[cell] = seconds.get(cell, 0) + 1
            if failure.peer is not None:
                seen = (second - second % 60, address_of(failure.peer))
                peers[seen] = peers.get(seen, 0) + 1

    def merge(self, other: "Tally") -> None:
        for mine, theirs in (
            (self.seconds, other.seconds),
            (self.untimed, other.untimed),
            (self.peers, other.peers),
        ):
            for key, count in theirs.items():  # type: ignore[attr-defined]
                mine[key] = mine.get(key, 0) + count  # type: ignore[attr-defined]

    def __bool__(self) -> bool:
        return bool(self.seconds or self.untimed)


def address_of(peer: str) -> str:
    """The peer without its port: ``192.0.2.1:443`` and ``[2001:db8::1]:443`` lose it, bare IPv6 stays.

    >>> address_of("192.0.2.1:443"), address_of("[2001:db8::1]:443"), address_of("2001:db8::1")
    ('192.0.2.1', '2001:db8::1', '2001:db8::1')
    """
    head, colon, _ = peer.rpartition(":")
    if not colon:
        return peer
    if head.startswith("["):
        return head[1:-1]
    return peer if ":" in head else head
