"""What aiokafka's public side lacks: topic ids, a look at topics that creates none, the metadata of group commits.

The one place that touches its private names.
"""

import asyncio
import logging
import threading
from functools import partial
from io import BytesIO
from typing import Any, ClassVar, Final
from uuid import UUID

import aiokafka.client
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest, MetadataRequest_v5
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from service.sources.kafka_partition import Position, load_position

ASK_SECONDS: Final = 5.0
"""A broker that takes longer for a small answer is taken to be gone."""
_NO_ERROR: Final = 0
_NO_LEADER: Final = 5
_NOT_ALLOWED: Final = 29

Topics = dict[str, str | None]
"""Topics that exist, with their ids where the broker tells them."""


# A reader that asks for a topic must not bring it about: a deleted one would be back, empty, at its next look.
aiokafka.client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)


def as_they_are(value: bytes | None) -> bytes | None:
    """A value deserializer that also says: no object per record around it, which would cost as much as all the rest."""
    return value


class _Records(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """Hands out the decoder's own records, which have ``offset``, ``timestamp`` and ``value`` too."""

    def _consumer_record(self, tp: TopicPartition, record: Any) -> Any:
        return record if self._value_deserializer is as_they_are else super()._consumer_record(tp, record)


fetcher.PartitionRecords = _Records


class _Id(AbstractType[bytes]):  # type: ignore[misc]  # aiokafka has no types
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


class _TopicsAnswer(Response):  # type: ignore[misc]
    """Metadata response, version 12."""

    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", _Id),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _TopicsQuestion(RequestStruct):  # type: ignore[misc]
    """Metadata request, version 12 (Kafka 3.0 and newer)."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _TopicsAnswer
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Id), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _AskTopics(Request[MetadataRequest_v5 | _TopicsQuestion]):  # type: ignore[misc]
    API_KEY: ClassVar[int] = 3

    def __init__(self, topics: list[str] | None) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:
        if request_struct_class is _TopicsQuestion:
            asked: list[tuple[bytes, str, dict[int, bytes]]] | None
            asked = None if self._topics is None else [(bytes(16), topic, {}) for topic in self._topics]
            return _TopicsQuestion(asked, False, False, {})
        return request_struct_class(self._topics, False)


async def topics(consumer: AIOKafkaConsumer, names: list[str] | None) -> Topics:
    """Which of ``names`` exist (None: all topics there are). Creates none, whatever the broker's settings.

    Raises:
        KafkaError: no broker answers, or one of the topics may not be read.
    """
    client = consumer._client
    nodes = [broker.nodeId for broker in client.cluster.brokers()]
    problem = "no broker is known"
    for node in nodes:
        try:
            answer = await asyncio.wait_for(client.send(node, _AskTopics(names)), ASK_SECONDS)
        except (KafkaError, OSError, TimeoutError) as error:
            problem = str(error) or type(error).__name__
            continue
        found: Topics = {}
        for error_code, name, *more in answer.topics:
            if error_code == _NOT_ALLOWED and names is not None:
                raise KafkaError(f"not authorized to read topic {name}")
            if error_code in {_NO_ERROR, _NO_LEADER} and name:
                topic_id = more[0] if answer.API_VERSION == 12 else b""
                found[name] = str(UUID(bytes=topic_id)) if any(topic_id) else None
        return found
    raise KafkaConnectionError(problem)


async def group_position(consumer: AIOKafkaConsumer, partition: TopicPartition) -> Position | None:
    """What the group's last commit says; with skip and topic id where one of us wrote it."""
    state = consumer._subscription.subscription.assignment.state_value(partition)
    committed = await asyncio.wait_for(state.fetch_committed(), ASK_SECONDS)
    if committed is None or committed.offset < 0:
        return None
    ours = load_position((committed.metadata or "").encode())
    return ours if ours is not None and ours.offset == committed.offset else Position(committed.offset)


def fetch_position(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
    """Where the next fetch begins: past control records too, which are never handed out. -1 before the first seek."""
    state = consumer._subscription.subscription.assignment.state_value(partition)
    return int(state.position) if state.has_valid_position else -1


class LastWords(logging.Handler):
    """Keeps what aiokafka last complained of in this thread; its log says more than its exceptions do."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""
        self._thread = threading.get_ident()
        self._log = logging.getLogger("aiokafka")
        self._log.addHandler(self)
        self._log.propagate = False  # while a broker is gone it would write several lines each second

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.text = record.getMessage()[:300]

    def end(self) -> None:
        self._log.removeHandler(self)
