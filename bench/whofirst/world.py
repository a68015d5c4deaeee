"""One installation for some hours: five streams, their clocks, their normal noise, and the incidents that befall it."""

import random
from typing import Final

import msgspec

from bench.whofirst.incidents import Normals, draw_incident
from bench.whofirst.noise import DAY_SECONDS, Bursty, Load, Noise, Periodic, Process, Steady, log_uniform
from bench.whofirst.truth import TrueIncident
from bench.whofirst.voices import HOPS

EPOCH: Final = 1_795_200_000.0
WARM_UP_SECONDS: Final = 1800.0
MINUTE: Final = 60.0


class World(msgspec.Struct):
    seed: int
    start: float
    end: float
    hosts: tuple[str, ...]
    load: Load
    offsets: dict[str, float]
    """How far each stream's clock is ahead, in seconds."""
    few_clients: bool
    """The edge stands behind a balancer: all its clients share three addresses."""
    stall: tuple[str, float, float]
    """(stream, from, to): its records of that time are all written at the end of it."""
    noises: list[Noise] = []
    incidents: list[TrueIncident] = []

    @property
    def hours(self) -> float:
        return (self.end - self.start) / 3600.0


def draw_world(seed: int, hours: float = 30.0, incidents_per_hour: float = 0.5) -> World:
    """All of it follows from ``seed``."""
    rng = random.Random(seed)
    start, end = EPOCH, EPOCH + hours * 3600.0
    stalled = rng.uniform(start, end)
    world = World(
        seed=seed,
        start=start,
        end=end,
        hosts=tuple(f"{name}{seed}.example" for name in ("shop", "api", "pay", "www", "img", "auth"))
        + tuple(f"t{index}.tenants{seed}.example" for index in range(rng.choice((6, 40, 80)))),
        load=Load(rng.uniform(0.0, 0.5), start + rng.uniform(0.0, DAY_SECONDS)),
        offsets={hop.name: rng.gauss(0.0, 0.05) for hop in HOPS},
        few_clients=rng.random() < 0.2,
        stall=(rng.choice(HOPS).name, stalled, stalled + rng.uniform(30.0, 300.0)),
    )
    if rng.random() < 0.2:
        world.offsets[rng.choice(HOPS).name] += rng.choice((-1.0, 1.0)) * rng.uniform(1.0, 4.0)
    _add_normal(world, rng)
    _add_episodes(world, rng)
    normals = Normals(world.noises)
    when = start + WARM_UP_SECONDS
    while when < end - 2400.0:
        world.incidents.extend(draw_incident(rng, when, world.hosts, normals))
        ends = max(spike.end for incident in world.incidents for spike in incident.spikes)
        when = max(ends + 1500.0, when + rng.uniform(0.6, 1.4) * 3600.0 / incidents_per_hour)
    return world


