"""One key under watch: Poisson CUSUMs for several suspected rates, its normal, and its spike while one lasts.

For normal rate l0 and suspected rate l1, on n failures after dt seconds:
``S = max(0, S - (l1 - l0) * dt / d) + n * ln(l1 / l0) / d``; alarm at ``S > h`` (Lorden 1971; Moustakides 1986; for
Poisson counts Lucas 1985). ``d`` is the index of dispersion: where failures come in bursts of d, each proves a d-th
(quasi-likelihood, McCullagh and Nelder 1989, chapter 9). exp(S) is a martingale under l0, so an excursion passes h with
a probability of about exp(-h) (Ville), and there are at most l0 excursions a second: that gives h from the wanted false
alarms per week. Cost: O(1) a failure, some hundred bytes a key.
"""

from math import exp, log, sqrt
from typing import Final

import msgspec

from service.detector.baseline import Baseline
from service.detector.dispersion import BIN_SECONDS, Dispersion
from service.detector.leg import Leg
from service.detector.onset import likeliest_onset
from service.detector.options import WEEK_SECONDS, DetectorOptions
from service.detector.prior import is_noise_at_first_sight, is_noisy, prior_of
from service.detector.rise import Rise
from service.detector.spike import PEERS_EXACT, Spike

RATIOS: Final = (4.0, 12.0)
"""Suspected rises, side by side: a small one that lasts, and a large one at once."""
LARGEST_RATIO: Final = 30.0
"""One failure never proves more than this likelihood ratio: a first failure ever is no outage."""
LEAST_STRONG_RATE: Final = 0.3
BECOMES_NORMAL_SECONDS: Final = 86_400.0
LONGEST_END_WINDOW_SECONDS: Final = 1800.0
BLIP_SECONDS: Final = 60.0
BLIP_FAILURES: Final = 40
"""A spike no longer and no larger than this was a burst: the key's next one of its size is no news."""
PATIENCE_PER_BLIP: Final = 0.5
PATIENCE_SECONDS: Final = 86_400.0
OWN_WEIGHT: Final = 5.0
"""Failures that the leg's dispersion is worth against the key's own history of bursts."""
LONGEST_RISE_SECONDS: Final = 1800.0
"""A rise that came to nothing in this time is the normal."""
LEARNT_FROM_SPIKE: Final = 3.0
"""A spike that ended is learnt as if it had been at most so many times the normal: a level that keeps coming back is
learnt within a few of them, one outage hardly moves the normal."""
MOST_MINUTES: Final = 64
ONSET_GAPS: Final = 2.0
"""The true beginning lies within this many mean gaps before the first failure, in 6 cases out of 7."""


class Excursion(msgspec.Struct):
    """One CUSUM since it last was at zero."""

    score: float = 0.0
    failures: float = 0.0


