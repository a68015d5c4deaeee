"""When a rise began: the most likely change point among the first failures of its excursion."""

from math import log
from typing import Final

Moment = tuple[float, float]
"""(event time, failures)"""

LEAST_FAILURES: Final = 3
"""Two gaps are the least that tells a rate."""
STEEPER: Final = 4.0
LEAST_GAIN: Final = 3.0


def likeliest_onset(rise: list[Moment], normal: float) -> tuple[float, float]:
    """(onset, failures per second since), by maximum likelihood; ``rise`` ends with the moment of the alarm.

    For a change at the k-th failure, n failures after it in t seconds: ``n * ln(l1 / l0) - (l1 - l0) * t`` with
    ``l1 = n / t`` (Hinkley 1970). The k-th itself marks the onset. At least `LEAST_FAILURES` stay in the rise.

    A few stray failures just before an outage belong to the excursion but not to the outage: if the rise itself holds
    a change to `STEEPER` times its first part's rate, with a likelihood ratio of e^`LEAST_GAIN`, that is the onset.
    """
    start, rate, _ = _change(rise, 0, normal)
    while start < len(rise) - 1:
        later, steeper, gain = _change(rise, start + 1, None, start)
        if later <= start or gain < LEAST_GAIN:
            break
        start, rate = later, steeper
    return rise[start][0], rate


def _change(rise: list[Moment], begin: int, normal: float | None, since: int = 0) -> tuple[int, float, float]:
    """(index, rate after it, log-likelihood ratio) of the likeliest change from ``begin`` on.

    ``normal`` None: the rate before it is that of the failures from ``since`` up to it.
    """
    end = rise[-1][0]
    best, chosen, rate = (float("-inf"), 0, 0.0) if normal is not None else (0.0, -1, 0.0)
    left = sum(failures for _, failures in rise[begin:])
    passed = sum(failures for _, failures in rise[since:begin])
    for index in range(begin, len(rise)):
        time, failures = rise[index]
        span = end - time
        if span <= 0.0 or (left < LEAST_FAILURES and index):
            break
        found = (left - 1.0) / span
        before = normal if normal is not None else passed / (time - rise[since][0])
        steep = 1.0 if normal is not None else STEEPER
        gain = (left - 1.0) * log(found / before) - (found - before) * span if found > steep * before else 0.0
        if gain > best:
            best, chosen, rate = gain, index, found
        left -= failures
        passed += failures
    return chosen, rate, best
