"""What all keys of one leg of a stream have in common: how many peers it shows, and how bursty its failures are."""

from typing import Final

import msgspec

from service.detector.dispersion import Dispersion

MANY_PEERS: Final = 24
"""Distinct peers in a day from which on a leg counts as one with many clients."""
MOST_PEERS: Final = 64
DAY_SECONDS: Final = 86_400.0
POOLED_WEIGHT: Final = 50.0
"""Failures that the prior is worth against the leg's own history of bursts."""


class Leg(msgspec.Struct):
    """One direction of one stream."""

    peers: set[str] = set()
    """Seen since ``since``; at most `MOST_PEERS`."""
    before: int = 0
    """How many were seen in the day before."""
    since: float = 0.0
    bursts: Dispersion = msgspec.field(default_factory=Dispersion)
    later: list[tuple[list[float], float, float]] = []
    """What keys learnt in this moment; taken in when it has passed, so that their order within it does not matter."""

    @property
    def shows_many_peers(self) -> bool:
        """Whether one peer alone is noise here, a scanner or a client that tries again.

        Behind one balancer, SNAT address or CDN all clients share an address, and upstream the peer is the backend.
        """
        return max(len(self.peers), self.before) >= MANY_PEERS

    def meet(self, time: float, peers: set[str]) -> None:
        if time - self.since >= DAY_SECONDS:
            self.before = len(self.peers) if time - self.since < 2.0 * DAY_SECONDS else 0
            self.peers, self.since = set(), time
        if len(self.peers) < MOST_PEERS:
            self.peers |= peers

    def learn_later(self, minutes: list[float], empty: float, mean: float) -> None:
        self.later.append((minutes, empty, mean))

    def settle(self) -> None:
        for minutes, empty, mean in self.later:
            self.bursts.learn(minutes, empty, mean)
        self.later.clear()

    def dispersion(self, prior: float) -> float:
        return self.bursts.index(prior, POOLED_WEIGHT)
