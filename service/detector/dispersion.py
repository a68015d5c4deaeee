"""How much a key's failures come in bursts: the variance of its counts per minute over what a Poisson process has."""

from math import exp
from typing import Final

import msgspec

BIN_SECONDS: Final = 60.0
MEMORY_SECONDS: Final = 12 * 3600.0
LARGEST: Final = 30.0
TAIL: Final = 1.6
"""Sizes of bursts fall off geometrically: their tail is this much heavier than their variance tells."""


class Dispersion(msgspec.Struct):
    """Index of dispersion, learnt with exponential forgetting: 1 for a Poisson process, more for bursts.

    ``excess`` adds up ``(count - mean)^2 - count`` over minutes, ``count`` the counts themselves; their ratio is the
    excess of the variance over the mean (Cox and Lewis, The Statistical Analysis of Series of Events, 1966).
    """

    excess: float = 0.0
    count: float = 0.0

    def learn(self, counts: list[float], empty: float, mean: float) -> None:
        """Minutes that held ``counts``, and ``empty`` more without any, where ``mean`` a minute was expected."""
        kept = exp(-(len(counts) + empty) * BIN_SECONDS / MEMORY_SECONDS)
        excess = empty * mean * mean
        for count in counts:
            excess += (count - mean) * (count - mean) - count
        self.excess = self.excess * kept + excess
        self.count = self.count * kept + sum(counts)

    def index(self, prior: float, weight: float) -> float:
        """Variance over mean, with the tail's weight; at least 1. The ``prior`` is worth ``weight`` failures."""
        found = (prior * weight + self.count + TAIL * self.excess) / (weight + self.count)
        return min(max(found, 1.0), LARGEST)
