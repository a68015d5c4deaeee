"""All receivers of one configuration, and the outbox between them and the engine."""

import time
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from service.alerts.alertmanager import AlertmanagerCourier
from service.alerts.courier import Courier
from service.alerts.outbox import Outbox, State
from service.alerts.webhook import WebhookCourier
from service.alerts.wording import Links
from service.config.model import Alerts

STOP_SECONDS: Final = 2.0
"""At a stop, requests that are under way have this long, all together."""


class Alerting:
    """`load`, `record` and `committed` belong to the engine's thread; none of them waits for a receiver."""

    def __init__(self, alerts: Alerts, page: str, clock: Callable[[], float] = time.time) -> None:
        """``page``: the service's own address, for links, where the configuration names no better one."""
        names = _names(
            [f"alertmanager:{urlsplit(url).netloc}" for url in alerts.alertmanager]
            + [f"webhook:{urlsplit(webhook.url.value).netloc}" for webhook in alerts.webhooks]
        )
        links = Links((alerts.page or page).rstrip("/"), alerts.runbooks.rstrip("/"))
        self.outbox = Outbox(names, clock)
        self._couriers: list[Courier] = [
            AlertmanagerCourier(name, url, alerts.resend_seconds, links, self.outbox, clock)
            for name, url in zip(names, alerts.alertmanager, strict=False)
        ]
        self._couriers += [
            WebhookCourier(
                name,
                webhook.url.value,
                None if webhook.secret is None else webhook.secret.value,
                webhook.format,
                links,
                self.outbox,
                clock,
            )
            for name, webhook in zip(names[len(alerts.alertmanager) :], alerts.webhooks, strict=True)
        ]

    @property
    def has_news(self) -> bool:
        """Whether there is something to commit besides incidents."""
        return self.outbox.has_news

    @property
    def deliveries(self) -> dict[tuple[str, str], int]:
        """(receiver, outcome) -> alerts, committed."""
        return self.outbox.deliveries

    def load(self, stored: Mapping[str, bytes], find: Callable[[str], dict[str, Any] | None]) -> None:
        if self._couriers:
            self.outbox.load(stored, find)

    def record(self, changed: Iterable[dict[str, Any]], alive: Container[str]) -> State:
        """What to write with the commit that holds the changed incidents."""
        return self.outbox.record(changed, alive) if self._couriers else {}

    def committed(self) -> None:
        if self._couriers:
            self.outbox.committed()
            for courier in self._couriers:
                courier.wake()

    def start(self) -> None:
        for courier in self._couriers:
            courier.start()

    def stop(self) -> None:
        for courier in self._couriers:
            courier.stop()
        until = time.monotonic() + STOP_SECONDS
        for courier in self._couriers:
            courier.join(max(until - time.monotonic(), 0.0))


def _names(wanted: list[str]) -> list[str]:
    """Each name once: a second receiver on one address gets a number."""
    found: list[str] = []
    for name in wanted:
        seen = sum(one == name or one.startswith(f"{name}#") for one in found)
        found.append(f"{name}#{seen + 1}" if seen else name)
    return found
