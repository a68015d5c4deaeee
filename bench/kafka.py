"""``python -m bench.kafka``: Kafka to tally against a bare aiokafka ``getmany`` loop, records per CPU second.

Both read the same records of a real broker on loopback, each in a process of its own, in turns. CPU time counts from
the moment the program is loaded until the last record is counted; ours holds reader, tally, detector and store.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import logs
from bench.report import Row, table

FLOOR: Final = 0.7
RECORDS: Final = 1_000_000
ROUNDS: Final = 3
FAILURES_IN: Final = 1_000
"""One record in so many is a failed handshake."""
TOPIC: Final = "bench"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.kafka", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--compression", choices=["none", "gzip", "lz4", "zstd"], default="none")
    parser.add_argument("--run", nargs=4, metavar=("WHO", "ADDRESS", "RECORDS", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run is not None:
        who, address, records, folder = arguments.run
        print((_bare if who == "bare" else _ours)(address, int(records), Path(folder)))
        return 0
    with tempfile.TemporaryDirectory(prefix="handspike-bench-") as folder:
        row = measure(Path(folder), arguments.records, arguments.rounds, arguments.compression)
    print(table([row]))
    return 0 if row.is_met else 1


def measure(folder: Path, records: int, rounds: int, compression: str = "none") -> Row:
    """Fills a topic, then reads it ``rounds`` times with each program."""
    from tests.kafka.broker import Broker
    from tests.kafka.using import create

    broker = Broker(folder / "broker")
    broker.start()
    try:
        create(broker.address, TOPIC)
        asyncio.run(_fill(broker.address, records, None if compression == "none" else compression))
        seconds: dict[str, list[float]] = {"bare": [], "ours": []}
        for number in range(rounds + 1):
            for who, taken in seconds.items():
                place = folder / f"{who}-{number}"
                place.mkdir()
                taken.append(_run(who, broker.address, records, place))
    finally:
        broker.stop(kill=True)
    bare, ours = (records / median(taken[1:]) for taken in seconds.values())  # the first round warms up
    detail = f"{ours:,.0f} against {bare:,.0f} records per CPU second, {records:,} records, {compression}"
    return Row("Kafka to tally, times a bare getmany loop", ours / bare, "x", FLOOR, detail=detail)


async def _fill(address: str, records: int, compression: str | None) -> None:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(
        bootstrap_servers=address, linger_ms=20, max_batch_size=256 << 10, compression_type=compression
    )
    await producer.start()
    start = datetime.now(UTC) - timedelta(seconds=records / 1_000)
    for number in range(records):
        at = start + timedelta(milliseconds=number, microseconds=number % 1_000)
        line = logs.failing_line(at) if number % FAILURES_IN == 0 else logs.access_line(at)
        await producer.send(TOPIC, line.rstrip())
    await producer.stop()


def _run(who: str, address: str, records: int, folder: Path) -> float:
    command = [sys.executable, "-m", "bench.kafka", "--run", who, address, str(records), str(folder)]
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.split()[-1])


def _bare(address: str, records: int, folder: Path) -> float:
    from aiokafka import AIOKafkaConsumer

    async def read() -> float:
        consumer = AIOKafkaConsumer(
            TOPIC,
            bootstrap_servers=address,
            group_id=folder.name,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        before = _cpu()
        await consumer.start()
        left = records
        while left > 0:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                left -= len(batch)
        used = _cpu() - before
        await consumer.stop()
        return used

    return asyncio.run(read())


def _ours(address: str, records: int, folder: Path) -> float:
    from service.config import load
    from service.engine.serve import Service, settle_memory

    (folder / "streams.yaml").write_text(
        "service: {listen: '127.0.0.1:0'}\n"
        "streams:\n  edge: {hop: edge, format: nginx, source: {kafka: "
        f"{{brokers: ['{address}'], topic: {TOPIC}, group: {folder.name}}}}}}}\n"
    )
    service = Service(load(folder / "streams.yaml"))
    settle_memory()
    before = _cpu()
    service.start()
    shown: Any = None
    while shown is None or shown.lines < records:
        time.sleep(0.02)
        shown = service.engine.shown.streams.get("edge")
    used = _cpu() - before
    service.stop()
    if shown.lines != records or shown.failures != -(-records // FAILURES_IN):
        raise AssertionError(f"{shown.lines} lines and {shown.failures} failures of {records} records")
    return used


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
