"""The loop: a block of each stream in turn, then one transaction for all of it.

Nothing is shown before it is committed. A store that takes no commit (full disk, lock) stops the reading, is said so,
and is asked again: what was read stays in memory, bounded by one commit.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from service.alerts import Alerting
from service.analysis import Analysis
from service.config.model import Alerts, Config
from service.engine.runner import Runner
from service.engine.snapshot import Totals
from service.errors import StoreBusyError, StoreFullError
from service.store.commit import Commit, IncidentRow, Mark
from service.store.queries import Queries
from service.store.store import Store
from service.times import parse
from service.view import Counters, Phase

COMMIT_SECONDS: Final = 0.1
"""At most this much is uncommitted (and so unseen) while records come in."""
MOST_BLOCKS: Final = 64
IDLE_SECONDS: Final = 0.2
FIRST_STORE_RETRY_SECONDS: Final = 0.2
LONGEST_STORE_RETRY_SECONDS: Final = 5.0
MAINTAIN_SECONDS: Final = 60.0
REFRESH_OPEN_SECONDS: Final = 1.0
"""How often an open incident's counts are written anew while it goes on."""


class Waker(Protocol):
    """What wakes the loop before its idle time is over."""

    def wait(self, timeout: float) -> object: ...


class Engine:
    """Runs in one thread (`run`); `stop`, `add_mark` and the public state may be used from any other."""

    def __init__(
        self,
        config: Config,
        store: Store,
        analysis: Analysis,
        runners: list[Runner],
        waker: Waker,
        clock: Callable[[], float] = time.time,
        alerting: Alerting | None = None,
    ) -> None:
        """``alerting``: who is told of what was committed; None: nobody."""
        self.config = config
        self.store = store
        self.analysis = analysis
        self.runners = runners
        self.alerting = alerting or Alerting(Alerts(), "")
        self.totals = Totals(config, analysis)
        self.shown = Counters()
        """Committed values; replaced as a whole, never changed."""
        self.phase: Phase = "starting"
        self.text = "starting"
        self.paused = False
        self.crashed: BaseException | None = None
        self._waker = waker
        self._clock = clock
        self._commit = Commit()
        self._blocks = 0
        self._dirty: set[str] = set()
        self._marks: queue.SimpleQueue[tuple[Mark, threading.Event]] = queue.SimpleQueue()
        self._stored: list[threading.Event] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="handspike-engine", daemon=True)
        self._last_commit = 0.0
        self._last_refresh = 0.0
        self._last_maintain = 0.0

    def start(self) -> None:
        """Restores everything from the store, then begins to read.

        Raises:
            StoreError: the store cannot be read.
        """
        self._restore()
        self.phase, self.text = "ready", "reading"
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Commits what has been read and ends; at most ``timeout`` seconds."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        for runner in self.runners:
            runner.source.close()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def add_mark(self, mark: Mark, timeout: float = 10.0) -> None:
        """Returns once the mark is committed.

        Raises:
            TimeoutError: not within ``timeout`` seconds; it may still be stored later.
        """
        stored = threading.Event()
        self._marks.put((mark, stored))
        if not stored.wait(timeout):
            raise TimeoutError("the store did not take the mark in time; it may still be stored later")

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._turn()
            self.phase, self.text = "draining", "writing what has been read"
            self._take_marks()
            self._store_all()
        except BaseException as crash:
            self.crashed = crash
            self.phase, self.text = "store_unusable", f"stopped by an error: {crash}"
            raise

    def _turn(self) -> None:
        """One round over all streams, and a commit when it is due."""
        progressed = False
        for runner in self.runners:
            if runner.step(self._commit, self._clock()):
                progressed = True
                self._blocks += 1
                self._dirty.add(runner.stream.name)
        self._take_marks()
        now = time.monotonic()
        if now - self._last_refresh >= REFRESH_OPEN_SECONDS:
            self._last_refresh = now
            self.analysis.correlator.touch_open()
        waited = now - self._last_commit
        pending = self._blocks or self._commit.marks or self.analysis.correlator.changed or self.alerting.has_news
        if pending and (waited >= COMMIT_SECONDS or self._blocks >= MOST_BLOCKS):
            self._store_all()
        if now - self._last_maintain >= MAINTAIN_SECONDS:
            self._last_maintain = now
            self._maintain()
        if not progressed:
            self._waker.wait(max(COMMIT_SECONDS - waited, 0.005) if self._blocks else IDLE_SECONDS)

    def _take_marks(self) -> None:
        while True:
            try:
                mark, stored = self._marks.get_nowait()
            except queue.Empty:
                return
            self._commit.marks.append(mark)
            self._stored.append(stored)

    def _store_all(self) -> None:
        """One transaction: counts, positions, evidence, state, incidents. Tried until it is taken, or we must stop."""
        commit = self._complete()
        pause = FIRST_STORE_RETRY_SECONDS
        while True:
            try:
                self.store.commit(commit)
                break
            except (StoreBusyError, StoreFullError) as error:
                self.paused, self.text = True, f"nothing is read until the store takes it: {error}"
                self.phase = "store_unusable"
                self.shown = self.totals.paused(self.shown)
                if self._stopping.wait(pause):
                    return
                pause = min(pause * 2.0, LONGEST_STORE_RETRY_SECONDS)
        if self.paused:
            self.paused, self.phase, self.text = False, "ready", "reading"
        self._last_commit = time.monotonic()
        self.totals.committed(commit, self.analysis.spikes_raised)
        self.analysis.spikes_raised.clear()
        self.alerting.committed()
        for runner in self.runners:
            runner.stored()
        self.shown = self.totals.snapshot(self.runners, self.store, self.alerting.deliveries)
        for stored in self._stored:
            stored.set()
        self._stored.clear()
        self._commit, self._blocks = Commit(), 0
        self._dirty.clear()

    def _complete(self) -> Commit:
        commit = self._commit
        for runner in self.runners:
            if runner.stream.name in self._dirty:
                commit.counts[runner.stream.name] = runner.counts
                commit.state["stream", runner.stream.name] = runner.dump()
        commit.state.update(self.analysis.dump())
        commit.state.update(self.totals.spikes_state(self.analysis.spikes_raised))
        changed = self.analysis.changed()
        for incident, document in changed:
            resolved = document.get("resolved_at")
            commit.incidents.append(
                IncidentRow(
                    id=incident.id,
                    revision=incident.revision,
                    state=document["state"],
                    started_at=parse(document["started_at"], 0.0),
                    resolved_at=None if resolved is None else parse(resolved, 0.0),
                    streams=sorted({spike["stream"] for spike in document["spikes"]}),
                    hosts=document["hosts"],
                    document=document,
                )
            )
        if changed:
            commit.state.update(self.analysis.dump_correlator())
        documents = [document for _, document in changed]
        commit.state.update(self.alerting.record(documents, self.analysis.correlator.incidents))
        return commit

    def _maintain(self) -> None:
        self.analysis.forget_old()
        try:
            more = self.store.maintain(self._clock())
        except (StoreBusyError, StoreFullError):
            more = True
        if more:
            self._last_maintain = time.monotonic() - MAINTAIN_SECONDS + LONGEST_STORE_RETRY_SECONDS

    def _restore(self) -> None:
        loaded = self.store.load()
        self.analysis.load(loaded.state)
        states = loaded.state.get("stream", {})
        for runner in self.runners:
            name = runner.stream.name
            runner.restore(loaded.positions.get(name, {}), loaded.counts.get(name), states.get(name))
        self.totals.load(loaded)
        self.alerting.load(loaded.state.get("alerts", {}), Queries(self.store.readers, {}).incident)
        self.shown = self.totals.snapshot(self.runners, self.store, self.alerting.deliveries)
