"""Scores what everybody told against what really happened."""

from statistics import median
from typing import Final

import msgspec

from bench.whofirst.ours import Found, Told
from bench.whofirst.rivals import Alarm
from bench.whofirst.truth import TrueIncident, TrueSpike

AFTER_END_SECONDS: Final = 90.0
"""An alarm this long after a spike's last failure still belongs to it: windows have a length."""
ONE_INCIDENT_SECONDS: Final = 300.0
"""False alarms of a competitor this close together count as one, as a notifier would group them."""


class Score(msgspec.Struct):
    """Adds up over worlds."""

    name: str
    hours: float = 0.0
    incidents: int = 0
    found: int = 0
    false: int = 0
    delays: list[float] = []
    """From an incident's onset to its first alarm."""
    spike_delays: list[float] = []
    """From each hop's own onset to the alarm of its own spike."""
    spikes: int = 0
    judged: int = 0
    first_right: int = 0
    strictly_first: int = 0
    ties: int = 0
    onset_errors: list[float] = []
    pieces: int = 0
    missed: list[str] = []
    wrong: list[str] = []
    false_keys: list[str] = []

    def add(self, other: "Score") -> None:
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if name != "name":
                setattr(self, name, mine + theirs)

    @property
    def false_per_30_hours(self) -> float:
        return 30.0 * self.false / max(self.hours, 1e-9)

    @property
    def delay(self) -> float | None:
        return median(self.delays) if self.delays else None

    @property
    def spike_delay(self) -> float | None:
        return median(self.spike_delays) if self.spike_delays else None

    @property
    def onset_error(self) -> float | None:
        return median(self.onset_errors) if self.onset_errors else None


def score_alarms(name: str, alarms: list[Alarm], incidents: list[TrueIncident], hours: float) -> Score:
    """A competitor: its first hop is the stream of its first alarm, as it knows no onsets."""
    score = Score(name, hours=hours, incidents=len(incidents))
    explained: set[int] = set()
    for incident in incidents:
        firsts: list[Alarm] = []
        for spike in incident.spikes:
            score.spikes += 1
            matching = [index for index, alarm in enumerate(alarms) if _is_of(alarm, spike)]
            explained.update(matching)
            if matching:
                first = min((alarms[index] for index in matching), key=lambda alarm: alarm.at)
                firsts.append(first)
                score.spike_delays.append(first.at - spike.onset)
        if not firsts:
            score.missed.append(incident.kind)
            continue
        score.found += 1
        earliest = min(firsts, key=lambda alarm: alarm.at)
        score.delays.append(earliest.at - incident.onset)
        if len(incident.spikes) > 1:
            score.judged += 1
            together = {alarm.stream for alarm in firsts if alarm.at == earliest.at}
            # alarms of one evaluation name several hops: right only as far as they are one
            onset = incident.onset_of(earliest.stream)
            right = onset is not None and onset - incident.onset < 1.0 and len(together) == 1
            score.first_right += right
            score.strictly_first += right and earliest.stream == incident.first.stream
    last_false = -ONE_INCIDENT_SECONDS
    for index, alarm in enumerate(alarms):
        if index not in explained:
            if alarm.at - last_false > ONE_INCIDENT_SECONDS:
                score.false += 1
                score.false_keys.append(f"{alarm.stream} {alarm.host} {alarm.reason} at {alarm.at:.0f}")
            last_false = alarm.at
    return score


def score_found(name: str, found: Found, incidents: list[TrueIncident], hours: float) -> Score:
    """handspike: incidents, onsets and ties as it tells them in the end."""
    score = Score(name, hours=hours, incidents=len(incidents))
    true_told: set[int] = set()
    raised = found.raised_at
    for incident in incidents:
        told: list[tuple[float, Told]] = []
        for index, one in enumerate(found.told):
            moments = [
                raised[spike.id]
                for spike in one.spikes
                if any(
                    true.covers(spike.stream, spike.host, spike.direction, spike.reason)
                    and true.onset - 1.0 <= raised[spike.id] <= true.end + AFTER_END_SECONDS
                    for true in incident.spikes
                )
            ]
            if moments:
                true_told.add(index)
                told.append((min(moments), one))
        moments = []
        for true in incident.spikes:
            score.spikes += 1
            at = min(
                (
                    raised[spike.id]
                    for spike in found.spikes
                    if true.covers(spike.stream, spike.host, spike.direction, spike.reason)
                    and true.onset - 1.0 <= raised[spike.id] <= true.end + AFTER_END_SECONDS
                ),
                default=None,
            )
            if at is not None:
                score.spike_delays.append(at - true.onset)
                moments.append(at)
        if not told:
            score.missed.append(f"{incident.kind} at {incident.onset:.0f} {incident.first}")
            continue
        score.found += 1
        score.pieces += len(told)
        score.delays.append(min(moments) - incident.onset)
        # told in several, it is the one that stands first in the list: incidents are listed by their onset
        best = min((one for _, one in told), key=lambda one: min(spike.onset for spike in one.spikes))
        _judge_first(score, best, incident)
    for index, one in enumerate(found.told):
        if index not in true_told:
            score.false += 1
            spike = min(one.spikes, key=lambda spike: spike.onset)
            score.false_keys.append(
                f"{spike.stream} {spike.host} {spike.direction} {spike.reason} at {spike.onset:.0f} "
                f"failures={spike.failures} peers={len(spike.peers)} normal={spike.baseline_per_second:.4f} "
                f"took={spike.detected_at - spike.onset:.1f}"
            )
    return score


def _judge_first(score: Score, told: Told, incident: TrueIncident) -> None:
    """A tie is right only if the true onsets are closer than the interval it states."""
    first = told.first
    score.onset_errors.append(abs(first.spike.onset - incident.onset))
    if len(incident.spikes) < 2:
        return
    score.judged += 1
    named = incident.onset_of(first.spike.stream)
    strictly = first.spike.stream == incident.first.stream
    earliest = first.spike.onset_earliest
    stated = float("inf") if earliest is None else first.spike.onset_latest - earliest
    tied = bool(first.tie_with)
    score.ties += tied
    score.strictly_first += strictly
    close = named is not None and named - incident.onset <= stated
    real_tie = named is not None and named - incident.onset < 0.1
    right = strictly or real_tie or (incident.first.stream in first.tie_with and close)
    score.first_right += right
    if not right:
        gap = "not of it" if named is None else f"{named - incident.onset:.1f} s later"
        score.wrong.append(
            f"{incident.kind} at {incident.onset:.0f}: named {first.spike.stream} ({gap}, {first.spike.reason}, onset "
            f"{first.spike.onset - incident.onset:+.1f}, states {stated:.1f}), true {incident.first.stream} "
            f"rate {incident.first.rate:.2f} normal {incident.first.normal:.3f} ramp {incident.first.ramp:.0f}; "
            + ", ".join(f"{s.stream}/{s.reason} {s.onset - incident.onset:+.1f}" for s in told.spikes)
        )


def _is_of(alarm: Alarm, spike: TrueSpike) -> bool:
    return (
        alarm.stream == spike.stream
        and alarm.reason == spike.reason
        and (alarm.host == "*" or alarm.host in spike.hosts)
        and (alarm.direction is None or alarm.direction == spike.direction)
        and spike.onset <= alarm.at <= spike.end + AFTER_END_SECONDS
    )
