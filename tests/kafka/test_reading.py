"""What the source reads from a real broker, and where it goes on after a restart."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.kafka.broker import Broker
from tests.kafka.using import Reading, create, delete, forget_before, group_offset, produce

pytestmark = [pytest.mark.server("java", "mvn"), pytest.mark.timeout(90)]


def numbered(first: int, last: int) -> list[bytes]:
    return [b"line %d" % number for number in range(first, last)]


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name of the test's own; nothing is created."""
    yield request.node.name.partition("[")[0][5:50]


def test_every_compression_is_read(broker: Broker, topic: str) -> None:
    create(broker.address, topic)
    expected = []
    for index, compression in enumerate((None, "gzip", "snappy", "lz4", "zstd")):
        lines = numbered(index * 500, index * 500 + 500)
        produce(broker.address, topic, lines, compression=compression)
        expected += lines
    reading = Reading(broker.address, topic, group=topic)
    assert reading.read(2500) == expected
    reading.close()


def test_values_are_lines_envelopes_or_batches_and_binary_ones_are_counted(broker: Broker, topic: str) -> None:
    create(broker.address, topic)
    envelope = json.dumps({"log": "from a pod\n", "stream": "stderr"}).encode()
    values = [b"one", b"two\n", envelope, b"three\nfour\nfive\n", None, b"", b"\x00\x00\x00\x01avro", b"six\x00"]
    produce(broker.address, topic, values)
    reading = Reading(broker.address, topic, group=topic)
    assert reading.read(7) == [b"one", b"two", envelope, b"three", b"four", b"five", b"six"]
    assert reading.dropped == {"binary_record": 1}
    assert json.loads(reading.positions[f"{topic}/0"])["offset"] == 8
    reading.close()


def test_a_record_of_which_half_was_read_goes_on_at_that_byte(broker: Broker, topic: str) -> None:
    create(broker.address, topic)
    produce(broker.address, topic, [b"a\nb", b"c\nd\ne", b"f"])
    first = Reading(broker.address, topic, group=topic)
    first.until(lambda: first.step(lambda data: data.index(b"d")), "a block")
    assert first.lines == [b"a", b"b", b"c"]
    first.close()
    position = json.loads(first.positions[f"{topic}/0"])
    assert (position["offset"], position["skip"]) == (1, 2)
    again = Reading(broker.address, topic, first.positions, group=topic)
    assert again.read(3) == [b"d", b"e", b"f"]
    again.close()


def test_the_groups_offset_follows_what_is_stored_and_never_runs_ahead(broker: Broker, topic: str) -> None:
    create(broker.address, topic)
    produce(broker.address, topic, numbered(0, 10))
    reading = Reading(broker.address, topic, group=topic, stores=False)
    reading.read(10)
    time.sleep(1.3)
    assert group_offset(broker.address, topic, topic) == 0
    reading.source.stored()
    reading.until(lambda: group_offset(broker.address, topic, topic) == 10, "committed to the group")
    reading.close()
    assert reading.source.health().parts == 1


def test_what_was_read_and_not_stored_is_read_again(broker: Broker, topic: str) -> None:
    create(broker.address, topic)
    produce(broker.address, topic, numbered(0, 10))
    reading = Reading(broker.address, topic, group=topic)
    reading.read(10)
    stored = dict(reading.positions)
    produce(broker.address, topic, numbered(10, 20))
    reading.stores = False
    reading.read(20)
    reading.close()
    again = Reading(broker.address, topic, stored, group=topic)
    assert again.read(10) == numbered(10, 20)
    again.close()


def test_a_topic_that_is_not_there_is_waited_for_and_not_created(broker: Broker, topic: str) -> None:
    reading = Reading(broker.address, topic, group=topic, start="end")
    reading.until(lambda: "does not exist yet" in reading.source.health().text, "waiting")
    time.sleep(2.5)
    assert reading.source.health().state == "waiting"
    create(broker.address, topic)  # fails if waiting had created it
    produce(broker.address, topic, numbered(0, 5))
    assert reading.read(5) == numbered(0, 5)  # from the beginning: it came after the first start
    assert reading.source.health().state == "reading"
    reading.close()


def test_start_end_begins_at_the_end_once_and_only_once(broker: Broker, topic: str) -> None:
    create(broker.address, topic)
    produce(broker.address, topic, numbered(0, 5))
    reading = Reading(broker.address, topic, group=topic, start="end")
    reading.until(lambda: f"{topic}/0" in reading.positions, "begun")
    reading.close()
    assert reading.lines == []
    produce(broker.address, topic, numbered(5, 8))
    again = Reading(broker.address, topic, reading.positions, group=topic, start="end")
    assert again.read(3) == numbered(5, 8)
    again.close()


def test_a_topic_made_anew_while_we_read_is_read_from_its_beginning(broker: Broker, topic: str) -> None:
    create(broker.address, topic)
    produce(broker.address, topic, numbered(0, 50))
    reading = Reading(broker.address, topic, group=topic)
    reading.read(50)
    delete(broker.address, topic)
    create(broker.address, topic)
    produce(broker.address, topic, numbered(100, 120))
    assert reading.read(70) == numbered(0, 50) + numbered(100, 120)
    assert reading.dropped == {}
    reading.close()


def test_a_topic_made_anew_while_we_were_away_is_read_from_its_beginning(broker: Broker, topic: str) -> None:
    """It holds more records than the old one did: only its id tells that it is another."""
    create(broker.address, topic)
    produce(broker.address, topic, numbered(0, 50))
    reading = Reading(broker.address, topic, group=topic)
    reading.read(50)
    reading.close()
    delete(broker.address, topic)
    create(broker.address, topic)
    produce(broker.address, topic, numbered(100, 200))
    again = Reading(broker.address, topic, reading.positions, group=topic)
    assert again.read(100) == numbered(100, 200)
    assert again.dropped == {}
    again.close()


def test_what_retention_took_before_we_read_it_is_a_gap_of_so_many_records(broker: Broker, topic: str) -> None:
    create(broker.address, topic)
    produce(broker.address, topic, numbered(0, 10))
    reading = Reading(broker.address, topic, group=topic)
    reading.read(10)
    reading.close()
    produce(broker.address, topic, numbered(10, 40))
    forget_before(broker.address, topic, 35)
    again = Reading(broker.address, topic, reading.positions, group=topic)
    assert again.read(5) == numbered(35, 40)
    assert again.dropped == {"gap": 25}
    assert "retention ran past us: 25 records from offset 10" in again.source.health().text
    again.close()


def test_a_pattern_reads_every_topic_of_that_whole_name(broker: Broker, topic: str) -> None:
    for name in ("tls-edge", "tls-lb", "xtls-edge", "tls-edge-x"):
        create(broker.address, name)
        produce(broker.address, name, [name.encode()])
    reading = Reading(broker.address, "^tls-(edge|lb)", group=topic)
    assert sorted(reading.read(2)) == [b"tls-edge", b"tls-lb"]
    assert sorted(reading.positions) == ["tls-edge/0", "tls-lb/0"]
    reading.close()
