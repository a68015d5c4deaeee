"""Tells sources that something happened in their directories, and the engine that it is worth a look.

One thread for all sources. Events are hints: each source also looks for itself now and then, since network
file systems send none and queues overflow.
"""

import os
import threading
from collections.abc import Callable, Collection, Iterable
from typing import Final

from watchfiles import watch

_STEP_MILLISECONDS: Final = 25
"""Events are handed on when none came for so long ..."""
_DEBOUNCE_MILLISECONDS: Final = 100
"""... but at least this often while they keep coming."""
_TIMEOUT_MILLISECONDS: Final = 1000
_RETRY_SECONDS: Final = 5.0

Notify = Callable[[Iterable[str] | None], None]
"""Takes paths at which something happened; None means: anywhere."""


class Waker:
    """Ends the engine's sleep early. ``event`` may be the engine's own; every method may be called from any thread."""

    def __init__(self, event: threading.Event | None = None) -> None:
        self._event = event or threading.Event()
        self._watched: dict[str, tuple[frozenset[str], Notify | None]] = {}
        self._news: set[str] = set()
        self._lock = threading.Lock()
        self._rebuild = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self.problem = ""
        """Why events don't come (too few inotify watches, say); sources then poll."""

    def watch(self, source_name: str, directories: Collection[str], notify: Notify | None = None) -> None:
        """Watches exactly these directories for the source, not below them; called again when they change."""
        with self._lock:
            self._watched[source_name] = frozenset(directories), notify
            if directories and self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="handspike-wake", daemon=True)
                self._thread.start()
        self._rebuild.set()

    def forget(self, source_name: str) -> None:
        with self._lock:
            self._watched.pop(source_name, None)
        self._rebuild.set()

    def wake(self, source_name: str = "") -> None:
        """For sources with threads of their own: there is something to read."""
        if source_name:
            self._news.add(source_name)
        self._event.set()

    def news(self) -> set[str]:
        """Sources that may have something since the last call."""
        news, self._news = self._news, set()
        return news

    def wait(self, timeout: float) -> None:
        """Returns when something happened since the last call, at the latest after ``timeout`` seconds."""
        self._event.wait(timeout)
        self._event.clear()

    def close(self) -> None:
        self._closed = True
        self._rebuild.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._closed:
            self._rebuild.clear()
            with self._lock:
                wanted = set().union(*(directories for directories, _ in self._watched.values()))
            there = sorted(filter(os.path.isdir, wanted))
            try:
                if there:
                    self._listen(there)
                else:
                    self._rebuild.wait(_RETRY_SECONDS)
            except (OSError, RuntimeError) as error:  # no watches left, or a directory went away meanwhile
                self.problem = str(error)
                self._rebuild.wait(_RETRY_SECONDS)

    def _listen(self, directories: list[str]) -> None:
        is_first = True
        for changes in watch(
            *directories,
            watch_filter=None,
            debounce=_DEBOUNCE_MILLISECONDS,
            step=_STEP_MILLISECONDS,
            stop_event=self._rebuild,
            rust_timeout=_TIMEOUT_MILLISECONDS,
            yield_on_timeout=True,
            raise_interrupt=False,
            recursive=False,
            ignore_permission_denied=True,
        ):
            self.problem = ""
            if is_first:  # whatever happened before the watches stood
                is_first = False
                self._hand_on(None)
            elif changes:
                self._hand_on({path for _, path in changes})

    def _hand_on(self, paths: set[str] | None) -> None:
        with self._lock:
            watched = list(self._watched.items())
        for name, (directories, notify) in watched:
            mine = None if paths is None else [path for path in paths if not directories.isdisjoint(_around(path))]
            if mine is None or mine:
                self._news.add(name)
                if notify is not None:
                    notify(mine)
                if mine and not directories.isdisjoint(mine):
                    self._rebuild.set()  # a directory itself: its watch may be gone
        self._event.set()


def _around(path: str) -> tuple[str, str]:
    return path, os.path.dirname(path)  # noqa: PTH120