def _add_normal(world: World, rng: random.Random) -> None:
    """Rates per minute, as healthy logs of each hop show them: noisy in front, rare behind."""
    add = _Adder(world, rng)
    named = world.hosts[:4]
    for _ in range(rng.randint(1, 3)):
        add("edge", None, "downstream", "closed_by_peer", Periodic(rng.choice((5.0, 10.0, 15.0))))
    add("edge", None, "downstream", "closed_by_peer", add.some(0.5, 20.0))
    add("edge", None, "downstream", "not_tls", add.some(0.1, 2.0))
    add("edge", None, "downstream", "unrecognized_name", add.some(0.1, 4.0))
    for host in named:
        for reason in ("closed_by_peer", "version_mismatch", "reset", "timeout", "no_shared_cipher"):
            if rng.random() < 0.7:
                add("edge", host, "downstream", reason, add.some(0.02, 8.0))
        add("edge", host, "downstream", "unknown_issuer", add.some(0.01, 0.5, retries_only=True))
        add("app", host, "upstream", "timeout", add.some(0.01, 0.5))
        add("app", host, "upstream", "closed_by_peer", add.some(0.01, 0.5))
    add("edge", None, "upstream", "timeout", add.some(0.02, 2.0))
    add("edge", None, "upstream", "closed_by_peer", add.some(0.02, 2.0))
    for _ in range(2):
        add("lb", None, "downstream", "closed_by_peer", Periodic(rng.choice((2.0, 5.0))))
    add("lb", None, "downstream", "generic_failure", add.some(0.1, 6.0))
    for host in named:
        add("lb", host, "downstream", "version_mismatch", add.some(0.02, 3.0))
    add("lb", None, "upstream", "certificate_unknown", add.some(0.005, 0.05, retries_only=True))
    for _ in range(2):
        add("ingress", None, "downstream", "closed_by_peer", Periodic(rng.choice((2.0, 5.0, 10.0))))
    add("ingress", None, "downstream", "timeout", add.some(0.02, 1.0))
    add("ingress", None, "upstream", "timeout", add.some(0.02, 2.0))
    add("ingress", None, "upstream", "closed_by_peer", add.some(0.02, 2.0))
    add("mesh", named[0], "downstream", "missing", add.some(0.01, 0.5, retries_only=True))
    add("mesh", None, "upstream", "timeout", add.some(0.02, 2.0))
    add("mesh", None, "upstream", "generic_failure", add.some(0.02, 4.0))


def _add_episodes(world: World, rng: random.Random) -> None:
    """Scanners, stubborn clients, new monitors, a second health checker: none of them is an outage."""
    hours = world.hours

    def moments(per_hour: float) -> list[float]:
        return [rng.uniform(world.start, world.end - 900.0) for _ in range(round(per_hour * hours))]

    def add(stream: str, host: str | None, reason: str, process: Process, at: float, lasts: float) -> None:
        until = min(at + lasts, world.end)
        world.noises.append(Noise(stream, (host,), "downstream", reason, process, at, until, normal=False))

    if not world.few_clients:
        for at in moments(0.5):
            lasts, pace = rng.uniform(3.0, 120.0), log_uniform(rng, 1.0, 40.0)
            for reason in rng.sample(("not_tls", "version_mismatch", "no_shared_cipher", "closed_by_peer", "reset"), 3):
                add("edge", None, reason, Steady(pace / 3.0), at, lasts)
        for at in moments(0.4):
            reason = rng.choice(("unknown_issuer", "version_mismatch", "reset", "certificate_unknown"))
            host = rng.choice(world.hosts[:6])
            add("edge", host, reason, Periodic(rng.uniform(0.5, 20.0), 0.4), at, rng.uniform(120.0, 3600.0))
        for at in moments(0.04):
            add("edge", None, "closed_by_peer", Periodic(rng.choice((5.0, 10.0))), at, world.end - at)
    for at in moments(0.03):
        stream = rng.choice(("lb", "ingress"))
        add(stream, None, "closed_by_peer", Periodic(5.0), at, world.end - at)


class _Adder:
    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng

    def __call__(self, stream: str, host: str | None, direction: str, reason: str, process: Process) -> None:
        world = self._world
        world.noises.append(Noise(stream, (host,), direction, reason, process, world.start, world.end))

    def some(self, low: float, high: float, retries_only: bool = False) -> Process:
        """Between ``low`` and ``high`` a minute; a third of all come in groups.

        ``retries_only``: a group is one client that tries again. Many clients that refuse a certificate in one moment
        would be an outage, whatever it is called.
        """
        rng = self._rng
        rate = log_uniform(rng, low, high) / MINUTE
        kind = rng.random()
        if kind < 0.15:
            return Bursty(rate, rng.uniform(1.5, 4.0), rng.uniform(1.0, 10.0), one_peer=retries_only)
        if kind < 0.35:
            return Bursty(rate, size=rng.uniform(1.3, 3.0), spread=rng.uniform(1.0, 8.0), one_peer=True)
        return Steady(rate)
