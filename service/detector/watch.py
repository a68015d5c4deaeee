"""One key under watch: Poisson CUSUMs for several suspected rates, its normal, and its spike while one lasts.

For normal rate l0 and suspected rate l1, on n failures after dt seconds:
``S = max(0, S - (l1 - l0) * dt) + n * ln(l1 / l0)``; alarm at ``S > h``; the onset is the first failure after S last
was 0 (Lorden 1971; Moustakides 1986; for Poisson counts Lucas 1985). exp(S) is a martingale under l0, so an excursion
passes h with probability at most exp(-h) (Ville), and there are at most l0 excursions a second: that gives h from the
wanted false alarms per week. Cost: O(1) a failure, a few hundred bytes a key.
"""

from math import log, sqrt
from typing import Final

import msgspec

from service.detector.baseline import Baseline
from service.detector.options import WEEK_SECONDS, DetectorOptions
from service.detector.prior import is_noise_at_first_sight, prior_of
from service.detector.spike import PEERS_EXACT, Spike

RATIOS: Final = (3.0, 12.0)
"""Suspected rises, side by side: a small one that lasts, and a large one at once."""
LARGEST_RATIO: Final = 30.0
"""One failure never proves more than this likelihood ratio: a first failure ever is no outage."""
LEAST_STRONG_RATE: Final = 0.3
BECOMES_NORMAL_SECONDS: Final = 86_400.0
LONGEST_END_WINDOW_SECONDS: Final = 1800.0


class Excursion(msgspec.Struct):
    """One CUSUM since it last was at zero."""

    score: float = 0.0
    onset: float = 0.0
    failures: int = 0


