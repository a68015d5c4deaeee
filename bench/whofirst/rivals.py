"""Three competitors on the same failures: a rule as one writes it for Prometheus, a z-score, and the bound."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from math import ceil, log, sqrt
from typing import Final

import msgspec

from bench.whofirst.truth import Event, TrueSpike
from bench.whofirst.world import World

EVERY_SECONDS: Final = 15.0
"""How often rule and z-score are evaluated; scrapes are taken to be fresh at that moment."""
MINUTE: Final = 60.0
HOUR: Final = 3600.0
BOUND_ALARM: Final = 7.0
BOUND_LEAST_NORMAL: Final = 1.0 / 60.0
"""The bound is told that at least one failure a minute is normal: a single one proves nothing to it."""


class Alarm(msgspec.Struct, frozen=True):
    """A rising edge. ``host`` is ``*`` for the series that sums all hosts."""

    at: float
    stream: str
    host: str | None
    reason: str
    direction: str | None = None


class _Series(msgspec.Struct):
    stream: str
    host: str | None
    reason: str
    times: list[float]


def prometheus_rule(world: World, events: dict[str, list[Event]]) -> list[Alarm]:
    """``increase[1m] > 5 and rate[1m] > 3 * rate[1h]``, per (stream, host, reason) and per (stream, reason)."""
    found = []
    for series in _series(events):
        firing_at = -EVERY_SECONDS
        for now, last_minute in _busy(series.times):
            hour = min(HOUR, now - world.start)
            before = bisect_right(series.times, now) - bisect_right(series.times, now - hour)
            if last_minute / MINUTE > 3.0 * before / hour:
                if now - firing_at > EVERY_SECONDS:
                    found.append(Alarm(now, series.stream, series.host, series.reason))
                firing_at = now
    return sorted(found, key=lambda alarm: alarm.at)


def z_score(world: World, events: dict[str, list[Event]], limit: float = 4.0) -> list[Alarm]:
    """The last minute more than ``limit`` standard deviations above the hour's minutes, and more than 5 failures."""
    found = []
    for series in _series(events):
        minutes = [0] * (int((world.end - world.start) / MINUTE) + 10)
        for at in series.times:
            minutes[int((at - world.start) / MINUTE)] += 1
        sums = [0, *accumulate(minutes)]
        squares = [0, *accumulate(count * count for count in minutes)]
        firing_at = -EVERY_SECONDS
        for now, last_minute in _busy(series.times):
            upto = int((now - MINUTE - world.start) / MINUTE)
            since = max(upto - 60, 0)
            if upto - since < 5:
                continue
            mean = (sums[upto] - sums[since]) / (upto - since)
            spread = sqrt(max((squares[upto] - squares[since]) / (upto - since) - mean * mean, 1.0))
            if (last_minute - mean) / spread > limit:
                if now - firing_at > EVERY_SECONDS:
                    found.append(Alarm(now, series.stream, series.host, series.reason))
                firing_at = now
    return sorted(found, key=lambda alarm: alarm.at)


def bound(events: dict[str, list[Event]], spikes: list[TrueSpike], least_failures: int = 1) -> list[Alarm]:
    """The Poisson CUSUM that is told each true key's rates, before and after; alarms at S > 7, then starts over.

    No detector that must learn them can do better on average (Lorden 1971, Moustakides 1986). On a quiet key it alarms
    at the second failure; ``least_failures`` makes it as patient as everybody else.
    """
    found = []
    for spike in spikes:
        keys = set(spike.hosts)
        normal = max(spike.normal, BOUND_LEAST_NORMAL)
        risen = normal + spike.rate
        step, drift = log(risen / normal), risen - normal
        score, before, failures = 0.0, 0.0, 0
        for event in events[spike.stream]:
            key = event.key
            if key.reason != spike.reason or key.direction != spike.direction or key.host not in keys:
                continue
            score = max(0.0, score - drift * (event.arrived - before))
            failures = failures + 1 if score > 0.0 else 1
            score += step
            before = event.arrived
            if score > BOUND_ALARM and failures >= least_failures:
                found.append(Alarm(before, spike.stream, spike.hosts[0], spike.reason, spike.direction))
                score = 0.0
    return sorted(found, key=lambda alarm: alarm.at)


def _series(events: dict[str, list[Event]]) -> list[_Series]:
    """One counter for each (stream, host, reason), and one over all hosts of a (stream, reason)."""
    found: dict[tuple[str, str | None, str], list[float]] = {}
    for stream, failures in events.items():
        for event in failures:
            found.setdefault((stream, event.key.host, event.key.reason), []).append(event.arrived)
            found.setdefault((stream, "*", event.key.reason), []).append(event.arrived)
    return [_Series(stream, host, reason, times) for (stream, host, reason), times in found.items()]


def _busy(times: list[float]) -> Iterator[tuple[float, int]]:
    """(evaluation time, failures of the minute before it), only where they are more than 5."""
    done = 0.0
    for index in range(5, len(times)):
        until = times[index - 5] + MINUTE
        now = max(ceil(times[index] / EVERY_SECONDS) * EVERY_SECONDS, done)
        while now < until:
            yield now, bisect_right(times, now) - bisect_right(times, now - MINUTE)
            now += EVERY_SECONDS
        done = max(done, now)
