"""The same failures as real log files, for ``handspike scan``: five programs' records among healthy ones, rotated."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.whofirst.truth import Event
from bench.whofirst.voices import HOPS, record, voice_of, written
from bench.whofirst.world import World
from service.scan import ScanStream

HEALTHY_EVERY_SECONDS: Final = 10.0

_HEALTHY_NGINX: Final = "TIME [info] 31#31: *8 client 192.0.2.9 closed keepalive connection"
_HEALTHY: Final = {
    "edge": _HEALTHY_NGINX,
    "ingress": _HEALTHY_NGINX,
    "lb": '192.0.2.7:51000 [TIME] fe~ app/s1 0/0/1/2/3 200 117 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"',
    "mesh": '[TIME] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 5 1 1 "-" "curl/8.5.0" "8d9e" "cart" "192.0.2.40:8443"',
    "app": "TIME INFO [orders.sync] 12 orders sent",
}


def write_logs(
    world: World, events: dict[str, list[Event]], folder: Path, rotated: str | None = None
) -> list[ScanStream]:
    """One file a stream, ready to scan; the stream ``rotated`` has two: ``NAME.log.1`` holds the older half."""
    listeners = {host: f"192.0.2.{100 + index}:443" for index, host in enumerate(world.hosts)}
    streams = []
    for hop in HOPS:
        lines = list(_lines(world, hop.name, hop.resolution, events[hop.name], listeners))
        path = folder / f"{hop.name}.log"
        paths = [path]
        if hop.name == rotated:
            older = folder / f"{hop.name}.log.1"
            older.write_text("".join(lines[: len(lines) // 2]))
            lines = lines[len(lines) // 2 :]
            paths = [older, path]
        path.write_text("".join(lines))
        streams.append(
            ScanStream(
                name=hop.name,
                hop=hop.name,
                format=hop.format,
                paths=[str(one) for one in paths],
                hosts={listener: host for host, listener in listeners.items()},
                follows=list(hop.follows),
            )
        )
    return streams


def _lines(
    world: World, stream: str, resolution: float, events: list[Event], listeners: dict[str, str]
) -> Iterator[str]:
    """Records in the order in which they were written, a healthy one at least every so often."""
    offset = world.offsets[stream]
    healthy = world.start
    for event in [*events, None]:
        until = world.end if event is None else event.arrived
        while healthy <= until:
            yield (
                _HEALTHY[stream].replace("TIME", written(stream, (healthy + offset) // resolution * resolution)) + "\n"
            )
            healthy += HEALTHY_EVERY_SECONDS
        if event is None:
            return
        key = event.key
        voice = voice_of(stream, key.direction, key.reason)
        server = "0.0.0.0:443" if key.host is None else listeners[key.host]
        yield record(stream, voice, event.logged, key.host, event.peer, server) + "\n"
