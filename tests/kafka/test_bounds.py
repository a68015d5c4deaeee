"""Large, many, hostile: memory stays bounded and nothing else suffers."""

import asyncio
import os
import time

import pytest
from aiokafka import AIOKafkaProducer

from service.sources.kafka_desk import MOST_WAITING_BYTES
from service.sources.kafka_pieces import PIECE_BYTES
from tests.kafka.broker import Broker
from tests.kafka.using import Reading, create, produce

pytestmark = [pytest.mark.server("java", "mvn"), pytest.mark.timeout(90)]


def test_a_reader_that_is_slow_makes_the_broker_wait(broker: Broker) -> None:
    """60 MB are there, packed so well that one fetch brings them all; the queue takes 16 MiB and one piece."""
    topic = "slow"
    create(broker.address, topic)
    line = b"x" * 20_000
    produce(broker.address, topic, [line] * 3_000, compression="lz4")
    reading = Reading(broker.address, topic, group=topic)
    until = time.monotonic() + 2.0
    while time.monotonic() < until and reading.source._desk.waiting_bytes < MOST_WAITING_BYTES:
        time.sleep(0.02)
    time.sleep(0.5)
    assert MOST_WAITING_BYTES <= reading.source._desk.waiting_bytes < MOST_WAITING_BYTES + 2 * PIECE_BYTES
    assert len(reading.read(3_000)) == 3_000
    assert reading.source._desk.waiting_bytes == 0
    reading.close()


def test_records_larger_than_a_fetch_are_read_and_long_lines_are_cut(broker: Broker) -> None:
    topic = "large"
    create(broker.address, topic)
    produce(broker.address, topic, [b"y" * 3_000_000, b"\n".join([b"z" * 99] * 30_000), b"end"])
    reading = Reading(broker.address, topic, group=topic)
    lines = reading.read(30_002)
    assert [len(lines[0]), lines.count(b"z" * 99), lines[-1]] == [1 << 20, 30_000, b"end"]
    assert reading.dropped == {"line_too_long": 1}
    reading.close()


def test_a_topic_full_of_binary_is_passed_over_and_counted(broker: Broker) -> None:
    topic = "binary"
    create(broker.address, topic)
    produce(broker.address, topic, [b"\0" + os.urandom(2_000) for _ in range(2_000)] + [b"a line"])
    reading = Reading(broker.address, topic, group=topic)
    assert reading.read(1) == [b"a line"]
    assert reading.dropped == {"binary_record": 2_000}
    reading.close()


def test_aborted_transactions_are_not_read_and_the_end_is_known_behind_their_marks(broker: Broker) -> None:
    topic = "transactions"
    create(broker.address, topic)

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=broker.address, transactional_id="t")
        await producer.start()
        for value, commits in ((b"kept", True), (b"aborted", False), (b"kept too", True)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, value)
            await (producer.commit_transaction() if commits else producer.abort_transaction())
        await producer.stop()

    asyncio.run(send())
    reading = Reading(broker.address, topic, group=topic)
    assert reading.read(2) == [b"kept", b"kept too"]
    reading.until(lambda: reading.source.health().lag_bytes == 0, "at the end")
    reading.close()
