"""An incident as the contract shows it: first spike, spikes, verdict."""

from collections.abc import Mapping
from typing import Any

from parsers.vocabulary import FAMILY_OF
from service.correlator.blame import Blame, leg_of
from service.correlator.correlator import Correlator, Incident
from service.correlator.order import First, first_of
from service.detector.spike import Spike
from service.times import rfc3339
from service.verdict.sight import Sight
from service.verdict.steps import steps
from service.verdict.words import WHAT, happened, place

SETTLED_SECONDS = 30.0
"""A stream read this far past the onset, and still quiet, has not taken part."""
MOST_HOSTS = 50
MOST_SPIKES = 100


def document(correlator: Correlator, incident: Incident, sights: Mapping[str, Sight]) -> dict[str, Any]:
    """The contract's incident object. Bounded: at most `MOST_SPIKES` spikes and `MOST_HOSTS` hosts are listed."""
    topology = correlator.topology
    spikes = sorted(correlator.members(incident), key=lambda s: (s.onset, topology.depth(s.stream), s.id))
    blames = correlator.blames
    first = first_of(spikes, blames, topology)
    spikes.sort(key=lambda spike: spike is not first.spike)
    ended = [spike.over_at for spike in spikes]
    resolved_at = None if None in ended else max(end for end in ended if end is not None)
    peers: set[str] = set().union(*(spike.peers for spike in spikes))
    return {
        "id": incident.id,
        "revision": incident.revision,
        "state": "open" if resolved_at is None else "resolved",
        "merged_into": incident.merged_into,
        "started_at": rfc3339(min(spike.onset for spike in spikes)),
        "detected_at": rfc3339(min(spike.detected_at for spike in spikes)),
        "resolved_at": None if resolved_at is None else rfc3339(resolved_at),
        "first": _first(first, correlator),
        "hosts": sorted({spike.host for spike in spikes if spike.host is not None})[:MOST_HOSTS],
        "failures": sum(spike.failures for spike in spikes),
        "peers": len(peers),
        "peers_estimated": any(spike.peers_estimated for spike in spikes),
        "spikes": [_spike(spike, correlator) for spike in spikes[:MOST_SPIKES]],
        "verdict": _verdict(first, spikes, correlator, sights),
    }


def merged_document(earlier: dict[str, Any], incident: Incident) -> dict[str, Any]:
    """What is left of an incident that turned out to be part of another."""
    return {**earlier, "revision": incident.revision, "state": "resolved", "merged_into": incident.merged_into}


def _first(first: First, correlator: Correlator) -> dict[str, Any]:
    spike = first.spike
    earliest = spike.onset_earliest
    return {
        "stream": spike.stream,
        "hop": correlator.topology.hop(spike.stream),
        "host": spike.host,
        "onset": rfc3339(spike.onset),
        "onset_between": [None if earliest is None else rfc3339(earliest), rfc3339(spike.onset_latest)],
        "confidence": first.confidence,
        "tie_with": first.tie_with,
    }


def _spike(spike: Spike, correlator: Correlator) -> dict[str, Any]:
    return {
        "stream": spike.stream,
        "hop": correlator.topology.hop(spike.stream),
        "host": spike.host,
        "direction": spike.direction,
        "family": FAMILY_OF[spike.reason],
        "reason": spike.reason,
        "rejected_by": spike.who_rejected,
        "onset": rfc3339(spike.onset),
        "detected_at": rfc3339(spike.detected_at),
        "ended_at": None if spike.ended_at is None else rfc3339(spike.ended_at),
        "last_failure_at": rfc3339(spike.last_at),
        "became_normal": spike.became_normal,
        "failures": spike.failures,
        "peers": len(spike.peers),
        "peers_estimated": spike.peers_estimated,
        "peak_per_second": round(spike.peak_per_second, 3),
        "baseline_per_second": round(spike.baseline_per_second, 6),
    }


