"""All watches of one stream: event by event, in the stream's own order, whatever other streams do."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec

from parsers.failure import Failure
from service.detector.options import DetectorOptions
from service.detector.spike import PEERS_EXACT, Spike
from service.detector.watch import Watch, new_watch
from service.tally import Key, address_of

EVERY_HOST: Final = "*"
"""Host of a coarse key, which adds up all hosts of a (direction, reason); no server name is ever ``*``."""
STALE_SECONDS: Final = 86_400.0


class DetectorState(msgspec.Struct):
    """What is stored of a detector beside its watches."""

    first_seen: float | None = None
    clock: float = 0.0
    folded: int = 0
    """Failures of hosts that got no watch of their own, as `most_keys` was reached."""
    coarse_alarms: list[tuple[str, str, float, float]] = []
    """(direction, reason, time, resolution) of coarse alarms whose moment has not passed yet."""


class Detector:
    """Feeds each failure to the watch of its (host, direction, reason) and to the coarse one of (direction, reason).

    A coarse spike is raised only where no fine one explains it, and withdrawn when fine ones come to.
    """

    def __init__(self, stream: str, options: DetectorOptions) -> None:
        self.stream = stream
        self.options = options
        self.state = DetectorState()
        self.watches: dict[Key, Watch] = {}
        self.touched: set[Key] = set()
        """Keys changed since the caller last cleared it; what a commit has to write."""
        self._coarse_alarms: dict[Key, tuple[float, float]] = {}
        """Coarse alarms of the newest moment: (time, resolution); decided when that moment has passed."""
        self._fine: dict[Key, set[Key]] = {}
        self._dumped = b""

    def observe(self, failures: Iterable[Failure]) -> Iterator[Spike]:
        """Yields every spike that the failures raise, end or withdraw; failures without a time are skipped."""
        for time, at_once in groupby((f for f in failures if f.time is not None), key=attrgetter("time")):
            yield from self._observe_at(time, at_once)

    def advance(self, time: float) -> Iterator[Spike]:
        """The stream's clock reached ``time`` (its newest record, failing or not): spikes that ended by then."""
        if self.state.first_seen is None:
            self.state.first_seen = time
        if time <= self.state.clock:
            return
        yield from self._settle(time)
        self.state.clock = time
        for key, watch in self.watches.items():
            if watch.spike is not None and (ended := watch.advance(time, self.options)) is not None:
                self.touched.add(key)
                self._fine.get(Key(EVERY_HOST, key.direction, key.reason), set()).discard(key)
                yield ended

    def flush(self) -> Iterator[Spike]:
        """End of a scan: what waits for its second to pass is decided now."""
        yield from self._settle(float("inf"))

    def dump(self) -> dict[str, bytes | None]:
        """State of everything touched since the last call, to be written in one transaction; None: forget the key."""
        self.state.coarse_alarms = [(k.direction, k.reason, *v) for k, v in self._coarse_alarms.items()]
        head = msgspec.msgpack.encode(self.state)
        written: dict[str, bytes | None] = {} if head == self._dumped else {"": head}
        self._dumped = head
        for key in self.touched:
            watch = self.watches.get(key)
            name = msgspec.json.encode(key).decode()
            written[name] = None if watch is None else msgspec.msgpack.encode(watch)
        self.touched.clear()
        return written

    def load(self, stored: Mapping[str, bytes]) -> None:
        """Takes up what `dump` wrote."""
        for name, blob in stored.items():
            if not name:
                self.state = msgspec.msgpack.decode(blob, type=DetectorState)
                for direction, reason, at, resolution in self.state.coarse_alarms:
                    self._coarse_alarms[Key(EVERY_HOST, direction, reason)] = (at, resolution)
                continue
            key = Key(*msgspec.json.decode(name, type=tuple[str | None, str, str]))
            watch = self.watches[key] = msgspec.msgpack.decode(blob, type=Watch)
            if watch.spike is not None and key.host != EVERY_HOST:
                self._fine.setdefault(Key(EVERY_HOST, key.direction, key.reason), set()).add(key)

    @property
    def active(self) -> Iterator[Spike]:
        return (watch.spike for watch in self.watches.values() if watch.spike is not None)

    def _observe_at(self, time: float, at_once: Iterable[Failure]) -> Iterator[Spike]:
        if self.state.first_seen is None:
            self.state.first_seen = time
        yield from self._settle(time)
        self.state.clock = max(self.state.clock, time)
        fine: dict[tuple[Key, str], int] = {}
        peers: dict[tuple[Key, str], set[str]] = {}
        resolution = 1.0
        for failure in at_once:
            group = (Key(failure.host, failure.direction, failure.reason), failure.rejected_by)
            if group in fine:
                fine[group] += 1
            else:
                fine[group] = 1
                peers[group] = set()
            if failure.peer is not None and len(seen := peers[group]) < PEERS_EXACT:
                seen.add(address_of(failure.peer))
            resolution = failure.resolution
        for (key, rejected_by), count in fine.items():
            yield from self._feed(key, time, count, rejected_by, peers[key, rejected_by], resolution)

    def _feed(
        self, key: Key, time: float, count: int, rejected_by: str, peers: set[str], resolution: float
    ) -> Iterator[Spike]:
        coarse_key = Key(EVERY_HOST, key.direction, key.reason)
        watch = self._watch(key)
        if watch is None:
            self.state.folded += count
        else:
            self.touched.add(key)
            if watch.spike is not None and (ended := watch.advance(time, self.options)) is not None:
                self._fine[coarse_key].discard(key)
                yield ended
            explained = watch.spike is not None
            if watch.observe(time, count, rejected_by, peers, self.options):
                spike = watch.raised(self.stream, key.host, self._first_seen(time), resolution, self.options)
                if spike is not None:
                    yield spike
                    yield from self._explain(coarse_key, key, spike)
                    return
            if explained:
                return
        coarse = self._watch(coarse_key)
        if coarse is None:
            return
        self.touched.add(coarse_key)
        if coarse.spike is not None and (ended := coarse.advance(time, self.options)) is not None:
            yield ended
        if coarse.observe(time, count, rejected_by, peers, self.options):
            self._coarse_alarms.setdefault(coarse_key, (time, resolution))

    def _settle(self, time: float) -> Iterator[Spike]:
        """Coarse alarms of a moment that has passed without a fine one that explains them."""
        if not self._coarse_alarms:
            return
        for coarse_key, (at, resolution) in list(self._coarse_alarms.items()):
            if at >= time:
                continue
            del self._coarse_alarms[coarse_key]
            watch = self.watches[coarse_key]
            if watch.spike is None:
                spike = watch.raised(self.stream, None, self._first_seen(at), resolution, self.options)
                if spike is not None:
                    yield spike

    def _explain(self, coarse_key: Key, key: Key, fine: Spike) -> Iterator[Spike]:
        """A fine spike was raised: what it explains is no coarse one's any more."""
        self._coarse_alarms.pop(coarse_key, None)
        keys = self._fine.setdefault(coarse_key, set())
        keys.add(key)
        coarse = self.watches.get(coarse_key)
        if coarse is None:
            return
        self.touched.add(coarse_key)
        if coarse.spike is None:
            coarse.calm(fine.detected_at)
            return
        explained = sum(spike.failures for one in keys if (spike := self.watches[one].spike) is not None)
        if explained * 2 >= coarse.spike.failures:
            withdrawn = coarse.spike
            withdrawn.withdrawn = True
            withdrawn.ended_at = withdrawn.last_at
            withdrawn.over_at = fine.detected_at
            coarse.spike = None
            coarse.calm(fine.detected_at)
            yield withdrawn

    def _first_seen(self, time: float) -> float:
        return time if self.state.first_seen is None else self.state.first_seen

    def _watch(self, key: Key) -> Watch | None:
        watch = self.watches.get(key)
        if watch is None and (
            len(self.watches) < self.options.most_keys or key.host == EVERY_HOST or self._forget_stale()
        ):
            since = self.state.first_seen if self.state.first_seen is not None else self.state.clock
            watch = self.watches[key] = new_watch(key.direction, key.reason, since)
        return watch

    def _forget_stale(self) -> bool:
        """Makes room: keys silent for a day and not rising go first. A name seen once never pushes out one in use."""
        limit = self.state.clock - STALE_SECONDS
        stale = [key for key, watch in self.watches.items() if watch.spike is None and watch.at < limit]
        for key in stale:
            del self.watches[key]
            self.touched.add(key)
        return bool(stale)
