"""All failures of a world, stream by stream, in the order in which their records were written."""

import random
from collections.abc import Callable
from math import floor, sqrt
from typing import Final

from bench.whofirst.noise import Bursty, Load, Noise, Steady, geometric, poisson
from bench.whofirst.truth import Event, TrueSpike
from bench.whofirst.voices import HOPS, voice_of
from bench.whofirst.world import World
from service.tally import Key

RESOLUTIONS: Final = {hop.name: hop.resolution for hop in HOPS}
RETRIES: Final = 1.4
"""Handshakes that one client of a broken listener tries within seconds, on average."""

Peers = Callable[[random.Random], str | None]


def timeline(world: World) -> dict[str, list[Event]]:
    """Each stream's failures in the order of arrival; the same for the same world."""
    events: dict[str, list[Event]] = {hop.name: [] for hop in HOPS}
    for index, noise in enumerate(world.noises):
        rng = random.Random(f"{world.seed} noise {index}")
        _add_noise(world, noise, rng, events[noise.stream])
    for number, incident in enumerate(world.incidents):
        for index, spike in enumerate(incident.spikes):
            rng = random.Random(f"{world.seed} incident {number} {index}")
            _add_spike(world, spike, rng, events[spike.stream])
    for found in events.values():
        found.sort(key=lambda event: event.arrived)
    return events


def _add_noise(world: World, noise: Noise, rng: random.Random, events: list[Event]) -> None:
    voice = voice_of(noise.stream, noise.direction, noise.reason)
    peers = _peers(world, noise.stream, noise.direction)
    own = peers(rng) if noise.normal else f"203.0.113.{rng.randint(1, 254)}"
    keys = {host: Key(host, noise.direction, noise.reason) for host in noise.hosts}
    many = isinstance(noise.process, Steady | Bursty) and noise.normal
    load = world.load if many else Load()
    peer = own
    for at, same in noise.process.times(rng, noise.start, noise.end, load):
        if many and not same:
            peer = peers(rng)
        host = noise.hosts[0] if len(noise.hosts) == 1 else rng.choice(noise.hosts)
        shown = host if noise.stream == "app" else peer
        events.append(_event(world, noise.stream, at, keys[host], voice.rejected_by, shown, rng))


def _add_spike(world: World, spike: TrueSpike, rng: random.Random, events: list[Event]) -> None:
    peers = _peers(world, spike.stream, spike.direction)
    keys = {host: Key(host, spike.direction, spike.reason) for host in spike.hosts}
    retries = RETRIES if spike.direction == "downstream" else 1.0
    for at in _rising(rng, spike, spike.rate / retries):
        host = rng.choice(spike.hosts)
        peer = host if spike.stream == "app" else peers(rng)
        events.append(_event(world, spike.stream, at, keys[host], spike.rejected_by, peer, rng))
        for _ in range(geometric(rng, retries) - 1):
            at += rng.expovariate(0.5)
            events.append(_event(world, spike.stream, at, keys[host], spike.rejected_by, peer, rng))


def _rising(rng: random.Random, spike: TrueSpike, rate: float) -> list[float]:
    """A step, or a rate that grows evenly over ``ramp`` seconds."""
    if spike.ramp <= 0.0:
        return list(poisson(rng, rate, spike.onset, spike.end))
    found = []
    for at in poisson(rng, rate, spike.onset, spike.end):
        since = at - spike.onset
        if since >= spike.ramp or rng.random() < since / spike.ramp:
            found.append(at)
    return found


def _event(
    world: World, stream: str, at: float, key: Key, rejected_by: str, peer: str | None, rng: random.Random
) -> Event:
    """Clock offset, resolution and the way to the file: mostly at once, now and then seconds late."""
    arrived = at + (rng.uniform(0.0, 3.0) if rng.random() < 0.02 else 0.02 * rng.random())
    stalled, since, until = world.stall
    if stream == stalled and since <= arrived < until:
        arrived = until + (arrived - since) * 0.001
    resolution = RESOLUTIONS[stream]
    logged = floor((at + world.offsets[stream]) / resolution + 1e-6) * resolution
    return Event(at, arrived, round(logged, 3), key, rejected_by, peer)


def _peers(world: World, stream: str, direction: str) -> Peers:
    """Who stands at the far end: many clients in front of the edge, a handful of machines everywhere else."""
    if direction == "upstream":
        if stream == "lb":
            return lambda rng: None
        return lambda rng: f"192.0.2.{rng.randint(40, 43)}"
    if stream == "edge" and not world.few_clients:
        return _client
    first = {"edge": 10, "lb": 20, "ingress": 30, "mesh": 33}[stream]
    return lambda rng: f"192.0.2.{rng.randint(first, first + 2)}"


def _client(rng: random.Random) -> str:
    """One of some forty thousand, a few of them seen far more often than the rest."""
    number = int(40_000 * sqrt(rng.random()) * rng.random())
    return f"10.1.{number // 250}.{number % 250}"
