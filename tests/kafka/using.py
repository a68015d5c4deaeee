"""What tests do with a broker: produce, administrate, and read through a source as the engine does."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from service.config.model import KafkaSource as Settings
from service.sources.kafka import KafkaSource

T = TypeVar("T")


def produce(
    address: str, topic: str, values: Sequence[bytes | None], *, partition: int = 0, compression: str | None = None
) -> None:
    async def send() -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=address, compression_type=compression, linger_ms=5, max_request_size=8_000_000
        )
        await producer.start()
        try:
            waiting = [await producer.send(topic, value, key=b"k", partition=partition) for value in values]
            await asyncio.gather(*waiting)
        finally:
            await producer.stop()

    asyncio.run(send())


def _administrate(address: str, work: Callable[[AIOKafkaAdminClient], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        admin = AIOKafkaAdminClient(bootstrap_servers=address)
        await admin.start()
        try:
            return await work(admin)
        finally:
            await admin.close()

    return asyncio.run(run())


def create(address: str, topic: str, partitions: int = 1) -> None:
    """Waits for a deletion of the same name to be over."""
    deadline = time.monotonic() + 15
    while True:

        async def work(admin: AIOKafkaAdminClient) -> int:
            answer = await admin.create_topics([NewTopic(topic, partitions, 1)])
            return int(answer.topic_errors[0][1])

        code = _administrate(address, work)
        if code == 0:
            return
        if code != TopicAlreadyExistsError.errno or time.monotonic() > deadline:
            raise KafkaError(f"create {topic}: {code}")
        time.sleep(0.1)


def delete(address: str, topic: str) -> None:
    async def work(admin: AIOKafkaAdminClient) -> None:
        await admin.delete_topics([topic])

    _administrate(address, work)


def forget_before(address: str, topic: str, offset: int) -> None:
    """As retention does it."""

    async def work(admin: AIOKafkaAdminClient) -> None:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=offset)})

    _administrate(address, work)


def group_offset(address: str, group: str, topic: str, partition: int = 0) -> int:
    """What lag tools see; -1 for none."""

    async def work(admin: AIOKafkaAdminClient) -> int:
        found = await admin.list_consumer_group_offsets(group)
        at = TopicPartition(topic, partition)
        return int(found[at].offset) if at in found else -1

    return _administrate(address, work)


class Reading:
    """A source, read as the engine reads it: a block, consumed up to its last newline, stored at once."""

    def __init__(
        self,
        address: str,
        topic: str,
        positions: dict[str, bytes] | None = None,
        *,
        group: str = "handspike",
        stores: bool = True,
        **more: Any,
    ) -> None:
        settings = Settings(brokers=(address,), topic=topic, group=group, **more)
        self.source = KafkaSource(settings, wake=lambda: None)
        self.positions = dict(positions or {})
        self.lines: list[bytes] = []
        self.dropped: dict[str, int] = {}
        self.stores = stores
        self.source.restore(dict(self.positions))

    def step(self, consume: Callable[[bytes], int] | None = None) -> bool:
        block = self.source.next_block()
        if block is None:
            return False
        data = block.data
        count = len(data) if block.final else data.rfind(b"\n") + 1
        if consume is not None:
            count = consume(data)
        self.lines += data[:count].splitlines()
        for cause, dropped in block.dropped.items():
            self.dropped[cause] = self.dropped.get(cause, 0) + dropped
        for part, position in self.source.consumed(block, count).items():
            assert position is not None
            self.positions[part] = position
        if self.stores:
            self.source.stored()
        return True

    def until(self, holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, (
                f"not {what} in {seconds} s: {self.source.health()}, {len(self.lines)} lines"
            )
            if not self.step():
                time.sleep(0.005)

    def read(self, count: int) -> list[bytes]:
        """The first ``count`` lines; fails if there are more after a moment."""
        self.until(lambda: len(self.lines) >= count, f"{count} lines read")
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            if not self.step():
                time.sleep(0.01)
        return self.lines

    def close(self) -> None:
        self.source.close()
