"""All watches of one stream: event by event, in the stream's own order, whatever other streams do."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from service.detector.leg import Leg
from service.detector.options import DetectorOptions
from service.detector.spike import Spike
from service.detector.watch import Watch, new_watch
from service.runs import Run
from service.tally import Key

EVERY_HOST: Final = "*"
"""Host of a coarse key, which adds up all hosts of a (direction, reason); no server name is ever ``*``."""
STALE_SECONDS: Final = 86_400.0


class Gathered(msgspec.Struct):
    """What one moment held of one key, until the moment has passed and the coarse watch is fed."""

    failures: int
    rejected_by: str
    peers: set[str]
    resolution: float
    raised: bool = False
    """Its fine watch raised a spike in this moment."""


class DetectorState(msgspec.Struct):
    """What is stored of a detector beside its watches."""

    first_seen: float | None = None
    clock: float = 0.0
    folded: int = 0
    """Failures of hosts that got no watch of their own, as `most_keys` was reached."""
    moment: float | None = None
    """The event time whose failures are in ``gathered``."""
    gathered: list[tuple[Key, Gathered]] = []


class Detector:
    """Feeds each failure to the watch of its (host, direction, reason) and to the coarse one of (direction, reason).

    A coarse spike is raised only where no fine one explains it, and withdrawn when fine ones come to.
    """

    def __init__(self, stream: str, options: DetectorOptions) -> None:
        self.stream = stream
        self.options = options
        self.state = DetectorState()
        self.watches: dict[Key, Watch] = {}
        self.legs: dict[str, Leg] = {}
        self.touched: set[Key] = set()
        """Keys changed since the caller last cleared it; what a commit has to write."""
        self._fine: dict[Key, set[Key]] = {}
        self._spiking: dict[Key, None] = {}
        self._legs_touched: set[str] = set()
        self._dumped = b""

    def observe(self, runs: Iterable[Run]) -> Iterator[Spike]:
        """Yields every spike that the failures raise, end or withdraw; ``runs`` in the stream's own order."""
        for run in runs:
            yield from self._observe(run)

    def advance(self, time: float) -> Iterator[Spike]:
        """The stream's clock reached ``time`` (its newest record, failing or not): spikes that ended by then."""
        if self.state.first_seen is None:
            self.state.first_seen = time
        if time <= self.state.clock:
            return
        if self.state.moment is not None and self.state.moment < time:
            yield from self._settle()
        self.state.clock = time
        for key in list(self._spiking):
            watch = self.watches[key]
            if watch.spike is None:
                del self._spiking[key]
            elif (ended := watch.advance(time, self.options)) is not None:
                del self._spiking[key]
                self.touched.add(key)
                self._ended(key, ended)
                yield ended

    def flush(self) -> Iterator[Spike]:
        """End of a scan: what waits for its second to pass is decided now."""
        yield from self._settle()

    def dump(self) -> dict[str, bytes | None]:
        """State of everything touched since the last call, to be written in one transaction; None: forget the key."""
        head = msgspec.msgpack.encode(self.state)
        written: dict[str, bytes | None] = {} if head == self._dumped else {"": head}
        self._dumped = head
        for direction in self._legs_touched:
            written[f"leg:{direction}"] = msgspec.msgpack.encode(self.legs[direction])
        self._legs_touched.clear()
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
                continue
            if name.startswith("leg:"):
                self.legs[name[4:]] = msgspec.msgpack.decode(blob, type=Leg)
                continue
            key = Key(*msgspec.json.decode(name, type=tuple[str | None, str, str]))
            watch = self.watches[key] = msgspec.msgpack.decode(blob, type=Watch)
            if watch.spike is not None:
                self._spiking[key] = None
            if watch.spike is not None and key.host != EVERY_HOST:
                self._fine.setdefault(Key(EVERY_HOST, key.direction, key.reason), set()).add(key)

    @property
    def active(self) -> Iterator[Spike]:
        return (spike for key in self._spiking if (spike := self.watches[key].spike) is not None)

    def _observe(self, run: Run) -> Iterator[Spike]:
        if self.state.first_seen is None:
            self.state.first_seen = run.time
        if self.state.moment != run.time:
            yield from self._settle()
            self.state.moment = run.time
        self.state.clock = max(self.state.clock, run.time)
        gathered = Gathered(run.failures, run.rejected_by, run.peers, run.resolution)
        yield from self._feed(run.key, run.time, gathered)
        self.state.gathered.append((run.key, gathered))

    def _feed(self, key: Key, time: float, gathered: Gathered) -> Iterator[Spike]:
        """Failures of one key at one event time, to its fine watch."""
        watch = self._watch(key)
        if watch is None:
            self.state.folded += gathered.failures
            return
        self.touched.add(key)
        if watch.spike is not None and (ended := watch.advance(time, self.options)) is not None:
            self._ended(key, ended)
            yield ended
        leg = self._leg(key.direction)
        if watch.observe(time, gathered.failures, gathered.rejected_by, gathered.peers, leg, self.options):
            spike = watch.raised(self.stream, key.host, self._first_seen(time), gathered.resolution, self.options)
            if spike is not None:
                self._spiking[key] = None
                gathered.raised = True
                yield spike

    def _settle(self) -> Iterator[Spike]:
        """The moment has passed: coarse watches get what no fine spike explains, whatever order it came in."""
        time, gathered = self.state.moment, self.state.gathered
        if time is None:
            return
        self.state.moment, self.state.gathered = None, []
        left: dict[Key, list[tuple[str | None, Gathered]]] = {}
        for key, found in gathered:
            coarse_key = Key(EVERY_HOST, key.direction, key.reason)
            if found.raised:
                yield from self._explain(coarse_key, key, time)
            if key.host is None and coarse_key not in self.watches:
                continue  # no record held a host so far: the watch of "no host" sees what that of all hosts would
            watch = self.watches.get(key)
            if watch is None or watch.spike is None:
                # a host without a watch of its own is judged here alone
                left.setdefault(coarse_key, []).append((None if watch is None else key.host or "", found))
        for coarse_key, unexplained in left.items():
            coarse = self._watch(coarse_key)
            if coarse is None:
                continue
            self.touched.add(coarse_key)
            if coarse.spike is not None and (ended := coarse.advance(time, self.options)) is not None:
                yield ended
            leg = self._leg(coarse_key.direction)
            alarm = False
            for host, found in unexplained:
                alarm |= coarse.observe(
                    time, found.failures, found.rejected_by, found.peers, leg, self.options, host=host
                )
            if alarm:
                resolution = unexplained[0][1].resolution
                spike = coarse.raised(self.stream, None, self._first_seen(time), resolution, self.options)
                if spike is not None:
                    self._spiking[coarse_key] = None
                    yield spike
        for key, found in gathered:
            leg = self._leg(key.direction)
            leg.meet(time, found.peers)
            leg.settle()

    def _explain(self, coarse_key: Key, key: Key, time: float) -> Iterator[Spike]:
        """A fine spike was raised: what it explains is no coarse one's any more."""
        keys = self._fine.setdefault(coarse_key, set())
        keys.add(key)
        coarse = self.watches.get(coarse_key)
        if coarse is None:
            return
        self.touched.add(coarse_key)
        if coarse.spike is None:
            coarse.calm(time)
            return
        explained = sum(spike.failures for one in keys if (spike := self.watches[one].spike) is not None)
        if explained * 2 >= coarse.spike.failures:
            withdrawn = coarse.spike
            withdrawn.withdrawn = True
            withdrawn.ended_at = withdrawn.last_at
            withdrawn.over_at = time
            coarse.spike = None
            coarse.calm(time)
            yield withdrawn

    def _ended(self, key: Key, spike: Spike) -> None:
        """What became one host's normal is part of the normal of all hosts, too."""
        coarse_key = Key(EVERY_HOST, key.direction, key.reason)
        self._fine.get(coarse_key, set()).discard(key)
        coarse = self.watches.get(coarse_key)
        if spike.became_normal and coarse is not None and coarse_key != key:
            self.touched.add(coarse_key)
            coarse.baseline.learn(spike.failures, spike.last_at - spike.onset)
            coarse.calm(spike.last_at)

    def _leg(self, direction: str) -> Leg:
        leg = self.legs.get(direction)
        if leg is None:
            leg = self.legs[direction] = Leg()
        self._legs_touched.add(direction)
        return leg

    def _first_seen(self, time: float) -> float:
        return time if self.state.first_seen is None else self.state.first_seen

    def _watch(self, key: Key) -> Watch | None:
        watch = self.watches.get(key)
        if watch is None and (
            len(self.watches) < self.options.most_keys or key.host == EVERY_HOST or self._forget_stale()
        ):
            since = self.state.first_seen if self.state.first_seen is not None else self.state.clock
            watch = self.watches[key] = new_watch(key.direction, key.reason, since)
            hostless = self.watches.get(Key(None, key.direction, key.reason))
            if key.host == EVERY_HOST and hostless is not None:
                watch.take_normal_of(hostless)
        return watch

    def _forget_stale(self) -> bool:
        """Makes room: keys silent for a day and not rising go first. A name seen once never pushes out one in use."""
        limit = self.state.clock - STALE_SECONDS
        stale = [key for key, watch in self.watches.items() if watch.spike is None and watch.at < limit]
        for key in stale:
            del self.watches[key]
            self.touched.add(key)
        return bool(stale)
