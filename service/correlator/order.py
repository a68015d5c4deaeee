"""Who was first: by onset, never by alarm; within a tie, the side that the records blame."""

from typing import NamedTuple

from service.correlator.blame import Blame
from service.correlator.topology import Topology
from service.detector.spike import Spike

UNKNOWN_START_SECONDS = 3600.0
"""Width given to an interval that is open at its lower end: under way before the stream was first seen."""


class First(NamedTuple):
    spike: Spike
    confidence: float
    tie_with: list[str]
    """Streams whose onset may have been earlier, as the intervals overlap."""


def first_of(spikes: list[Spike], blames: dict[tuple[str, str, str, str, float], Blame], topology: Topology) -> First:
    """The earliest onset among ``spikes`` (not empty), how sure that is, and with whom it ties.

    An onset lies evenly within its interval; the confidence is the product of the chances of being earlier than each
    other stream's own first onset. Blame settles a tie: an innocent hop that sees it sooner is a witness.
    """
    earliest: dict[str, Spike] = {}
    for spike in sorted(spikes, key=lambda s: (s.onset, s.stream, s.host or "", s.direction, s.reason)):
        earliest.setdefault(spike.stream, spike)
    ranked = list(earliest.values())
    leader = ranked[0]
    tied = [spike for spike in ranked if overlap(leader, spike)]
    votes = {spike.stream: 0.0 for spike in tied}
    for spike in tied:
        blame = blames[spike.id]
        if blame.fix_at in votes:
            votes[blame.fix_at] += blame.rule.confidence
    tied.sort(key=lambda s: (-votes[s.stream], s.onset, topology.depth(s.stream), s.stream))
    first = tied[0]
    confidence = 1.0
    for spike in ranked:
        if spike is not first:
            chance = chance_earlier(first, spike)
            if votes[first.stream] > 0.0 and spike in tied:
                chance = max(chance, 0.5 + votes[first.stream] / (2.0 * sum(votes.values())) - 0.05)
            confidence *= chance
    return First(
        first, round(min(max(confidence, 0.05), 0.99), 2), [spike.stream for spike in tied if spike is not first]
    )


def interval(spike: Spike) -> tuple[float, float]:
    earliest = spike.onset_earliest
    return (spike.onset_latest - UNKNOWN_START_SECONDS if earliest is None else earliest, spike.onset_latest)


def overlap(one: Spike, other: Spike) -> bool:
    (low, high), (other_low, other_high) = interval(one), interval(other)
    return low < other_high and other_low < high


def chance_earlier(one: Spike, other: Spike) -> float:
    """P(onset of one < onset of other), both uniform over their intervals.

    >>> from service.detector.spike import Spike
    >>> def at(low, high): return Spike("s", None, "d", "r", low, low, high, high)
    >>> chance_earlier(at(0.0, 1.0), at(2.0, 3.0)), chance_earlier(at(0.0, 2.0), at(0.0, 2.0))
    (1.0, 0.5)
    """
    (low, high), (other_low, other_high) = interval(one), interval(other)
    if high <= other_low:
        return 1.0
    if other_high <= low:
        return 0.0
    width, other_width = max(high - low, 1e-9), max(other_high - other_low, 1e-9)
    # the mean, over one's interval, of the share of the other's interval that lies later
    steps = 64
    later = 0.0
    for index in range(steps):
        point = low + (index + 0.5) * width / steps
        later += min(max(other_high - point, 0.0), other_width) / other_width
    return later / steps
