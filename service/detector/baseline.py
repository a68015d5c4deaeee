"""A key's normal rate, learnt with exponential forgetting and a Gamma prior."""

from math import exp
from typing import Final

import msgspec

MEMORY_SECONDS: Final = 3600.0
"""Time constant of forgetting: the normal is about the last hour's."""


class Baseline(msgspec.Struct):
    """Posterior mean of a Poisson rate: (prior count + count) / (prior weight + time), both sides decaying.

    Gamma-Poisson conjugacy (Gelman et al., Bayesian Data Analysis, section 2.6). O(1) state and cost.
    """

    prior_rate: float
    prior_weight: float
    count: float = 0.0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Failures per second held for normal; never 0."""
        return (self.prior_rate * self.prior_weight + self.count) / (self.prior_weight + self.seconds)

    def learn(self, count: float, seconds: float) -> None:
        """``count`` failures, spread over ``seconds`` that ended just now, were normal."""
        if seconds <= 0:
            self.count += count
            return
        kept = exp(-seconds / MEMORY_SECONDS)
        remembered = MEMORY_SECONDS * (1.0 - kept)
        self.count = self.count * kept + count * remembered / seconds
        self.seconds = self.seconds * kept + remembered
