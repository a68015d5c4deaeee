"""A member of the consumer group: an asyncio loop in a thread of its own that joins, seeks, fetches and hands over."""

import asyncio
import re
import threading
import time
from collections.abc import Collection
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from service.config.model import KafkaSource as Settings
from service.sources import kafka_wire
from service.sources.kafka_connecting import new_consumer
from service.sources.kafka_desk import Desk
from service.sources.kafka_health import Standing, health
from service.sources.kafka_partition import Piece, Position, further, is_of
from service.sources.kafka_pieces import PIECE_BYTES, pieces
from service.sources.source import Health

FIRST_RETRY_SECONDS: Final = 0.5
LONGEST_RETRY_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 2.0
"""How often the topics are asked for: new, gone, made anew; and whether a broker answers at all."""
LOOK_AT_ALL_SECONDS: Final = 10.0
"""The same where a pattern needs the list of all topics."""
GIVE_UP_SECONDS: Final = 30.0
"""After so long without an answer the connection is made anew."""
HANDOVER_SECONDS: Final = 5.0
"""A partition that goes to another member is kept so long at most, until what was read of it is stored."""
TELL_SECONDS: Final = 0.25
"""How old the health may be while records come in."""
COMMIT_SECONDS: Final = 1.0
"""How often the group's own offsets follow the stored ones."""
CLOSE_SECONDS: Final = 3.0
MOST_RECORDS: Final = 4_096
"""Taken at a time; fewer where they are large, so that one batch can't fill the memory."""
LEAST_RECORDS: Final = 8


