"""``kill -9`` of ``handspike serve`` while it reads from Kafka: every count comes out exact."""

import random
import time
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.using import create, group_offset, produce
from tests.service.live import LiveService
from tests.service.test_kill import app_log, edge_log

pytestmark = [pytest.mark.server("java", "mvn")]


def run_with_kills(broker: Broker, folder: Path, kills: int, seed: int) -> None:
    """nginx lines one per record on three partitions; an application's traces, several lines per record, cut anywhere."""
    rng = random.Random(seed)
    edge_topic, app_topic = f"kill-edge-{seed}", f"kill-app-{seed}"
    create(broker.address, edge_topic, 3)
    create(broker.address, app_topic)
    service = LiveService(
        folder,
        f"  edge: {{hop: edge, format: nginx, source: {{kafka: {{brokers: ['{broker.address}'], topic: {edge_topic}}}}}}}\n"
        f"  app: {{hop: app, format: app, follows: [edge], source: {{kafka: {{brokers: ['{broker.address}'],"
        f" topic: {app_topic}, group: other}}}}}}\n",
    )
    start = float(int(time.time()) - 300)
    edge, app = edge_log(start, rng), app_log(start)
    edge_at = app_at = 0
    for round_number in range(kills):
        last = round_number == kills - 1
        more = len(edge) if last else edge_at + rng.randrange(len(edge) // kills * 2)
        for partition in range(3):
            produce(
                broker.address,
                edge_topic,
                [line.rstrip() for line in edge[edge_at:more][partition::3]],
                partition=partition,
            )
        edge_at = min(more, len(edge))
        values = []
        more = len(app) if last else app_at + rng.randrange(len(app) // kills * 2)
        while app_at < min(more, len(app)):
            size = rng.randrange(1, 9)
            while b"\n" in app[app_at + size - 1 : app_at + size + 1]:
                size += 1  # a record neither begins nor ends with an empty line
            values.append(b"".join(app[app_at : app_at + size]))
            app_at += size
            while app_at >= more and app_at < len(app) and not app[app_at].startswith(b"2"):
                more += 1  # a round ends where an event ends: nothing more comes for a second
        produce(broker.address, app_topic, values)
        service.start(wait=rng.random() < 0.7)
        time.sleep(rng.random() * 1.5)
        service.kill()
    service.start()
    try:
        wanted = {"edge": (len(edge), 24 + 90), "app": (len(app), 60)}
        service.wait_for(lambda: all(service.counts()[name]["lines"] >= wanted[name][0] for name in wanted), "read", 40)
        time.sleep(1.5)
        assert {name: (one["lines"], one["failures"]) for name, one in service.counts().items()} == wanted
        assert all(not one["dropped"] for one in service.counts().values())
        assert 'handspike_stream_up{stream="edge"} 1.0' in service.text("/metrics")
        told = [group_offset(broker.address, "handspike", edge_topic, partition) for partition in range(3)]
        assert sum(told) == len(edge)
    finally:
        assert service.stop() == 0


@pytest.mark.timeout(120)
def test_five_kills_lose_and_double_nothing(broker: Broker, tmp_path: Path) -> None:
    run_with_kills(broker, tmp_path, kills=5, seed=1)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2, 7))
def test_fifty_kills(broker: Broker, tmp_path: Path, seed: int) -> None:
    run_with_kills(broker, tmp_path, kills=10, seed=seed)
