"""Alertmanager's API v2: one alert for each incident, sent again and again while it goes on, then its end.

API: prometheus/alertmanager ``api/v2/openapi.yaml``. An alert whose ``endsAt`` lies ahead fires; not sent again by
then, it ends by itself. Alertmanager refuses an alert that ends before it starts (``types.Alert.Validate``).
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, NamedTuple

import httpx
import orjson

from service.alerts import wording
from service.alerts.courier import IDLE_SECONDS, LONGEST_RETRY_SECONDS, Courier, RefusedError, UndeliveredError
from service.alerts.entry import Notice, Standing
from service.alerts.outbox import LATE_SECONDS, RESOLVED_SECONDS, Outbox, moment
from service.alerts.wording import Links
from service.times import rfc3339

ALIVE_INTERVALS: Final = 4
"""An alert ends by itself when it was not sent again for this many resend intervals; Prometheus does the same."""
BATCH: Final = 64

Phase = Literal["firing", "late", "resolved", "dropped"]


class Posting(NamedTuple):
    """What one incident is at this moment for one Alertmanager."""

    notice: Notice
    phase: Phase
    """``late``: over already, but this Alertmanager was away all the time: it fires once, and ends by itself.
    ``dropped``: it was away too long for that."""


def due(notices: Iterable[Notice], standing: Callable[[Notice], Standing], now: float) -> list[Posting]:
    """All that an Alertmanager should know now."""
    found = []
    for notice in notices:
        entry, its = notice.entry, standing(notice)
        if entry.over_at is None:
            if not its.closed:  # a reopened one does not alert anew
                found.append(Posting(notice, "firing"))
        elif its.fired and not its.was_late and (not its.closed or now - entry.over_at <= RESOLVED_SECONDS):
            found.append(Posting(notice, "resolved"))
        elif not its.fired and not its.closed and entry.is_fresh and not notice.document.get("merged_into"):
            found.append(Posting(notice, "late" if now - entry.over_at <= LATE_SECONDS else "dropped"))
    return found


def alert(posting: Posting, now: float, resend_seconds: float, links: Links) -> dict[str, Any]:
    """One ``postableAlert``."""
    notice, phase = posting
    document = notice.document
    starts = min(moment(document, "started_at", now), now)  # a log's clock may run ahead of ours
    ends = now + ALIVE_INTERVALS * resend_seconds
    if phase == "resolved":
        ends = max(min(moment(document, "resolved_at", now), now), starts)
    note = "Over already, told late: " if phase == "late" else ""
    return {
        "labels": notice.entry.labels,
        "annotations": wording.annotations(document, links, note),
        "startsAt": rfc3339(starts),
        "endsAt": rfc3339(ends),
        "generatorURL": f"{links.page}/api/v1/incidents/{notice.id}",
    }


class AlertmanagerCourier(Courier):
    """News at once; everything again each ``resend_seconds``."""

    def __init__(
        self,
        name: str,
        url: str,
        resend_seconds: float,
        links: Links,
        outbox: Outbox,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``url``: Alertmanager's own, such as ``http://127.0.0.1:9093``."""
        super().__init__(name, outbox, clock, min(resend_seconds, LONGEST_RETRY_SECONDS))
        self._url = url.rstrip("/") + "/api/v2/alerts"
        self._resend = resend_seconds
        self._links = links
        self._taken: dict[str, Phase] = {}
        self._resend_at = 0.0

    def work(self, client: httpx.Client, notices: tuple[Notice, ...]) -> float:
        postings = due(notices, self.standing, self._clock())
        for posting in postings:
            if posting.phase == "dropped":
                self.delivered(1, {posting.notice.id: Standing(closed=True)}, "dropped")
        postings = [posting for posting in postings if posting.phase != "dropped"]
        if not postings:
            self._taken.clear()
            return IDLE_SECONDS
        is_round = time.monotonic() >= self._resend_at
        chosen = postings if is_round else [p for p in postings if self._taken.get(p.notice.id) != p.phase]
        for start in range(0, len(chosen), BATCH):
            self._send(client, chosen[start : start + BATCH])
        self._taken = {p.notice.id: p.phase for p in postings}
        if is_round:
            self._resend_at = time.monotonic() + self._resend
        return max(self._resend_at - time.monotonic(), 0.0)

    def _send(self, client: httpx.Client, batch: list[Posting]) -> None:
        now = self._clock()
        body = orjson.dumps([alert(posting, now, self._resend, self._links) for posting in batch])
        try:
            self.post(client, self._url, body, {"content-type": "application/json"}, len(batch))
        except RefusedError:  # it took those of the batch that it could read; it is asked again
            self._outbox.report(self.name, "refused", len(batch), {})
            raise UndeliveredError from None
        self.delivered(
            len(batch),
            {
                p.notice.id: Standing(
                    fired=True,
                    closed=p.phase != "firing",
                    was_late=p.phase == "late",
                )
                for p in batch
            },
        )
