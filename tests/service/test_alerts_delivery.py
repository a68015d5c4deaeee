"""Receivers that are slow, sick, picky or gone: retried with patience, told in order, in nobody's way."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from service.alerts import Alerting, courier, signing
from service.config.model import Alerts, Secret, Webhook
from tests.service.alert_servers import Receiver, wait_for
from tests.service.live import free_port
from tests.service.test_alerts_outbox import incident, over

NOW: Callable[[], float] = time.time


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "FIRST_RETRY_SECONDS", 0.02)


class Desk:
    """Stands for the engine and the store."""

    def __init__(self, alerts: Alerts) -> None:
        self.alerts = alerts
        self.stored: dict[str, bytes] = {}
        self.incidents: dict[str, dict[str, Any]] = {}
        self.alerting = Alerting(alerts, "http://127.0.0.1:9844")

    def commit(self, *changed: dict[str, Any]) -> float:
        """Seconds that it took."""
        began = time.perf_counter()
        self.incidents.update({document["id"]: document for document in changed})
        for (_, name), blob in self.alerting.record(changed, self.incidents).items():
            assert blob is not None
            self.stored[name] = blob
        self.alerting.committed()
        return time.perf_counter() - began

    def restart(self) -> None:
        self.alerting.stop()
        self.alerting = Alerting(self.alerts, "http://127.0.0.1:9844")
        self.alerting.load(self.stored, self.incidents.get)
        self.alerting.start()

    def outcomes(self, outcome: str) -> int:
        self.commit()
        return sum(count for (_, one), count in self.alerting.deliveries.items() if one == outcome)


@contextmanager
def desk(*webhooks: Webhook, alertmanager: tuple[str, ...] = (), resend: float = 60.0) -> Iterator[Desk]:
    made = Desk(Alerts(alertmanager=alertmanager, webhooks=webhooks, resend_seconds=resend))
    made.alerting.start()
    try:
        yield made
    finally:
        made.alerting.stop()


def kinds(receiver: Receiver) -> list[str]:
    return [body["kind"] for body in receiver.bodies()]


def test_a_webhook_gets_signed_json_of_the_incident() -> None:
    with Receiver() as receiver, desk(Webhook(Secret(f"{receiver.url}/x?key=1"), Secret("hunter2hunter2"))) as ours:
        document = incident(at=NOW())
        ours.commit(document)
        wait_for(lambda: receiver.requests, "told")
        ((path, headers, body),) = receiver.requests
        assert path == "/x?key=1"
        assert headers["webhook-id"] == "i1:opened"
        assert signing.is_genuine("hunter2hunter2", headers, body, NOW())
        sent = orjson.loads(body)
        assert sent.pop("at")
        assert sent == {
            "id": "i1:opened",
            "kind": "opened",
            "severity": "critical",
            "page_url": "http://127.0.0.1:9844/#i1",
            "incident": document,
        }


def test_a_chat_gets_text() -> None:
    with Receiver() as receiver, desk(Webhook(Secret(receiver.url), format="slack")) as ours:
        ours.commit(incident(at=NOW()))
        (body,) = wait_for(receiver.bodies, "told")
        assert set(body) == {"text"}
        assert body["text"].startswith("*TLS incident opened* (critical): lb broke first\n> Fix at lb (97% sure).\n")


def test_events_come_in_order_once_through_failures_and_a_restart() -> None:
    with Receiver() as receiver, desk(Webhook(Secret(receiver.url))) as ours:
        receiver.status = 503
        ours.commit(incident(at=NOW()))
        wait_for(lambda: len(receiver.requests) >= 2, "tried again")
        ours.commit(over(incident(at=NOW()), NOW()))
        assert set(kinds(receiver)) == {"opened"}, "the next one waits for the first"
        assert {headers["webhook-id"] for _, headers, _ in receiver.requests} == {"i1:opened"}
        ours.restart()
        seen = len(receiver.requests)
        receiver.status = 204
        wait_for(lambda: ours.outcomes("success") == 2, "both taken")
        taken = kinds(receiver)[seen:]
        assert [kind for kind, before in zip(taken, [None, *taken], strict=False) if kind != before] == [
            "opened",
            "resolved",
        ]
        ours.restart()
        ours.commit(incident("i2", at=NOW()))
        wait_for(lambda: ours.outcomes("success") == 3, "the next one taken")
        assert [body["id"] for body in receiver.bodies()][-1] == "i2:opened"
        assert kinds(receiver).count("resolved") == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_body_that_is_refused_does_not_block_what_comes_after_it(status: int) -> None:
    with Receiver() as receiver, desk(Webhook(Secret(receiver.url))) as ours:
        receiver.status = status
        ours.commit(incident(at=NOW()))
        wait_for(lambda: ours.outcomes("refused") == 1, "refused")
        receiver.status = 200
        ours.commit(incident("i2", at=NOW()))
        wait_for(lambda: ours.outcomes("success") == 1, "told")
        assert [body["id"] for body in receiver.bodies()] == ["i1:opened", "i2:opened"]


@pytest.mark.parametrize("status", [302, 401, 404, 408, 429, 500, 503])
def test_any_other_answer_is_tried_again(status: int) -> None:
    """A redirect is not followed: a signed body goes where it was sent and nowhere else."""
    with Receiver() as receiver, desk(Webhook(Secret(receiver.url))) as ours:
        receiver.status = status
        ours.commit(incident(at=NOW()))
        wait_for(lambda: ours.outcomes("failure") >= 2, "tried again")
        receiver.status = 200
        wait_for(lambda: ours.outcomes("success") == 1, "told")


def test_a_receiver_that_hangs_delays_neither_the_engine_nor_another_receiver() -> None:
    with Receiver() as slow, Receiver() as quick:
        slow.hangs.set()
        with desk(Webhook(Secret(slow.url)), alertmanager=(slow.url, quick.url)) as ours:
            took = max(ours.commit(incident(f"i{number}", at=NOW())) for number in range(100))
            assert took < 0.5
            wait_for(lambda: sum(map(len, quick.bodies())) >= 100, "the other is told of all")
            assert slow.requests == []
            slow.hangs.clear()
            wait_for(lambda: sum(len(b) for b in slow.bodies() if isinstance(b, list)) >= 100, "told in the end")


def test_an_alertmanager_is_told_again_each_interval_with_a_later_end() -> None:
    with Receiver() as receiver, desk(alertmanager=(receiver.url + "/prefix/",), resend=0.2) as ours:
        ours.commit(incident(at=NOW()))
        wait_for(lambda: len(receiver.requests) >= 3, "told again")
        assert {path for path, _, _ in receiver.requests} == {"/prefix/api/v2/alerts"}
        alerts = [body[0] for body in receiver.bodies()]
        assert len({orjson.dumps(alert["labels"]) for alert in alerts}) == 1
        ends = [alert["endsAt"] for alert in alerts]
        assert ends == sorted(set(ends))


def test_more_alerts_than_one_request_holds_go_out_in_several() -> None:
    with Receiver() as receiver, desk(alertmanager=(receiver.url,)) as ours:
        ours.commit(*(incident(f"i{number}", at=NOW()) for number in range(150)))
        wait_for(lambda: ours.outcomes("success") >= 150, "told of all")
        told = [alert["labels"]["incident"] for body in receiver.bodies() for alert in body]
        assert sorted(told) == sorted(f"i{number}" for number in range(150))
        assert max(map(len, receiver.bodies())) == 64


def test_an_outage_of_a_receiver_is_logged_once_and_names_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    caplog.set_level("DEBUG")
    with desk(Webhook(Secret(f"http://127.0.0.1:{port}/services/T0/B0/swordfish"), format="slack")) as ours:
        ours.commit(incident(at=NOW()))
        wait_for(lambda: ours.outcomes("failure") >= 3, "tried")
        with Receiver(port) as back:
            wait_for(lambda: back.requests, "told")
            wait_for(lambda: ours.outcomes("success") == 1, "counted")
        assert {receiver for receiver, _ in ours.alerting.deliveries} == {f"webhook:127.0.0.1:{port}"}
    told = [record.getMessage() for record in caplog.records if record.name.startswith("service.alerts")]
    assert told == [
        f"webhook:127.0.0.1:{port} does not take alerts (ConnectError); trying until it does",
        f"webhook:127.0.0.1:{port} takes alerts again",
    ]
    assert "swordfish" not in caplog.text


def test_two_receivers_on_one_address_are_told_apart() -> None:
    alerts = Alerts(webhooks=(Webhook(Secret("http://a.example/1")), Webhook(Secret("http://a.example/2"))))
    assert {name for name, _ in Alerting(alerts, "").outbox._totals} == {"webhook:a.example", "webhook:a.example#2"}


def test_without_receivers_nothing_is_kept() -> None:
    ours = Desk(Alerts())
    ours.commit(incident(at=NOW()))
    assert ours.stored == {}
