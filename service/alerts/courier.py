"""A thread that brings one receiver what it has to know: patient with what fails, never in anybody's way."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final

import httpx

from service.alerts.entry import Notice, Standing
from service.alerts.outbox import Outbox

FIRST_RETRY_SECONDS: Final = 0.5
LONGEST_RETRY_SECONDS: Final = 30.0
TIMEOUT_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 60.0
REFUSED: Final = frozenset({400, 410, 413, 415, 422})
"""Answers that say: this very body is not wanted; all others but success may change by themselves."""

_log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each address, and a chat's address is its password


class UndeliveredError(Exception):
    """The receiver did not take it now; try again later."""


class RefusedError(Exception):
    """The receiver will never take this body."""


class Courier(ABC):
    """``name`` labels its deliveries in the metrics, and its standings in the store; it holds no secret."""

    def __init__(
        self,
        name: str,
        outbox: Outbox,
        clock: Callable[[], float] = time.time,
        longest_retry_seconds: float = LONGEST_RETRY_SECONDS,
    ) -> None:
        self.name = name
        self._outbox = outbox
        self._clock = clock
        self._longest_retry = longest_retry_seconds
        self._standings: dict[str, Standing] = {}
        """Newer than the outbox's, which has to be committed first."""
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"handspike-{name}", daemon=True)
        self._failing = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Asks it to end; see `join`."""
        self._stopping.set()
        self._wake.set()

    def join(self, timeout: float) -> None:
        """A request that is under way may outlive this; what it tells is told again after the next start."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    @abstractmethod
    def work(self, client: httpx.Client, notices: tuple[Notice, ...]) -> float:
        """Sends what is due; seconds until something may be due again.

        Raises:
            UndeliveredError: what is left is tried again after a pause.
        """

    def standing(self, notice: Notice) -> Standing:
        known = self._standings.get(notice.id)
        return known if known is not None else notice.entry.standings.get(self.name, Standing())

    def delivered(self, alerts: int, standings: Mapping[str, Standing], outcome: str = "success") -> None:
        self._standings.update(standings)
        self._outbox.report(self.name, outcome, alerts, standings)
        if self._failing and outcome == "success":
            self._failing = False
            _log.warning("%s takes alerts again", self.name)

    def post(self, client: httpx.Client, url: str, body: bytes, headers: Mapping[str, str], alerts: int) -> None:
        """
        Raises:
            UndeliveredError: no answer, or one that may change.
            RefusedError: this body will never be taken.
        """
        try:
            # The answer's body is nobody's business, and may be endless.
            with client.stream("POST", url, content=body, headers=headers) as answer:
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            self._failed(alerts, type(error).__name__)
            raise UndeliveredError from None
        if status in REFUSED:
            _log.error("%s refuses what it was sent (HTTP %d)", self.name, status)
            raise RefusedError
        if not 200 <= status < 300:
            self._failed(alerts, f"HTTP {status}")
            raise UndeliveredError

    def _failed(self, alerts: int, why: str) -> None:
        self._outbox.report(self.name, "failure", alerts, {})
        if not self._failing:  # once an outage, not once a try; no address: it may hold a secret
            self._failing = True
            _log.warning("%s does not take alerts (%s); trying until it does", self.name, why)

    def _run(self) -> None:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            pause = FIRST_RETRY_SECONDS
            while not self._stopping.is_set():
                self._wake.clear()
                notices = self._outbox.published
                known = {notice.id for notice in notices}
                self._standings = {name: held for name, held in self._standings.items() if name in known}
                try:
                    wait = self.work(client, notices)
                except UndeliveredError:
                    self._stopping.wait(pause)
                    pause = min(pause * 2.0, self._longest_retry)
                    continue
                except Exception:  # a mistake of ours must not end the only thread that tells people
                    _log.exception("%s: cannot make an alert", self.name)
                    self._failed(1, "a mistake of handspike's own")
                    self._stopping.wait(self._longest_retry)
                    continue
                pause = FIRST_RETRY_SECONDS
                self._wake.wait(wait)
