"""Several members, brokers that go and come, doors with locks."""

import time
from pathlib import Path

import pytest

from service.config.model import Secret
from tests.kafka.broker import PASSWORD, USER, Broker
from tests.kafka.using import Reading, create, produce

pytestmark = [pytest.mark.server("java", "mvn"), pytest.mark.timeout(120)]


def numbered(first: int, last: int) -> list[bytes]:
    return [b"line %d" % number for number in range(first, last)]


def test_members_come_and_go_and_every_record_is_read_by_one_of_them(broker: Broker) -> None:
    """What was queued for a member that loses a partition is dropped there, and read by the next one."""
    topic, expected = "handing-over", []
    create(broker.address, topic, 4)

    def more(step: int) -> None:
        for partition in range(4):
            lines = [b"%d/%d/%d" % (partition, step, number) for number in range(300)]
            produce(broker.address, topic, lines, partition=partition)
            expected.extend(lines)

    def read_all() -> list[bytes]:
        return [line for one in members for line in one.lines]

    def both(seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            moved = [one.step() for one in members]
            if not any(moved):
                time.sleep(0.005)

    first = Reading(broker.address, topic, group=topic)
    members = [first]
    more(0)
    first.until(lambda: len(first.lines) >= 500, "500 lines read")
    second = Reading(broker.address, topic, group=topic)
    members.append(second)
    for step in range(1, 6):
        more(step)
        both(0.5)
    deadline = time.monotonic() + 20
    while (len(read_all()) < len(expected) or second.source.health().parts != 2) and time.monotonic() < deadline:
        both(0.1)
    more(6)
    both(1.0)
    assert sorted(read_all()) == sorted(expected)
    assert first.source.health().parts == second.source.health().parts == 2
    assert min(len(first.lines), len(second.lines)) >= 600
    first.close()
    more(7)
    deadline = time.monotonic() + 20
    while len(read_all()) < len(expected) and time.monotonic() < deadline:
        second.step()
    both(0.5)
    assert sorted(read_all()) == sorted(expected)
    second.close()
    back = Reading(broker.address, topic, first.positions, group=topic)  # with positions that are long past
    members.append(back)
    more(8)
    back.until(lambda: len(read_all()) >= len(expected), "the rest read")
    assert sorted(read_all()) == sorted(expected)
    back.close()


def test_a_broker_that_went_away_is_waited_for_and_reading_goes_on_exactly(broker: Broker) -> None:
    topic = "broker-gone"
    create(broker.address, topic)
    produce(broker.address, topic, numbered(0, 100))
    reading = Reading(broker.address, topic, group=topic)
    reading.read(100)
    broker.stop()
    try:
        reading.until(lambda: reading.source.health().state == "failed", "failed")
        assert reading.source.health().text.startswith("kafka: ")
    finally:
        broker.start()
    produce(broker.address, topic, numbered(100, 200))
    reading.until(lambda: len(reading.lines) >= 200, "all lines read", 40)
    assert reading.read(200) == numbered(0, 200)
    reading.until(lambda: reading.source.health().state == "reading", "reading again")
    reading.close()


def test_without_any_broker_the_source_says_so_and_begins_when_there_is_one(tmp_path: Path) -> None:
    """It was never reachable since the start."""
    late = Broker(tmp_path / "late")
    reading = Reading(late.address, "t", group="g")
    try:
        reading.until(lambda: reading.source.health().state == "failed", "failed")
        assert late.address.partition(":")[0] in reading.source.health().text
        late.start()
        create(late.address, "t")
        produce(late.address, "t", numbered(0, 5))
        assert reading.read(5) == numbered(0, 5)
    finally:
        reading.close()
        late.stop(kill=True)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_sasl_over_tls(broker: Broker, mechanism: str) -> None:
    topic = f"sasl-{mechanism.lower()}"
    create(broker.address, topic)
    produce(broker.address, topic, numbered(0, 5))
    reading = Reading(
        broker.secure_address,
        topic,
        group=topic,
        protocol="SASL_SSL",
        mechanism=mechanism,
        username=USER,
        password=Secret(PASSWORD),
        ca_file=broker.ca,
    )
    assert reading.read(5) == numbered(0, 5)
    reading.close()


def test_a_wrong_password_is_said_and_never_shown(broker: Broker) -> None:
    reading = Reading(
        broker.secure_address,
        "t",
        group="wrong",
        protocol="SASL_SSL",
        mechanism="PLAIN",
        username=USER,
        password=Secret("swordfish"),
        ca_file=broker.ca,
    )
    reading.until(lambda: reading.source.health().state == "failed", "failed")
    text = reading.source.health().text
    reading.close()
    assert "uthentication failed" in text
    assert "swordfish" not in text
