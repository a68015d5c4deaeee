"""handspike itself: each stream's detector in that stream's own order, then the correlator, exactly as a scan does."""

import msgspec

from bench.whofirst.truth import Event
from bench.whofirst.voices import HOPS
from bench.whofirst.world import World
from service.analysis import Analysis
from service.correlator import StreamInfo
from service.correlator.order import First, first_of
from service.detector import DetectorOptions, Spike
from service.runs import Run

INFOS = [StreamInfo(hop.name, hop.name, hop.follows) for hop in HOPS]
HEALTHY_SECONDS = 0.5
"""A stream's next healthy record is never further away than this: it moves the stream's clock."""

SpikeId = tuple[str, str, str, str, float]


class Told(msgspec.Struct):
    """One incident as handspike tells it in the end."""

    spikes: list[Spike]
    first: First


class Found(msgspec.Struct):
    told: list[Told]
    spikes: list[Spike]
    raised_at: dict[SpikeId, float]
    """True time at which the record that raised a spike had been written."""


def find(world: World, events: dict[str, list[Event]], options: DetectorOptions | None = None) -> Found:
    """Feeds one failure at a time, so that the moment of each alarm is known."""
    analysis = Analysis(INFOS, options or DetectorOptions())
    raised_at: dict[SpikeId, float] = {}
    spikes: list[Spike] = []

    def note(now: float) -> None:
        for spike in analysis.spikes_raised:
            raised_at.setdefault(spike.id, now)
            spikes.append(spike)
        analysis.spikes_raised.clear()

    for hop in HOPS:
        name, resolution, offset = hop.name, hop.resolution, world.offsets[hop.name]
        analysis.begin(name, _stamp(world.start + offset, resolution))
        before = world.start
        newest = 0.0
        for event in events[name]:
            if event.arrived - before > HEALTHY_SECONDS and not _stalled(world, name, before, event.arrived):
                analysis.advance(name, max(newest, _stamp(before + HEALTHY_SECONDS + offset, resolution)))
                note(before + HEALTHY_SECONDS)
                if event.arrived - before > 2.0 * HEALTHY_SECONDS:
                    analysis.advance(name, max(newest, _stamp(event.arrived - 0.1 + offset, resolution)))
                    note(event.arrived - 0.1)
            peers = {event.peer} if event.peer is not None else set()
            run = Run(event.logged, event.key, event.rejected_by, resolution, 1, peers)
            analysis.observe(name, (run,))
            if analysis.spikes_raised:
                note(event.arrived)
            before = event.arrived
            newest = max(newest, event.logged)
        analysis.advance(name, world.end + offset)
        note(world.end)
    analysis.finish()
    note(world.end)
    return Found(_told(spikes), spikes, raised_at)


def _stalled(world: World, stream: str, since: float, until: float) -> bool:
    """Whether the stream's records were held back in that time: nothing healthy came through either."""
    name, begin, end = world.stall
    return stream == name and since < end and until > begin


def _stamp(time: float, resolution: float) -> float:
    return time // resolution * resolution


def _told(spikes: list[Spike]) -> list[Told]:
    """Spikes correlated in the order of their detection, as a live service would have met them."""
    ordered = Analysis(INFOS, DetectorOptions())
    for spike in sorted(spikes, key=lambda spike: (spike.detected_at, spike.id)):
        ordered.correlator.update(spike)
    correlator = ordered.correlator
    told = []
    for incident in correlator.current():
        members = correlator.members(incident)
        told.append(Told(members, first_of(members, correlator.blames, correlator.topology)))
    return told
