"""How a member stands: for people, for metrics, and for the stream's watermark."""

import time
from collections.abc import Iterable
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from service.config.model import KafkaSource as Settings
from service.sources import kafka_wire
from service.sources.kafka_desk import Desk
from service.sources.source import Health

STALE_SECONDS: Final = 2.0
"""A partition that was not fetched from for so long isn't known to be read to its end."""


class Standing(msgspec.Struct):
    """What a member knows of itself."""

    problem: str = ""
    """Why nothing can be read now."""
    note: str = ""
    """What went wrong once, and is not to be forgotten."""
    subscribed: set[str] = set()
    rebalancing: bool = False
    mean_bytes: float = 10_000.0
    """Of the records lately; the first fetch of an unknown topic takes few."""


def health(settings: Settings, desk: Desk, standing: Standing, consumer: AIOKafkaConsumer | None) -> Health:
    """``consumer``: None while there is none to ask."""
    placed = desk.placed()
    waiting = desk.waiting_bytes
    if standing.problem:
        return Health("failed", standing.problem, max(waiting, 1), len(placed))
    if not standing.subscribed:
        return Health("waiting", f"topic {' or '.join(settings.wanted)} does not exist yet", waiting)
    if not placed and not standing.rebalancing:
        return Health("waiting", f"group {settings.group} has given this member no partition", waiting)
    exact = [topic for topic in settings.wanted if not topic.startswith("^")]
    missing = [topic for topic in exact if topic not in standing.subscribed]
    texts = [f"topic {', '.join(missing)} does not exist yet"] if missing else []
    texts += [standing.note] if standing.note else []
    behind = 1
    if consumer is not None and not standing.rebalancing:
        behind = _behind(consumer, desk, placed, standing.mean_bytes)
    return Health("reading", "; ".join(texts), waiting + behind, len(placed))


def _behind(consumer: AIOKafkaConsumer, desk: Desk, placed: Iterable[TopicPartition], mean_bytes: float) -> int:
    """Bytes that the broker holds for us, about; never 0 while that isn't sure."""
    records = 0
    is_sure = True
    oldest = (time.time() - STALE_SECONDS) * 1000
    assigned = consumer.assignment()
    for at in placed:
        partition = desk.partition(at)
        if at not in assigned or partition is None:
            return 1
        end, looked = consumer.highwater(at), consumer.last_poll_timestamp(at)
        stable = consumer.last_stable_offset(at)
        if end is None or looked is None or looked < oldest:
            is_sure = False
            continue
        fetched = max(partition.fetched, kafka_wire.fetch_position(consumer, at))
        records += max((stable if stable is not None and stable >= 0 else end) - fetched, 0)
    return int(records * mean_bytes) or (0 if is_sure else 1)