class Member(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """`start` it once. ``health`` may be read from any thread."""

    def __init__(self, settings: Settings, desk: Desk, instance: str | None = None) -> None:
        """``instance``: this member's name over restarts; after a crash the group needn't wait for the dead one."""
        self.health = Health("waiting", "connects")
        self._settings, self._desk, self._instance = settings, desk, instance
        self._exact = [topic for topic in settings.wanted if not topic.startswith("^")]
        self._patterns = [re.compile(topic) for topic in settings.wanted if topic.startswith("^")]
        self._ids: kafka_wire.Topics = {}
        self._first: set[str] | None = None  # topics that were there at the very first start, not yet begun
        self._standing = Standing()
        self._committed: dict[TopicPartition, Position] = {}
        self._generation = 0  # counts rebalances
        self._consumer: AIOKafkaConsumer | None = None
        self._told_at = 0.0
        self._thread = threading.Thread(target=self._run, name="handspike-kafka", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None
        self._closing = False
        self._words: kafka_wire.LastWords | None = None

    def start(self, *, is_first: bool) -> None:
        """``is_first``: nothing of this stream was ever read."""
        self._first = None if is_first and self._settings.start == "end" else set()
        self._thread.start()

    def has_room(self) -> None:
        """The engine took something from a full desk."""
        self._call(lambda: None if self._room is None else self._room.set())

    def close(self) -> None:
        self._closing = True
        self._call(lambda: None if self._task is None else self._task.cancel())
        if self._thread.ident is not None:
            self._thread.join(2 * CLOSE_SECONDS)

    def _call(self, action: Any) -> None:
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(action)
            except RuntimeError:
                return  # it has ended

    def _run(self) -> None:
        self._words = kafka_wire.LastWords()
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            return
        finally:
            self._words.end()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._room = asyncio.Event()
        pause = FIRST_RETRY_SECONDS
        while not self._closing:
            began = time.monotonic()
            try:
                await self._session()
            except NotImplementedError as error:
                self._fail(f"{error}; install it: pip install 'aiokafka[lz4,snappy,zstd]'")
            except Exception as error:  # whatever a client library comes up with: this stream waits, others go on
                self._fail(str(error) or type(error).__name__)
            pause = FIRST_RETRY_SECONDS if time.monotonic() - began > GIVE_UP_SECONDS * 2 else pause
            await asyncio.sleep(pause)
            pause = min(pause * 2.0, LONGEST_RETRY_SECONDS)

    def _fail(self, text: str) -> None:
        said = "" if self._words is None or not self._words.text or self._words.text in text else self._words.text
        self._standing.problem = f"kafka: {text}" + (f" ({said})" if said else "")
        self._tell()

    async def _session(self) -> None:
        """Reads until something breaks that a new connection may mend."""
        consumer = self._consumer = new_consumer(self._settings, self._instance)
        tasks: list[asyncio.Task[None]] = []
        try:
            await consumer.start()
            await self._look(consumer)
            self._standing.problem = ""
            tasks = [asyncio.create_task(self._watch(consumer)), asyncio.create_task(self._follow(consumer))]
            while True:
                for task in tasks:
                    if task.done():
                        task.result()
                await self._fetch(consumer)
        finally:
            for task in tasks:
                task.cancel()
            await self._end(consumer)

    async def _end(self, consumer: AIOKafkaConsumer) -> None:
        mine = self._desk.placed()
        self._desk.revoke(mine)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._settle(mine, stored=False)
                if not self._standing.problem and not self._standing.rebalancing:
                    await self._commit(consumer, mine)
                await consumer.stop()
        except (KafkaError, IllegalStateError, OSError, TimeoutError):
            pass  # gone as it is; the store has what counts
        self._desk.forget(mine)
        self._standing.subscribed, self._standing.rebalancing = set(), False
        self._committed.clear()

    # Topics: there, gone, made anew

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        answered = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_AT_ALL_SECONDS if self._patterns and not self._standing.problem else LOOK_SECONDS)
            try:
                await self._look(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                self._fail(str(error) or type(error).__name__)
                if time.monotonic() - answered > GIVE_UP_SECONDS:
                    raise
                continue
            answered = time.monotonic()
            if self._standing.problem:
                self._standing.problem = ""
            self._tell(consumer)

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        found = await kafka_wire.topics(consumer, None if self._patterns else self._exact)
        ids = {name: topic_id for name, topic_id in found.items() if self._is_wanted(name)}
        anew = {name for name, topic_id in ids.items() if self._ids.get(name) not in {None, topic_id}}
        self._ids = ids
        if self._first is None:
            self._first = set(ids)
        for at in self._desk.placed():
            if at.topic in anew:
                await self._restart(consumer, at)
        if set(ids) != self._standing.subscribed:
            await self._subscribe(consumer, set(ids))

    def _is_wanted(self, topic: str) -> bool:
        if topic in self._exact:
            return True
        return not topic.startswith("__") and any(pattern.fullmatch(topic) for pattern in self._patterns)

    async def _subscribe(self, consumer: AIOKafkaConsumer, wanted: set[str]) -> None:
        gone = {at for at in self._desk.placed() if at.topic not in wanted}
        self._desk.revoke(gone)
        await self._settle(gone, stored=False)
        self._desk.forget(gone)
        self._standing.subscribed = wanted
        if wanted:
            consumer.subscribe(topics=sorted(wanted), listener=self)
        else:
            consumer.unsubscribe()

    async def _restart(self, consumer: AIOKafkaConsumer, at: TopicPartition) -> None:
        """A topic was deleted and made anew: its new records are read from their beginning."""
        generation = self._generation
        self._desk.revoke({at})
        await self._settle({at}, stored=False)
        try:
            begin = (await consumer.beginning_offsets([at]))[at]
        except BaseException:
            self._desk.forget({at})  # it is placed anew, by its id
            raise
        if self._is_mine(consumer, at, generation):
            consumer.seek(at, begin)
            self._desk.place(at, Position(begin, 0, self._ids.get(at.topic)))
        else:
            self._desk.forget({at})

    # Partitions: mine, another member's

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """What is queued goes; what was read is stored and told to the group before another member begins there."""
        self._standing.rebalancing = True
        self._generation += 1
        mine = self._desk.placed()
        self._desk.revoke(mine)
        await self._settle(mine, stored=False)
        try:
            async with asyncio.timeout(HANDOVER_SECONDS):
                await self._settle(mine, stored=True)
                if self._consumer is not None:
                    await self._commit(self._consumer, mine & set(revoked))
        except (KafkaError, IllegalStateError, TimeoutError):
            pass  # the store is slow, or the group has gone on already: the next member may read some records again
        self._desk.forget(mine)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._standing.rebalancing = False
        self._committed.clear()

    async def _settle(self, ats: Collection[TopicPartition], *, stored: bool) -> None:
        while not self._desk.is_settled(ats, stored=stored):  # noqa: ASYNC110 - the engine is another thread
            await asyncio.sleep(0.01)

    async def _place(self, consumer: AIOKafkaConsumer, at: TopicPartition) -> None:
        """Seeks to where reading goes on: the store's word or the group's, whichever is further."""
        if at.topic not in self._ids:
            return
        topic_id, generation = self._ids[at.topic], self._generation
        mine = self._desk.known(at)
        theirs = await kafka_wire.group_position(consumer, at)
        is_new = mine is not None and not is_of(mine, topic_id)
        good = [one for one in (mine, theirs) if one is not None and is_of(one, topic_id)]
        if is_new and theirs is not None and theirs.topic_id is None:
            good = []
        at_end = not good and not is_new and at.topic in (self._first or ())
        if good:
            start = further(good, topic_id)
        else:
            edges = consumer.end_offsets if at_end else consumer.beginning_offsets
            start = Position((await edges([at]))[at], 0, topic_id)
        if self._is_mine(consumer, at, generation):
            consumer.seek(at, start.offset)
            self._desk.place(at, start)
            if at_end:  # is stored at once: after a restart it is not the first start any more
                self._desk.add(at, Piece((), (), start.offset, time.time(), 0))

    def _is_mine(self, consumer: AIOKafkaConsumer, at: TopicPartition, generation: int) -> bool:
        """Whether no rebalance came in between."""
        return at in consumer.assignment() and generation == self._generation and not self._standing.rebalancing

    async def _recover(self, consumer: AIOKafkaConsumer, at: TopicPartition, offset: int) -> None:
        """The broker has no record at ``offset``: retention ran past it, or the log was cut, or it is another topic."""
        partition = self._desk.partition(at)
        if partition is None or partition.fetched != offset:
            return
        generation = self._generation
        topic_id = (await kafka_wire.topics(consumer, [at.topic])).get(at.topic)
        begin = (await consumer.beginning_offsets([at]))[at]
        end = (await consumer.end_offsets([at]))[at]
        known = partition.position.topic_id
        if (topic_id != known) if topic_id and known else offset > end:
            self._ids[at.topic] = topic_id
            await self._restart(consumer, at)
        elif self._is_mine(consumer, at, generation):
            go_on = min(max(offset, begin), end)
            gap = {"gap": begin - offset} if begin > offset else {}
            if go_on != offset:
                self._desk.add(at, Piece((), (), go_on, time.time(), 0, gap))
                self._standing.note = f"{at.topic}/{at.partition}: {_said(offset, begin, end)}"
            consumer.seek(at, go_on)

    # Records

    async def _fetch(self, consumer: AIOKafkaConsumer) -> None:
        if not self._standing.subscribed:
            await asyncio.sleep(0.1)
            return
        if self._desk.is_full and self._room is not None:
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), 0.2)
            except TimeoutError:
                self._tell(consumer)
            return
        if not self._standing.rebalancing:
            mine = consumer.assignment()
            placed = self._desk.placed()
            if missing := mine - placed:
                for at in missing:
                    await self._place(consumer, at)
                if self._first:
                    self._first -= {at.topic for at in missing}
        try:
            async with asyncio.timeout(5.0):  # a rebalance without end must not keep us from looking at the tasks
                most = int(min(max(PIECE_BYTES / (self._standing.mean_bytes + 1.0), LEAST_RECORDS), MOST_RECORDS))
                batches = await consumer.getmany(timeout_ms=200, max_records=most)
        except OffsetOutOfRangeError as error:
            for at, offset in error.args[0].items():
                await self._recover(consumer, at, offset)
            return
        except (NoOffsetForPartitionError, TimeoutError):
            return  # asked before we sought
        for at, records in batches.items():
            self._take(at, records)
        if not batches or time.monotonic() - self._told_at > TELL_SECONDS:
            self._tell(consumer)

    def _take(self, at: TopicPartition, records: list[Any]) -> None:
        partition = self._desk.partition(at)
        if partition is None or partition.is_revoked:
            return
        if records[0].offset < partition.fetched:
            records = [record for record in records if record.offset >= partition.fetched]
            if not records:
                return
        size = 0
        for piece in pieces(records):
            self._desk.add(at, piece)
            size += piece.size
        self._standing.mean_bytes += (size / len(records) - self._standing.mean_bytes) * 0.5

        # What others are told

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        """The group's own offsets follow the stored ones."""
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            if self._standing.rebalancing or self._standing.problem:
                continue
            try:
                await asyncio.wait_for(self._commit(consumer, None), kafka_wire.ASK_SECONDS)
            except (KafkaError, IllegalStateError, TimeoutError):
                continue  # for lag tools only

    async def _commit(self, consumer: AIOKafkaConsumer, ats: Collection[TopicPartition] | None) -> None:
        assigned = consumer.assignment()
        news = {
            at: position
            for at, position in self._desk.stored(ats).items()
            if at in assigned and self._committed.get(at) != position
        }
        if news:
            await consumer.commit({at: (position.offset, position.dump().decode()) for at, position in news.items()})
            self._committed.update(news)

    def _tell(self, consumer: AIOKafkaConsumer | None = None) -> None:
        self.health = health(self._settings, self._desk, self._standing, consumer)
        self._told_at = time.monotonic()


def _said(offset: int, begin: int, end: int) -> str:
    if offset < begin:
        return f"retention ran past us: {begin - offset:,} records from offset {offset:,} on were never seen"
    return f"the broker lost the end of its log: reading goes on at {end:,} instead of {offset:,}"
