"""Failures added up per second and key; tallies merge, so they may come from a thread, a replica or a batch job."""

from math import floor
from typing import NamedTuple, TypeVar

import msgspec

_Cell = TypeVar("_Cell")


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

    def add(self, time: float, key: Key, failures: int) -> None:
        """``failures`` of one event time and key."""
        cell = (floor(time), key)
        self.seconds[cell] = self.seconds.get(cell, 0) + failures

    def add_peer(self, time: float, peer: str, failures: int = 1) -> None:
        """``peer`` is an address without port."""
        second = floor(time)
        seen = (second - second % 60, peer)
        self.peers[seen] = self.peers.get(seen, 0) + failures

    def merge(self, other: "Tally") -> None:
        """Adds what the other holds."""
        _merge(self.seconds, other.seconds)
        _merge(self.untimed, other.untimed)
        _merge(self.peers, other.peers)

    def __bool__(self) -> bool:
        return bool(self.seconds or self.untimed)


def _merge(mine: dict[_Cell, int], theirs: dict[_Cell, int]) -> None:
    for cell, count in theirs.items():
        mine[cell] = mine.get(cell, 0) + count


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
