"""A member of the consumer group: an asyncio loop in a thread of its own that joins, seeks, fetches and hands over."""

import asyncio
import re
import ssl
import threading
import time
from collections.abc import Collection, Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from service.config.model import KafkaSource as Settings
from service.sources import kafka_wire
from service.sources.kafka_desk import Desk, with_id
from service.sources.kafka_partition import Piece, Position
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
PIECE_BYTES: Final = 2 << 20
RECORD_BYTES: Final = 120
"""What a record costs in memory beside its value, about."""
STALE_SECONDS: Final = 2.0
"""A partition that was not fetched from for so long isn't known to be read to its end."""


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
        self._subscribed: set[str] = set()
        self._committed: dict[TopicPartition, Position] = {}
        self._rebalancing = False
        self._generation = 0  # counts rebalances
        self._consumer: AIOKafkaConsumer | None = None
        self._problem = ""
        self._note = ""
        self._told_at = 0.0
        self._mean_bytes = 10_000.0  # of the values lately; the first fetch of an unknown topic takes few
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
        self._problem = f"kafka: {text}" + (f" ({said})" if said else "")
        self._tell()

    async def _session(self) -> None:
        """Reads until something breaks that a new connection may mend."""
        consumer = self._consumer = self._new_consumer()
        tasks: list[asyncio.Task[None]] = []
        try:
            await consumer.start()
            await self._look(consumer)
            self._problem = ""
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
                if not self._problem and not self._rebalancing:
                    await self._commit(consumer, mine)
                await consumer.stop()
        except (KafkaError, IllegalStateError, OSError, TimeoutError):
            pass  # gone as it is; the store has what counts
        self._desk.forget(mine)
        self._subscribed, self._rebalancing = set(), False
        self._committed.clear()

    def _new_consumer(self) -> AIOKafkaConsumer:
        settings = self._settings
        return AIOKafkaConsumer(
            bootstrap_servers=list(settings.brokers),
            client_id="handspike",
            group_id=settings.group,
            group_instance_id=self._instance,
            enable_auto_commit=False,
            value_deserializer=kafka_wire.as_they_are,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_bytes=8 << 20,
            max_partition_fetch_bytes=1 << 20,
            metadata_max_age_ms=30_000,
            retry_backoff_ms=250,
            security_protocol=settings.protocol,
            ssl_context=_ssl_context(settings),
            sasl_mechanism=settings.mechanism or "PLAIN",
            sasl_plain_username=settings.username or None,
            sasl_plain_password=None if settings.password is None else settings.password.value,
        )

    # Topics: there, gone, made anew

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        answered = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_AT_ALL_SECONDS if self._patterns and not self._problem else LOOK_SECONDS)
            try:
                await self._look(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                self._fail(str(error) or type(error).__name__)
                if time.monotonic() - answered > GIVE_UP_SECONDS:
                    raise
                continue
            answered = time.monotonic()
            if self._problem:
                self._problem = ""
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
        if set(ids) != self._subscribed:
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
        self._subscribed = wanted
        if wanted:
            consumer.subscribe(topics=sorted(wanted), listener=self)
        else:
            consumer.unsubscribe()

    async def _restart(self, consumer: AIOKafkaConsumer, at: TopicPartition) -> None:
        """A topic was deleted and made anew: its new records are read from their beginning."""
        generation = self._generation
        self._desk.revoke({at})
        await self._settle({at}, stored=False)
        begin = (await consumer.beginning_offsets([at]))[at]
        if self._is_mine(consumer, at, generation):
            consumer.seek(at, begin)
            self._desk.place(at, Position(begin, 0, self._ids.get(at.topic)))
        else:
            self._desk.forget({at})

    # Partitions: mine, another member's

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """What is queued goes; what was read is stored and told to the group before another member begins there."""
        self._rebalancing = True
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
        self._rebalancing = False
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
        is_new = mine is not None and not _is_of(mine, topic_id)
        good = [one for one in (mine, theirs) if one is not None and _is_of(one, topic_id)]
        if is_new and theirs is not None and theirs.topic_id is None:
            good = []
        at_end = not good and not is_new and at.topic in (self._first or ())
        if good:
            start = with_id(max(good, key=lambda one: one.order), topic_id)
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
        return at in consumer.assignment() and generation == self._generation and not self._rebalancing

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
                self._note = f"{at.topic}/{at.partition}: {_said(offset, begin, end)}"
            consumer.seek(at, go_on)

    # Records

    async def _fetch(self, consumer: AIOKafkaConsumer) -> None:
        if not self._subscribed:
            await asyncio.sleep(0.1)
            return
        if self._desk.is_full and self._room is not None:
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), 0.2)
            except TimeoutError:
                self._tell(consumer)
            return
        if not self._rebalancing:
            mine = consumer.assignment()
            placed = self._desk.placed()
            if missing := mine - placed:
                for at in missing:
                    await self._place(consumer, at)
                if self._first:
                    self._first -= {at.topic for at in missing}
        try:
            async with asyncio.timeout(5.0):  # a rebalance without end must not keep us from looking at the tasks
                most = int(min(max(PIECE_BYTES / (self._mean_bytes + 1.0), LEAST_RECORDS), MOST_RECORDS))
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
        values = [record.value for record in records]
        sizes = [len(value or b"") for value in values]
        size = sum(sizes)
        self._mean_bytes += (size / len(values) - self._mean_bytes) * 0.5
        if size <= PIECE_BYTES:
            self._desk.add(at, _piece(records, values, size))
            return
        begin = size = 0
        for index, one in enumerate(sizes):
            if size and size + one > PIECE_BYTES:
                self._desk.add(at, _piece(records[begin:index], values[begin:index], size))
                begin, size = index, 0
            size += one
        self._desk.add(at, _piece(records[begin:], values[begin:], size))

    # What others are told

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        """The group's own offsets follow the stored ones."""
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            if self._rebalancing or self._problem:
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
        self.health = self._health(consumer)
        self._told_at = time.monotonic()

    def _health(self, consumer: AIOKafkaConsumer | None) -> Health:
        placed = self._desk.placed()
        waiting = self._desk.waiting_bytes
        if self._problem:
            return Health("failed", self._problem, max(waiting, 1), len(placed))
        if not self._subscribed:
            topics = " or ".join(self._settings.wanted)
            return Health("waiting", f"topic {topics} does not exist yet", waiting)
        if not placed and not self._rebalancing:
            return Health("waiting", f"group {self._settings.group} has given this member no partition", waiting)
        missing = [topic for topic in self._exact if topic not in self._subscribed]
        texts = [f"topic {', '.join(missing)} does not exist yet"] if missing else []
        texts += [self._note] if self._note else []
        behind = 1 if consumer is None or self._rebalancing else self._behind(consumer, placed)
        return Health("reading", "; ".join(texts), waiting + behind, len(placed))

    def _behind(self, consumer: AIOKafkaConsumer, placed: Iterable[TopicPartition]) -> int:
        """Bytes that the broker holds for us, about; never 0 while that isn't sure."""
        records = 0
        is_sure = True
        oldest = (time.time() - STALE_SECONDS) * 1000
        assigned = consumer.assignment()
        for at in placed:
            partition = self._desk.partition(at)
            if at not in assigned or partition is None:
                return 1
            end, looked = consumer.highwater(at), consumer.last_poll_timestamp(at)
            stable = consumer.last_stable_offset(at)
            if end is None or looked is None or looked < oldest:
                is_sure = False
                continue
            fetched = max(partition.fetched, kafka_wire.fetch_position(consumer, at))
            records += max((stable if stable is not None and stable >= 0 else end) - fetched, 0)
        return int(records * self._mean_bytes) or (0 if is_sure else 1)


def _is_of(position: Position, topic_id: str | None) -> bool:
    return position.topic_id is None or topic_id is None or position.topic_id == topic_id


def _said(offset: int, begin: int, end: int) -> str:
    if offset < begin:
        return f"retention ran past us: {begin - offset:,} records from offset {offset:,} on were never seen"
    return f"the broker lost the end of its log: reading goes on at {end:,} instead of {offset:,}"


def _piece(records: list[Any], values: list[bytes | None], size: int) -> Piece:
    first, last = records[0].offset, records[-1]
    offsets: Any = range(first, last.offset + 1)
    if len(offsets) != len(records):
        offsets = [record.offset for record in records]
    now = time.time()
    arrived = min(last.timestamp / 1000, now) if last.timestamp > 0 else now
    return Piece(values, offsets, last.offset + 1, arrived, size + len(values) * RECORD_BYTES)


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    if "SSL" not in settings.protocol:
        return None
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.cert_file is not None:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context