class Watch(msgspec.Struct):
    """The whole state of one key; serialisable, so that a restart goes on where the last commit stood."""

    direction: str
    reason: str
    baseline: Baseline
    at: float
    """Event time up to which this state has been brought."""
    low: Excursion
    high: Excursion
    pending: int = 0
    """Failures since ``pending_since`` that are not learnt yet, as they may be the start of a spike."""
    pending_since: float = 0.0
    second: int = 0
    in_second: int = 0
    rejected_by: dict[str, int] = {}
    peers: set[str] = set()
    spike: Spike | None = None
    recent: list[tuple[float, int]] = []
    """(time, failures) within the end window; only while a spike lasts."""
    in_recent: int = 0

    def observe(self, time: float, failures: int, rejected_by: str, peers: set[str], options: DetectorOptions) -> bool:
        """``failures`` at one event time. True if they raise the alarm: ask `raised` next.

        Late failures (before `at`) count as if they came now: an alarm is never withdrawn, and never early.
        """
        if self.spike is not None:
            self._grow(time, failures, rejected_by, peers)
            return False
        now = max(time, self.at)
        rate = self.baseline.rate
        gap = now - self.at
        prior = prior_of(self.direction, self.reason)
        quiet = True
        alarm = False
        threshold = self._threshold(rate, options)
        for excursion, ratio, least in (
            (self.low, RATIOS[0], prior.least_rate),
            (self.high, RATIOS[1], LEAST_STRONG_RATE),
        ):
            suspected = max(rate * ratio, least)
            score = excursion.score - (suspected - rate) * gap / prior.dispersion
            if score <= 0.0:
                score = 0.0
                excursion.onset = time
                excursion.failures = 0
            else:
                quiet = False
                excursion.onset = min(excursion.onset, time)
            score += failures * log(min(suspected / rate, LARGEST_RATIO)) / prior.dispersion
            excursion.score = score
            excursion.failures += failures
            if score > threshold and excursion.failures >= options.least_failures:
                alarm = True
        if quiet:
            self._learn(now)
        self.at = now
        self.pending += failures
        self._remember(rejected_by, failures, peers)
        second = int(now)
        if second != self.second:
            self.second, self.in_second = second, 0
        self.in_second += failures
        return alarm

    def raised(
        self, stream: str, host: str | None, first_seen: float, resolution: float, options: DetectorOptions
    ) -> Spike | None:
        """Turns the alarm into a spike; None if it is the level of noise that was there at first sight."""
        threshold = self._threshold(self.baseline.rate, options)
        excursion = max(
            (e for e in (self.low, self.high) if e.score > threshold),
            key=lambda e: (e.failures, -e.onset),
            default=self.low,
        )
        onset = excursion.onset
        span = max(self.at - onset, resolution)
        mean_gap = span / max(excursion.failures - 1, 1)
        first_sight = onset - first_seen <= max(mean_gap, resolution)
        if is_noise_at_first_sight(self.direction, self.reason) and onset - first_seen < options.window:
            self.baseline.prior_rate = max(self.baseline.prior_rate, excursion.failures / span)
            self.calm(self.at)
            return None
        self.spike = Spike(
            stream=stream,
            host=host,
            direction=self.direction,
            reason=self.reason,
            onset=onset,
            onset_earliest=None if first_sight else onset - max(mean_gap, resolution),
            onset_latest=onset + resolution,
            detected_at=self.at,
            failures=excursion.failures,
            last_at=self.at,
            peak_per_second=float(self.in_second),
            baseline_per_second=self.baseline.rate,
            rejected_by=dict(self.rejected_by),
            who_rejected=max(sorted(self.rejected_by), key=self.rejected_by.__getitem__),
            peers=set(self.peers),
        )
        self.recent = [(self.at, excursion.failures)]
        self.in_recent = excursion.failures
        return self.spike

    def advance(self, time: float, options: DetectorOptions) -> Spike | None:
        """The stream's clock reached ``time``: the spike that ended on the way, or None.

        A spike ends when a window held no more failures than the normal rate explains (mean + 2 sigma). The window is
        ``options.window``, longer for a sparse spike: time for `least_failures` of it, half an hour at most.
        """
        spike = self.spike
        if spike is None:
            return None
        rate = spike.baseline_per_second
        width = self._end_window(spike, options)
        limit = rate * width + 2.0 * sqrt(rate * width)
        limit = limit if rate * width >= 1.0 else 0.0
        while self.recent and self.recent[0][0] + width <= time:
            left_at, failures = self.recent.pop(0)
            self.in_recent -= failures
            if self.in_recent <= limit:
                spike.ended_at = spike.last_at if limit == 0.0 else left_at
                spike.over_at = left_at + width
                self.spike = None
                self.calm(spike.over_at)
                return spike
        if time - spike.onset >= BECOMES_NORMAL_SECONDS:
            spike.ended_at = spike.last_at
            spike.over_at = spike.onset + BECOMES_NORMAL_SECONDS
            spike.became_normal = True
            self.baseline.learn(spike.failures, time - spike.onset)
            self.spike = None
            self.calm(max(self.at, spike.over_at))
            return spike
        return None

    def calm(self, now: float) -> None:
        """Starts over: nothing rising, nothing pending; the normal stays as learnt."""
        self.low, self.high = Excursion(), Excursion()
        self.pending, self.pending_since, self.at = 0, now, now
        self.recent, self.in_recent = [], 0
        self.rejected_by, self.peers = {}, set()

    def _grow(self, time: float, failures: int, rejected_by: str, peers: set[str]) -> None:
        spike = self.spike
        assert spike is not None  # noqa: S101 - the caller just looked
        now = max(time, self.at)
        spike.failures += failures
        spike.last_at = max(spike.last_at, time)
        second = int(now)
        if second != self.second:
            self.second, self.in_second = second, 0
        self.in_second += failures
        spike.peak_per_second = max(spike.peak_per_second, float(self.in_second))
        spike.rejected_by[rejected_by] = spike.rejected_by.get(rejected_by, 0) + failures
        if len(spike.peers) < PEERS_EXACT:
            spike.peers |= peers
        elif peers:
            spike.peers_estimated = spike.peers_estimated or not peers <= spike.peers
        if self.recent and now - self.recent[-1][0] < 1.0:
            last, so_far = self.recent[-1]
            self.recent[-1] = (last, so_far + failures)
        else:
            self.recent.append((now, failures))
        self.in_recent += failures
        self.at = now

    def _end_window(self, spike: Spike, options: DetectorOptions) -> float:
        mean = spike.failures / max(spike.last_at - spike.onset, 1.0)
        return min(max(options.window, options.least_failures / mean), LONGEST_END_WINDOW_SECONDS)

    def _threshold(self, rate: float, options: DetectorOptions) -> float:
        excursions = max(rate * WEEK_SECONDS, 1.0) * len(RATIOS)
        return log(excursions * options.assumed_keys / options.false_alarms_per_week)

    def _learn(self, now: float) -> None:
        self.baseline.learn(self.pending, now - self.pending_since)
        self.pending = 0
        self.pending_since = now
        self.rejected_by = {}
        self.peers = set()

    def _remember(self, rejected_by: str, failures: int, peers: set[str]) -> None:
        self.rejected_by[rejected_by] = self.rejected_by.get(rejected_by, 0) + failures
        if len(self.peers) < PEERS_EXACT:
            self.peers |= peers


def new_watch(direction: str, reason: str, seen_since: float) -> Watch:
    """A key met for the first time on a stream that has been read since ``seen_since``: all of that time held none."""
    prior = prior_of(direction, reason)
    return Watch(
        direction=direction,
        reason=reason,
        baseline=Baseline(prior_rate=prior.rate, prior_weight=prior.weight),
        at=seen_since,
        low=Excursion(),
        high=Excursion(),
        pending_since=seen_since,
    )
