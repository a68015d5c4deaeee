"""What fails in a healthy installation: each kind yields (time, host, peer) of one reason on one leg.

Everything is drawn event by event from a seeded generator, so an hour costs what happens in it, not its seconds.
"""

import random
from collections.abc import Callable, Iterator
from math import cos, log, pi

import msgspec

DAY_SECONDS = 86_400.0

Peers = Callable[[random.Random], str | None]


class Load(msgspec.Struct, frozen=True):
    """Day and night: traffic swings by ``swing`` around its mean, its peak at ``peak``."""

    swing: float = 0.0
    peak: float = 0.0

    def at(self, time: float) -> float:
        return 1.0 + self.swing * cos(2.0 * pi * (time - self.peak) / DAY_SECONDS)


class Steady(msgspec.Struct, frozen=True):
    """Independent failures, as a Poisson process that follows the load."""

    rate: float

    def times(self, rng: random.Random, start: float, end: float, load: Load) -> Iterator[tuple[float, bool]]:
        """(time, whether it comes from the same peer as the one before)."""
        for time in poisson(rng, self.rate * (1.0 + load.swing), start, end):
            if rng.random() * (1.0 + load.swing) < load.at(time):
                yield time, False


class Bursty(msgspec.Struct, frozen=True):
    """Over-dispersed: failures come in groups of ``size`` on average, spread over some ``spread`` seconds."""

    rate: float
    size: float
    spread: float
    one_peer: bool = False
    """Whether a group is one client that tries again."""

    def times(self, rng: random.Random, start: float, end: float, load: Load) -> Iterator[tuple[float, bool]]:
        groups = self.rate / self.size
        for first in poisson(rng, groups * (1.0 + load.swing), start, end):
            if rng.random() * (1.0 + load.swing) >= load.at(first):
                continue
            yield first, False
            for offset in sorted(rng.expovariate(1.0 / self.spread) for _ in range(geometric(rng, self.size) - 1)):
                if first + offset < end:
                    yield first + offset, self.one_peer


class Periodic(msgspec.Struct, frozen=True):
    """A health check: one peer, every ``period`` seconds, give or take a little."""

    period: float
    jitter: float = 0.05

    @property
    def rate(self) -> float:
        return 1.0 / self.period

    def times(self, rng: random.Random, start: float, end: float, load: Load) -> Iterator[tuple[float, bool]]:
        time = start + rng.uniform(0.0, self.period)
        same = False
        while time < end:
            yield time, same
            same = True
            time += self.period * (1.0 + rng.uniform(-self.jitter, self.jitter))


Process = Steady | Bursty | Periodic


class Noise(msgspec.Struct, frozen=True):
    """One process on one key of one stream, from ``start`` to ``end``."""

    stream: str
    hosts: tuple[str | None, ...]
    direction: str
    reason: str
    process: Process
    start: float
    end: float
    normal: bool = True
    """Part of the key's normal; False: an episode (a scanner, a stubborn client)."""


def poisson(rng: random.Random, rate: float, start: float, end: float) -> Iterator[float]:
    if rate <= 0.0:
        return
    time = start
    while (time := time + rng.expovariate(rate)) < end:
        yield time


def geometric(rng: random.Random, mean: float) -> int:
    """At least 1, ``mean`` on average."""
    if mean <= 1.0:
        return 1
    return 1 + int(log(1.0 - rng.random()) / log(1.0 - 1.0 / mean))


def log_uniform(rng: random.Random, low: float, high: float) -> float:
    return float(low * (high / low) ** rng.random())
