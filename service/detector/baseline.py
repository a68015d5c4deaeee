"""A key's normal rate, learnt with exponential forgetting and a Gamma prior."""

from math import exp
from typing import Final

import msgspec

MEMORY_FAILURES: Final = 300.0
"""The normal is about the last so many failures' ..."""
SHORTEST_MEMORY_SECONDS: Final = 1800.0
LONGEST_MEMORY_SECONDS: Final = 6 * 3600.0
"""... but no less than half an hour's, and no more than six hours': day and night must be followed."""


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
        memory = min(max(MEMORY_FAILURES / self.rate, SHORTEST_MEMORY_SECONDS), LONGEST_MEMORY_SECONDS)
        kept = exp(-seconds / memory)
        remembered = memory * (1.0 - kept)
        self.count = self.count * kept + count * remembered / seconds
        self.seconds = self.seconds * kept + remembered
