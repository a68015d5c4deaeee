"""Incidents as they spread over hops: what breaks, who tells it on which leg, who follows how much later."""

import random
from collections.abc import Iterable
from typing import Final, NamedTuple

from bench.whofirst.noise import Noise, log_uniform
from bench.whofirst.truth import TrueIncident, TrueSpike
from bench.whofirst.voices import voice_of

MINUTE: Final = 60.0


class Part(NamedTuple):
    """One hop's part: it begins ``after`` the part before it, between so and so many seconds."""

    stream: str
    direction: str
    reason: str
    after: tuple[float, float] = (0.0, 0.0)


AT_ONCE: Final = (0.0, 0.05)
"""The two ends of one connection."""
SOON: Final = (3.0, 15.0)
LATER: Final = (10.0, 60.0)

CHAINS: Final[dict[str, tuple[Part, ...]]] = {
    "lb certificate": (
        Part("lb", "downstream", "expired"),
        Part("edge", "upstream", "expired", AT_ONCE),
    ),
    "lb certificate, clients later": (
        Part("lb", "downstream", "unknown_issuer"),
        Part("edge", "upstream", "unknown_issuer", AT_ONCE),
        Part("app", "upstream", "closed_by_peer", LATER),
    ),
    "service behind the mesh": (
        Part("mesh", "upstream", "expired"),
        Part("ingress", "upstream", "closed_by_peer", SOON),
        Part("edge", "upstream", "timeout", LATER),
    ),
    "edge certificate": (
        Part("edge", "downstream", "expired"),
        Part("app", "upstream", "expired", SOON),
    ),
    "edge chain": (
        Part("edge", "downstream", "unknown_issuer"),
        Part("app", "upstream", "unknown_issuer", LATER),
    ),
    "lb policy": (
        Part("lb", "downstream", "version_mismatch"),
        Part("edge", "upstream", "version_mismatch", AT_ONCE),
    ),
    "mesh identity": (
        Part("mesh", "downstream", "missing"),
        Part("ingress", "upstream", "rejected", AT_ONCE),
        Part("edge", "upstream", "timeout", LATER),
    ),
    "ingress certificate": (
        Part("ingress", "downstream", "certificate_unknown"),
        Part("lb", "upstream", "certificate_unknown", AT_ONCE),
        Part("app", "upstream", "timeout", LATER),
    ),
    "mesh overload": (
        Part("mesh", "upstream", "timeout"),
        Part("ingress", "upstream", "timeout", SOON),
        Part("edge", "upstream", "timeout", SOON),
        Part("app", "upstream", "timeout", LATER),
    ),
    "edge policy": (Part("edge", "downstream", "version_mismatch"),),
    "edge ciphers": (Part("edge", "downstream", "no_shared_cipher"),),
    "edge closes": (Part("edge", "downstream", "closed_by_peer"),),
    "lb, no host named": (Part("lb", "downstream", "generic_failure"),),
    "wrong name": (Part("lb", "upstream", "hostname_mismatch"),),
    "many hosts, thinly": (Part("edge", "downstream", "certificate_unknown"),),
}


class Normals:
    """How many failures a second each key holds in health."""

    def __init__(self, noises: Iterable[Noise]) -> None:
        self._rates: dict[tuple[str, str | None, str, str], float] = {}
        for noise in noises:
            if noise.normal:
                for host in noise.hosts:
                    key = (noise.stream, host, noise.direction, noise.reason)
                    self._rates[key] = self._rates.get(key, 0.0) + noise.process.rate / len(noise.hosts)

    def rate(self, stream: str, hosts: Iterable[str | None], direction: str, reason: str) -> float:
        return sum(self._rates.get((stream, host, direction, reason), 0.0) for host in hosts)


def draw_incident(rng: random.Random, when: float, hosts: tuple[str, ...], normals: Normals) -> list[TrueIncident]:
    """One incident at ``when``; sometimes two unrelated ones, less than two minutes apart."""
    kind = rng.choice(list(CHAINS))
    drawn = [_draw(rng, kind, when, hosts, normals)]
    if rng.random() < 0.06:
        taken = {part.stream for part in CHAINS[kind]}
        apart = [name for name, chain in CHAINS.items() if not taken & {part.stream for part in chain}]
        if apart:
            drawn.append(_draw(rng, rng.choice(apart), when + rng.uniform(1.0, 120.0), hosts[1:], normals))
    return drawn


def _draw(rng: random.Random, kind: str, when: float, hosts: tuple[str, ...], normals: Normals) -> TrueIncident:
    thin = kind.startswith("many hosts")
    host = rng.choice(hosts[:6])
    lasts = log_uniform(rng, 150.0, 1200.0)
    ramp = log_uniform(rng, 20.0, 180.0) if rng.random() < 0.15 else 0.0
    sparse_first = rng.random() < 0.2
    spikes: list[TrueSpike] = []
    onset = when
    for index, part in enumerate(CHAINS[kind]):
        onset += rng.uniform(*part.after)
        voice = voice_of(part.stream, part.direction, part.reason)
        if thin:
            struck: tuple[str | None, ...] = hosts[6:]
        elif not voice.names_host or (kind == "edge closes" and rng.random() < 0.5):
            struck = (None,)
        else:
            struck = (host,)
        normal = normals.rate(part.stream, struck, part.direction, part.reason)
        rate = _risen(rng, normal)
        if sparse_first and len(CHAINS[kind]) > 1:
            rate = max(log_uniform(rng, 0.12, 0.3), 6.0 * normal) if index == 0 else max(rate, 1.0)
        end = max(when + lasts, onset + 25.0 / rate)
        spikes.append(
            TrueSpike(
                part.stream,
                struck,
                part.direction,
                part.reason,
                voice.rejected_by,
                onset,
                end,
                rate,
                normal,
                ramp,
            )
        )
    return TrueIncident(kind, tuple(spikes))


def _risen(rng: random.Random, normal: float) -> float:
    """The rate that an outage adds: some 4 to 60 times a noisy key's normal; 0.15 to 8 a second on a quiet one."""
    if normal * MINUTE >= 0.5:
        return min(max(normal * log_uniform(rng, 4.0, 60.0), 0.1), 50.0)
    return log_uniform(rng, 0.15, 8.0)
