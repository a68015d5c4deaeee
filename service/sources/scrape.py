"""A target's Prometheus exposition, read at an interval: counters of failed handshakes in place of log lines.

A thread of its own asks; the engine never waits. The position is the values that the last commit counted, so that
what a counter rose by while nobody looked, restarts of the service included, is counted once, at the next look.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

import httpx
import msgspec

from service.sources import exposition
from service.sources.exposition import Counts, Series
from service.sources.source import Block, Health

MOST_BYTES: Final = 32 << 20
"""Of one answer, unpacked; an Envoy with a thousand clusters sends some 10 MB."""
LONGEST_SECONDS: Final = 10.0
"""An answer must be whole within this time, or within the interval where that is shorter."""
_ACCEPT: Final = "text/plain;version=0.0.4;q=1,*/*;q=0.1"


class Position(msgspec.Struct, array_like=True):
    """What has been counted of one target."""

    time: float
    values: list[tuple[str, list[tuple[str, str]], float]]


class Scrape(msgspec.Struct):
    """One answer."""

    time: float
    counts: Counts


class ScrapeError(Exception):
    """The target gave no exposition; the text says why, on one line."""


class ScrapeSource:
    """A `service.sources.source.Source` over one URL. ``wake`` is called when an answer came."""

    def __init__(
        self,
        url: str,
        interval_seconds: float,
        *,
        clock: Callable[[], float] = time.time,
        wake: Callable[[], object] | None = None,
    ) -> None:
        self._url = url
        self._interval = interval_seconds
        self._clock = clock
        self._wake = wake
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._answer: Scrape | None = None  # the newest; one that nobody took in time is in the next one's values
        self._problem = ""
        self._series = 0
        self._values: dict[Series, float] = {}
        self._time: float | None = None
        self._offered: Scrape | None = None
        self._others: list[str] = []

    def restore(self, positions: dict[str, bytes]) -> None:
        """Goes on from the values counted before; those of another target are forgotten."""
        self._others = [part for part in positions if part != self._url]
        if (stored := positions.get(self._url)) is not None:
            position = msgspec.msgpack.decode(stored, type=Position)
            self._time = position.time
            self._values = {
                (metric, tuple((name, value) for name, value in labels)): number
                for metric, labels, number in position.values
            }
        self._begin()

    def next_block(self) -> Block | None:
        """As `Source.next_block`: the increases since the last block; the very first answer is only the baseline."""
        self._begin()
        answer = self._answer
        if self._offered is not None or answer is None:
            return None
        self._answer, self._offered = None, answer
        if self._time is None:
            data = exposition.render([], self._url, answer.time, 0.0)
        else:
            found = exposition.increases(self._values, answer.counts.values)
            data = exposition.render(found, self._url, answer.time, max(answer.time - self._time, 0.0))
        dropped = {"unreadable_counter": answer.counts.dropped} if answer.counts.dropped else {}
        return Block(self._url, data, True, answer.time, dropped)

    def consumed(self, block: Block, count: int) -> dict[str, bytes | None]:
        answer, self._offered = self._offered, None
        if answer is None or count < len(block.data):
            return {}
        # a counter that is missing for once must not be counted from 0 when it is back
        kept = {series: value for series, value in self._values.items() if series not in answer.counts.values}
        values = kept | answer.counts.values
        while len(values) > exposition.MOST_SERIES:
            del values[next(iter(values))]
        self._values, self._time = values, answer.time
        rows = [(metric, list(labels), number) for (metric, labels), number in values.items()]
        positions: dict[str, bytes | None] = dict.fromkeys(self._others)
        positions[self._url] = msgspec.msgpack.encode(Position(answer.time, rows))
        self._others = []
        return positions

    def health(self) -> Health:
        if self._problem:
            return Health("failed", self._problem)
        if self._time is None and self._answer is None:
            return Health("waiting", f"no answer of {self._url} yet")
        text = "" if self._series else f"{self._url} holds no counter of failed handshakes that is known"
        return Health("reading", text, 0, 1)

    def close(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def _begin(self) -> None:
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="handspike-scrape", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._interval, time.monotonic())  # at an even pace, and never two at once
            try:
                counts = scrape(self._url, min(LONGEST_SECONDS, self._interval), self._stopping.is_set)
            except ScrapeError as error:
                self._problem = str(error)
                continue
            self._problem, self._series = "", len(counts.values)
            self._answer = Scrape(self._clock(), counts)
            if self._wake is not None:
                self._wake()


def scrape(url: str, timeout_seconds: float, stopped: Callable[[], bool] = lambda: False) -> Counts:
    """Asks a target once.

    Raises:
        ScrapeError: it does not answer in time, or not with an exposition.
    """
    deadline = time.monotonic() + timeout_seconds
    body = bytearray()
    try:
        with (
            httpx.Client(timeout=timeout_seconds, follow_redirects=False) as client,
            client.stream("GET", url, headers={"Accept": _ACCEPT, "User-Agent": "handspike"}) as answer,
        ):
            if answer.status_code != 200:
                raise ScrapeError(f"{url} answers {answer.status_code}; 200 was expected")
            for piece in answer.iter_bytes(1 << 16):
                body += piece
                if len(body) > MOST_BYTES:
                    raise ScrapeError(f"{url} answers with more than {MOST_BYTES >> 20} MiB")
                if time.monotonic() > deadline or stopped():
                    raise ScrapeError(f"{url} took longer than {timeout_seconds:g} s to answer")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise ScrapeError(f"{url} can't be read: {why}") from error
    return exposition.read(bytes(body))