class Watch(msgspec.Struct):
    """The whole state of one key; serialisable, so that a restart goes on where the last commit stood."""

    direction: str
    reason: str
    baseline: Baseline
    at: float
    """Event time up to which this state has been brought."""
    low: Excursion
    high: Excursion
    bursts: Dispersion = msgspec.field(default_factory=Dispersion)
    pending: float = 0.0
    """Failures since ``pending_since`` that are not learnt yet, as they may be the start of a spike."""
    pending_since: float = 0.0
    minute: int = 0
    in_minute: float = 0.0
    minutes: list[float] = []
    """Counts of whole minutes that are not learnt yet, for the same reason."""
    learnt_minute: int = -1
    """Minutes up to this one are learnt; -1: nothing yet."""
    second: int = 0
    in_second: int = 0
    rise: Rise = msgspec.field(default_factory=Rise)
    settled_at: float | None = None
    """The moment in which a level was taken for the normal: the rest of that moment is part of it."""
    blips: float = 0.0
    """Spikes that were no more than a burst, forgotten within a day or so."""
    blip_at: float = 0.0
    spike: Spike | None = None
    recent: list[tuple[float, int]] = []
    """(time, failures) within the end window; only while a spike lasts."""
    in_recent: int = 0

    def observe(
        self,
        time: float,
        failures: int,
        rejected_by: str,
        peers: set[str],
        leg: Leg,
        options: DetectorOptions,
        host: str | None = None,
    ) -> bool:
        """``failures`` at one event time. True if they raise the alarm: ask `raised` next.

        ``host`` is given to a coarse watch: which of its hosts they are of.

        Late failures (before `at`) count as if they came now: an alarm is never withdrawn, and never early.
        """
        if self.spike is not None:
            self._grow(time, failures, rejected_by, peers)
            return False
        if time == self.settled_at:
            return False
        now = max(time, self.at)
        rate = self.baseline.rate
        gap = now - self.at
        prior = prior_of(self.direction, self.reason)
        dispersion = self._dispersion(leg)
        low_rate, high_rate = max(rate * RATIOS[0], prior.least_rate), max(rate * RATIOS[1], LEAST_STRONG_RATE)
        low = max(self.low.score - (low_rate - rate) * gap / dispersion, 0.0)
        high = max(self.high.score - (high_rate - rate) * gap / dispersion, 0.0)
        if self.rise.moments and now - self.rise.moments[0][0] > LONGEST_RISE_SECONDS:
            low = high = 0.0
        if low <= 0.0:
            self.low.failures = 0.0
            if high <= 0.0:
                self._learn(now, leg)
                rate = self.baseline.rate
        if high <= 0.0:
            self.high.failures = 0.0
        weight = self.rise.weigh(failures, peers, leg.shows_many_peers, host)
        self.low.score = low + weight * log(min(low_rate / rate, LARGEST_RATIO)) / dispersion
        self.high.score = high + weight * log(min(high_rate / rate, LARGEST_RATIO)) / dispersion
        self.low.failures += weight
        self.high.failures += weight
        self.at = now
        self.pending += weight
        self.rise.add(time, weight, failures, rejected_by, peers)
        self._count_minute(now, weight, failures)
        return self._is_alarm(rate, options)

    def raised(
        self, stream: str, host: str | None, first_seen: float, resolution: float, options: DetectorOptions
    ) -> Spike | None:
        """Turns the alarm into a spike.

        None if too little of the rise lies past its onset (the next failure asks again), or if it is the level of
        noise that was there at first sight.
        """
        rate = self.baseline.rate
        onset, risen = likeliest_onset(self.rise.in_order(), rate)
        failures = self.rise.failures_since(onset)
        if failures < options.least_failures:
            return None
        span = max(self.at - onset, resolution)
        mean_gap = 1.0 / risen if risen > 0.0 else span / max(failures - 1, 1)
        first_sight = onset - first_seen <= max(mean_gap, resolution)
        level = risen or options.least_failures / span
        if is_noise_at_first_sight(self.direction, self.reason, level, onset - first_seen, options.window):
            self.baseline.prior_rate = max(self.baseline.prior_rate, level)
            self.settled_at = self.rise.moments[-1][0]
            self.calm(self.at)
            return None
        self.spike = Spike(
            stream=stream,
            host=host,
            direction=self.direction,
            reason=self.reason,
            onset=onset,
            onset_earliest=None if first_sight else onset - max(ONSET_GAPS * mean_gap, resolution),
            onset_latest=onset + resolution,
            detected_at=self.at,
            failures=failures,
            last_at=self.at,
            peak_per_second=float(self.in_second),
            baseline_per_second=rate,
            rejected_by=dict(self.rise.rejected_by),
            who_rejected=max(sorted(self.rise.rejected_by), key=self.rise.rejected_by.__getitem__),
            peers=set(self.rise.peers),
        )
        self.recent = [(self.at, failures)]
        self.in_recent = failures
        self.rise = Rise()
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
                if spike.last_at - spike.onset <= BLIP_SECONDS and spike.failures <= BLIP_FAILURES:
                    self.bursts.learn([float(spike.failures)], 0.0, rate * BIN_SECONDS)
                    self.blips = 1.0 + self.blips * exp(-max(spike.over_at - self.blip_at, 0.0) / PATIENCE_SECONDS)
                    self.blip_at = spike.over_at
                lasted = max(spike.over_at - spike.onset, 1.0)
                self.baseline.learn(min(float(spike.failures), LEARNT_FROM_SPIKE * rate * lasted), lasted)
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

    def take_normal_of(self, other: "Watch") -> None:
        """Begins with the normal that another watch has learnt; the two go their own ways from here on."""
        copied = msgspec.msgpack.decode(msgspec.msgpack.encode(other), type=Watch)
        self.baseline, self.bursts = copied.baseline, copied.bursts
        self.calm(other.at)

    def calm(self, now: float) -> None:
        """Starts over: nothing rising, nothing pending; the normal stays as learnt."""
        self.low, self.high = Excursion(), Excursion()
        self.pending, self.pending_since, self.at = 0.0, now, now
        self.minute, self.in_minute, self.minutes = int(now // BIN_SECONDS), 0.0, []
        self.learnt_minute = self.minute
        self.recent, self.in_recent = [], 0
        self.rise = Rise()

    def _is_alarm(self, rate: float, options: DetectorOptions) -> bool:
        threshold = self._threshold(rate, options)
        least = options.least_failures
        return (self.high.score > threshold and self.high.failures >= least) or (
            self.low.score > threshold and self.low.failures >= least
        )

    def _dispersion(self, leg: Leg) -> float:
        """The key's own; while it has little history, of a noisy reason, that of the leg's other noisy keys."""
        prior = prior_of(self.direction, self.reason).dispersion
        if is_noisy(self.direction, self.reason):
            prior = leg.dispersion(prior)
        return self.bursts.index(prior, OWN_WEIGHT) * self._patience()

    def _patience(self) -> float:
        """1, and more for a key whose spikes were blips: it has to be louder to be heard again."""
        if self.blips == 0.0:
            return 1.0
        return min(
            1.0 + PATIENCE_PER_BLIP * self.blips * exp(-max(self.at - self.blip_at, 0.0) / PATIENCE_SECONDS), 4.0
        )

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

    def _learn(self, now: float, leg: Leg) -> None:
        """What was pending came to nothing: it was normal. Whole minutes of it tell how bursty the normal is."""
        self.baseline.learn(self.pending, now - self.pending_since)
        minute = int(now // BIN_SECONDS)
        if minute != self.minute:
            self._close_minute(minute)
        if self.minutes or self.learnt_minute < self.minute - 1:
            empty = max(self.minute - 1 - self.learnt_minute - len(self.minutes), 0) if self.learnt_minute >= 0 else 0
            mean = self.baseline.rate * BIN_SECONDS
            self.bursts.learn(self.minutes, empty, mean)
            if is_noisy(self.direction, self.reason):
                leg.learn_later(self.minutes, empty, mean)
            self.minutes = []
            self.learnt_minute = self.minute - 1
        self.pending = 0.0
        self.pending_since = now
        self.rise = Rise()

    def _close_minute(self, minute: int) -> None:
        if self.in_minute > 0.0:
            if len(self.minutes) < MOST_MINUTES:
                self.minutes.append(self.in_minute)
            else:
                self.minutes[-1] += self.in_minute
        self.minute, self.in_minute = minute, 0.0

    def _count_minute(self, now: float, weight: float, failures: int) -> None:
        minute = int(now // BIN_SECONDS)
        if minute != self.minute:
            self._close_minute(minute)
        self.in_minute += weight
        second = int(now)
        if second != self.second:
            self.second, self.in_second = second, 0
        self.in_second += failures


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
