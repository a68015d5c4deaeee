"""One failure that two logs of one server tell counts once.

nginx's error log and its access log (495, 496, 497), Envoy's application log and its access log: if both run
through one stream, each failure comes twice, in either order, from files that are read at different speeds.
Failures of one leg, one client address and one second are paired across the two channels, ports agreeing where
both logs tell one; what is left over in either channel counts. The tolerance is the second of the clock itself: a
pair that falls astride its turn counts twice (logs are written microseconds apart, so hardly ever).

How many are admitted depends on what was told, never on the order in which it came.
"""

from functools import lru_cache
from operator import itemgetter
from typing import Final

import msgspec

from parsers.failure import Failure

KEYS: Final = 10_000
"""Seconds of clients remembered, the latest by event time: a few MB at the worst."""

_Key = tuple[int, str, str]
"""Second, direction, client address."""
_SECOND: Final = itemgetter(0)


class Twins:
    """The memory of one stream. Failures of servers with one log (``channel`` empty) cost one comparison."""

    def __init__(self) -> None:
        self._seen: dict[_Key, _Seen] = {}
        self.is_changed = False
        """Whether anything was remembered since the last `dump`."""

    def admit(self, failure: Failure) -> bool:
        """Whether ``failure`` is to be counted: False if the server's other log told it already.

        Without a time or a peer there is nothing to pair it by: it is always counted.
        """
        channel = failure.channel
        if not channel:
            return True
        time, peer = failure.time, failure.peer
        if time is None or peer is None:
            return True
        address, port = _split(peer)
        self.is_changed = True
        key = (int(time // 1), failure.direction, address)
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen()
            if len(self._seen) > KEYS + KEYS // 4:
                self._forget()
        return seen.add(channel == "access", port)

    def dump(self) -> bytes:
        """The memory, to be stored in the transaction that stores the counts."""
        self.is_changed = False
        return msgspec.msgpack.encode([(*key, seen) for key, seen in self._seen.items()])

    def load(self, dumped: bytes) -> None:
        """Takes up what `dump` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            rows = msgspec.msgpack.decode(dumped, type=list[tuple[int, str, str, _Seen]])
        except msgspec.DecodeError as error:
            raise ValueError(f"no memory of twins: {error}") from error
        self._seen = {(second, direction, address): seen for second, direction, address, seen in rows}

    def _forget(self) -> None:
        """Drops the oldest seconds. Logs come nearly in order, so the sort is nearly linear."""
        for key in sorted(self._seen, key=_SECOND)[: len(self._seen) - KEYS]:
            del self._seen[key]


class _Seen(msgspec.Struct, array_like=True):
    """What both channels told of one leg and client in one second.

    The count is that of the records less the greatest number of pairs; adding one record makes at most one more
    pair, so each record is admitted or not, and the sum does not depend on their order.
    """

    errors: int = 0
    """Records without a port in the error log."""
    accesses: int = 0
    lone_errors: int = 0
    """Records with a port that no record of the other channel with this port answers."""
    lone_accesses: int = 0
    ports: dict[str, int] | None = None
    """Port -> records in the error log less those in the access log."""

    def add(self, is_access: bool, port: str) -> bool:
        """Whether the record makes no pair."""
        if self.ports is None and not port:  # nearly always
            if is_access:
                self.accesses += 1
                return self.accesses > self.errors
            self.errors += 1
            return self.errors > self.accesses
        before = self._pairs_without_ports()
        if not port:
            if is_access:
                self.accesses += 1
            else:
                self.errors += 1
            return self._pairs_without_ports() == before
        if self.ports is None:
            self.ports = {}
        balance = self.ports.get(port, 0)
        self.ports[port] = balance + (-1 if is_access else 1)
        pairs = 0
        if is_access:
            if balance > 0:
                self.lone_errors -= 1
                pairs = 1
            else:
                self.lone_accesses += 1
        elif balance < 0:
            self.lone_accesses -= 1
            pairs = 1
        else:
            self.lone_errors += 1
        return pairs + self._pairs_without_ports() == before

    def _pairs_without_ports(self) -> int:
        """Most pairs of which at least one side has no port (Kőnig: a least cover of the records by kinds)."""
        errors, accesses = self.errors, self.accesses
        return min(errors + self.lone_errors, accesses + self.lone_accesses, errors + accesses)


@lru_cache(maxsize=16_384)
def _split(peer: str) -> tuple[str, str]:
    """Address and port; an IPv6 address without brackets has none."""
    head, _, tail = peer.rpartition(":")
    if not head or (":" in head and not head.endswith("]")):
        return peer, ""
    return head.removeprefix("[").removesuffix("]"), tail
