"""Webhooks: each event of each incident, in order, at least once; signed JSON, or a chat message.

Every attempt at one event carries the same ``webhook-id``, so a receiver can drop what it has seen. The incident in
the body is as it stands at that attempt, which may be later than the event.
"""

import time
from collections.abc import Callable
from typing import Final, Literal

import httpx
import orjson

from service.alerts import signing, wording
from service.alerts.courier import IDLE_SECONDS, Courier, RefusedError
from service.alerts.entry import Event, Notice, Standing
from service.alerts.outbox import LATE_SECONDS, Outbox
from service.alerts.wording import Links
from service.times import rfc3339

Format = Literal["json", "slack"]
_AGENT: Final = "handspike"


def delivery_id(incident: str, event: Event) -> str:
    """The idempotency id: the same for every attempt at this event.

    >>> delivery_id("20261120T101502Z-ab12cd34", Event("resolved", 2, 0.0))
    '20261120T101502Z-ab12cd34:resolved:2'
    """
    return f"{incident}:{event.kind}" + (f":{event.number}" if event.number > 1 else "")


def payload(notice: Notice, event: Event, format: Format, links: Links) -> bytes:
    """The body. JSON: ``{id, kind, at, severity, page_url, incident}``, the incident as the API gives it, texts cut."""
    severity = notice.entry.labels["severity"]
    if format == "slack":
        return orjson.dumps({"text": wording.chat(notice.document, event.kind, severity, links)})
    return orjson.dumps(
        {
            "id": delivery_id(notice.id, event),
            "kind": event.kind,
            "at": rfc3339(event.at),
            "severity": severity,
            "page_url": f"{links.page}/#{notice.id}",
            "incident": wording.bounded(notice.document),
        }
    )


class WebhookCourier(Courier):
    """One event after the other; the next one waits until this one is taken, refused, or too old."""

    def __init__(
        self,
        name: str,
        url: str,
        secret: str | None,
        format: Format,
        links: Links,
        outbox: Outbox,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name, outbox, clock)
        self._url = url
        self._secret = secret
        self._format = format
        self._links = links

    def work(self, client: httpx.Client, notices: tuple[Notice, ...]) -> float:
        waiting = [
            (event.at, number, notice)
            for notice in notices
            for number, event in enumerate(notice.entry.events, 1)
            if number > self.standing(notice).told
        ]
        for at, number, notice in sorted(waiting, key=lambda one: one[:2]):
            if self._stopping.is_set():
                break
            outcome = "dropped" if self._clock() - at > LATE_SECONDS else self._send(client, notice, number)
            self.delivered(1, {notice.id: Standing(told=number)}, outcome)
        return IDLE_SECONDS

    def _send(self, client: httpx.Client, notice: Notice, number: int) -> str:
        event = notice.entry.events[number - 1]
        body = payload(notice, event, self._format, self._links)
        headers = {"content-type": "application/json", "user-agent": _AGENT} | signing.headers(
            self._secret, delivery_id(notice.id, event), self._clock(), body
        )
        try:
            self.post(client, self._url, body, headers, 1)
        except RefusedError:
            return "refused"
        return "success"