def _verdict(first: First, spikes: list[Spike], correlator: Correlator, sights: Mapping[str, Sight]) -> dict[str, Any]:
    """Each spike votes for the place its records blame; the place with the most says where the fix belongs."""
    topology, blames = correlator.topology, correlator.blames
    opening = [spike for spike in spikes if _same_cause(spike, first.spike)]
    votes: dict[tuple[str, str], float] = {}
    for spike in opening:
        blame = blames[spike.id]
        if blame.place is not None:
            votes[blame.place] = votes.get(blame.place, 0.0) + blame.rule.confidence
    chosen = max(votes, key=lambda where: (votes[where], where == blames[first.spike.id].place), default=None)
    witnesses = [spike for spike in opening if chosen is not None and blames[spike.id].place == chosen]
    speaker = max(witnesses or [first.spike], key=lambda s: (blames[s.id].rule.confidence, s is first.spike))
    blame = blames[speaker.id]
    doubt = 1.0
    for spike in witnesses:
        doubt *= 1.0 - blames[spike.id].rule.confidence
    against = sum(votes.values()) - (votes[chosen] if chosen is not None else 0.0)
    confidence = (1.0 - doubt) * (votes[chosen] / (votes[chosen] + against) if chosen is not None else 0.0)
    hop = topology.hop(blame.fix_at) if blame.fix_at in topology.streams else None
    where = place(blame.rule.repair, blame.fix_at, hop)
    host = speaker.host or next((s.host for s in [*opening, *spikes] if s.host is not None), None)
    cleared, unseen, waiting = _others(spikes, sights, correlator)
    return {
        "summary": _summary(first, speaker, spikes, blame, where, host),
        "leg": _leg(witnesses or [first.spike], correlator),
        "fix_at": blame.fix_at,
        "confidence": round(min(confidence, 0.99), 2),
        "provisional": bool(waiting),
        "because": [_because(spike, blames[spike.id]) for spike in opening[:6]]
        + [f"{name}: not yet read past the onset" for name in waiting],
        "steps": steps(blame.rule.repair, speaker.reason, host),
        "cleared": cleared,
        "unseen": unseen,
    }


def _same_cause(spike: Spike, first: Spike) -> bool:
    return spike.reason == first.reason or abs(spike.onset - first.onset) <= SETTLED_SECONDS


def _summary(first: First, speaker: Spike, spikes: list[Spike], blame: Blame, where: str, host: str | None) -> str:
    at = rfc3339(first.spike.onset)[11:19]
    told = happened(speaker.direction, speaker.who_rejected, speaker.reason)
    teller = "" if speaker.stream == first.spike.stream else f"{speaker.stream} says: "
    ties = f" (in the same moment as {', '.join(first.tie_with)})" if first.tie_with else ""
    where_to = "" if blame.fix_at is None else f" Fix at {_end(blame)}: {where}."
    later: dict[str, Spike] = {}
    for spike in spikes:
        if not _same_cause(spike, first.spike):
            later.setdefault(spike.reason, spike)
    then = "".join(f" Then, from {rfc3339(s.onset)[11:19]}: {WHAT[reason]}." for reason, s in later.items())
    name = host or "no host named"
    return f"{first.spike.stream} broke first{ties}, {at} UTC, {name}: {teller}{told}.{where_to}{then}"


def _end(blame: Blame) -> str:
    if blame.fix_at == "client":
        return f"the clients of {blame.near}"
    if blame.fix_at == "beyond":
        return f"what stands behind {blame.near}"
    return str(blame.fix_at)


def _leg(witnesses: list[Spike], correlator: Correlator) -> str:
    """``client -> lb``; several callers of one server are named together: ``app, edge -> lb``."""
    legs = [leg_of(spike, correlator.topology) for spike in witnesses]
    server = max({leg[1] for leg in legs}, key=lambda name: (sum(leg[1] == name for leg in legs), name))
    depth = correlator.topology.depth
    callers = sorted({leg[0] for leg in legs if leg[1] == server}, key=lambda name: (depth(name), name))
    return f"{', '.join(callers)} -> {server}"


def _because(spike: Spike, blame: Blame) -> str:
    told = happened(spike.direction, spike.who_rejected, spike.reason)
    return (
        f"{spike.stream} from {rfc3339(spike.onset)[11:19]} on: {told}"
        f" ({FAMILY_OF[spike.reason]}/{spike.reason}, {spike.direction}, rejected by {spike.who_rejected};"
        f" {spike.failures} failures; {blame.rule.source})"
    )


def _others(
    spikes: list[Spike], sights: Mapping[str, Sight], correlator: Correlator
) -> tuple[list[dict[str, str]], list[dict[str, str]], list[str]]:
    """(cleared, unseen, still to come) among the streams without a spike in this incident."""
    struck = {spike.stream for spike in spikes}
    onset = min(spike.onset for spike in spikes)
    cleared: list[dict[str, str]] = []
    unseen: list[dict[str, str]] = []
    waiting: list[str] = []
    for name in correlator.topology.streams:
        if name in struck:
            continue
        sight = sights.get(name, Sight())
        if sight.blind is not None:
            unseen.append({"stream": name, "why": sight.blind})
        elif sight.lines == 0 or sight.watermark is None:
            unseen.append({"stream": name, "why": "nothing was read from it"})
        elif sight.watermark < onset:
            unseen.append(
                {"stream": name, "why": f"its newest record is of {rfc3339(sight.watermark)}, before the onset"}
            )
        elif sight.watermark < onset + SETTLED_SECONDS and not sight.ended:
            waiting.append(name)
        elif sight.first_at is not None and sight.first_at > onset:
            unseen.append({"stream": name, "why": f"its first record is of {rfc3339(sight.first_at)}, after the onset"})
        else:
            cleared.append({"stream": name, "why": "it went on logging and its handshake failures did not rise"})
    return cleared, unseen, waiting
