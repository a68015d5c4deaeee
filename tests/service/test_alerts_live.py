"""A real ``handspike serve`` and a real Alertmanager: one page for an incident, whatever of the two restarts when."""

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from service.alerts.alertmanager import alert
from service.alerts.wording import Links
from service.demo.lab.shop import Shop
from service.times import rfc3339
from tests.service.alert_servers import Receiver, Server, alertmanager, wait_for
from tests.service.live import LiveService, free_port
from tests.service.test_alerts_outbox import Desk, incident, over

FAILED = (
    "{head} [error] 7#7: *1 upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking"
    " to upstream, client: 192.0.2.8, server: www.shop.example,"
    ' request: "GET / HTTP/1.1", upstream: "https://198.51.100.7:443/", host: "www.shop.example"\n'
)
STREAMS = "  edge: {hop: edge, format: nginx, source: {file: {path: edge.log, start: beginning}}}"

pytestmark = [pytest.mark.server("alertmanager"), pytest.mark.timeout(180)]


@pytest.fixture
def pager() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def service(folder: Path, *receivers: str, resend: str = "1s") -> LiveService:
    alerts = f"alerts: {{alertmanager: [{', '.join(receivers)}], resend: {resend}}}\ndetector: {{window: 3s}}"
    return LiveService(folder, STREAMS, alerts)


def fail(folder: Path, failures: int = 12) -> float:
    """Broken handshakes, written as they happen; when the first was."""
    start = time.time()
    with (folder / "edge.log").open("a") as log:
        for _ in range(failures):
            log.write(FAILED.format(head=time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())))
            log.flush()
            time.sleep(0.1)
    return start


def firing(server: Server) -> list[dict[str, Any]]:
    """What Alertmanager's API shows of us; it leaves out what is resolved."""
    found: list[dict[str, Any]] = server.get("/api/v2/alerts?filter=alertname%3DTLSHandshakeSpike")
    return found


def pages(pager: Receiver) -> list[tuple[str, str]]:
    """(status, incident or the rule's name) of every notification that a person would have got."""
    told = [(body["status"], alert["labels"]) for body in pager.bodies() for alert in body["alerts"]]
    return [(status, labels.get("incident", labels["alertname"])) for status, labels in told]


def test_a_broken_handshake_fires_once_and_resolves(tmp_path: Path, pager: Receiver) -> None:
    with alertmanager(tmp_path / "am", pager.url) as server:
        handspike = service(tmp_path, server.url)
        handspike.start()
        try:
            began = fail(tmp_path)
            (alert,) = wait_for(lambda: firing(server), "firing")
            (incident,) = handspike.get("/api/v1/incidents")["items"]
            assert alert["labels"] == {
                "alertname": "TLSHandshakeSpike",
                "severity": "critical",
                "stream": "edge",
                "hop": "edge",
                "family": "certificate",
                "incident": incident["id"],
            }
            assert alert["annotations"]["fix_at"] == "beyond"
            assert "expired" in alert["annotations"]["summary"]
            assert alert["annotations"]["runbook_url"] == "docs/runbooks/TLSHandshakeSpike.md"
            assert alert["generatorURL"] == f"{handspike.url}/api/v1/incidents/{incident['id']}"
            starts = datetime.fromisoformat(alert["startsAt"]).timestamp()
            assert abs(starts - began) < 2.0, "it starts at the onset, not when it was noticed"
            wait_for(lambda: ("firing", incident["id"]) in pages(pager), "paged")
            wait_for(lambda: ("resolved", incident["id"]) in pages(pager), "resolved", 60.0)
            assert firing(server) == []
            assert pages(pager) == [("firing", incident["id"]), ("resolved", incident["id"])]
            shown = handspike.text("/metrics")
            assert f'outcome="failure",receiver="alertmanager:{server.url[7:]}"}} 0.0' in shown
            count = shown.split(f'outcome="success",receiver="alertmanager:{server.url[7:]}"}} ')[1].split("\n")[0]
            assert float(count) >= 3
        finally:
            handspike.stop()


def test_an_alertmanager_that_comes_later_is_told_and_nothing_waited_for_it(tmp_path: Path, pager: Receiver) -> None:
    """One of two is absent: the other pages at once, detection goes on, and the absent one learns of it too."""
    with alertmanager(tmp_path / "am", pager.url) as late, Receiver() as other:
        late.stop()
        handspike = service(tmp_path, late.url, other.url)
        handspike.start()
        try:
            fail(tmp_path)
            wait_for(lambda: other.requests, "told")
            (path, _, _) = other.requests[0]
            assert path == "/api/v2/alerts"
            (incident,) = handspike.get("/api/v1/incidents")["items"]
            wait_for(lambda: handspike.get("/api/v1/incidents")["items"][0]["state"] == "resolved", "over", 60.0)
            wait_for(
                lambda: (
                    f'outcome="failure",receiver="alertmanager:{late.url[7:]}"}} 0.0' not in handspike.text("/metrics")
                ),
                "failures counted",
            )
            late.start()
            wait_for(lambda: ("firing", incident["id"]) in pages(pager), "paged late")
            (alert,) = firing(late)
            assert alert["annotations"]["summary"].startswith("Over already, told late: ")
            wait_for(lambda: ("resolved", incident["id"]) in pages(pager), "ended by itself", 60.0)
            assert pages(pager) == [("firing", incident["id"]), ("resolved", incident["id"])]
        finally:
            handspike.stop()


def test_kill_9_and_a_restart_of_either_side_change_no_label_and_page_nobody_twice(
    tmp_path: Path, pager: Receiver
) -> None:
    with alertmanager(tmp_path / "am", pager.url) as server:
        handspike = service(tmp_path, server.url, resend="3s")
        handspike.start()
        try:
            fail(tmp_path)
            (before,) = wait_for(lambda: firing(server), "firing")
            wait_for(lambda: pages(pager), "paged")
            handspike.kill()
            handspike.start()
            fail(tmp_path)
            (after,) = wait_for(lambda: firing(server), "still firing")
            assert (after["labels"], after["fingerprint"], after["startsAt"]) == (
                before["labels"],
                before["fingerprint"],
                before["startsAt"],
            )
            server.stop()
            server.start()
            (again,) = wait_for(lambda: firing(server), "told again")
            assert again["labels"] == before["labels"]
            wait_for(lambda: ("resolved", before["labels"]["incident"]) in pages(pager), "resolved", 60.0)
            assert [status for status, _ in pages(pager)] == ["firing", "resolved"]
        finally:
            handspike.stop()


@pytest.mark.server("nginx", "haproxy", "openssl")
def test_real_servers_broken_and_repaired_fire_and_resolve(tmp_path: Path, pager: Receiver) -> None:
    """nginx in front of HAProxy in front of nginx, with clients; HAProxy gets a certificate that expired yesterday."""
    logs = tmp_path / "logs"
    streams = "".join(
        f"  {name}: {{hop: {name}, format: {format}, source: {{file: {{path: logs/{name}.log}}}}{more}}}\n"
        for name, format, more in (
            ("edge", "nginx", ""),
            ("lb", "haproxy", ""),
            ("ingress", "nginx", ""),
            ("app", "app", ", follows: [lb]"),
        )
    )
    with (
        alertmanager(tmp_path / "am", pager.url) as server,
        tempfile.TemporaryDirectory(prefix="shop") as short,
        Shop(Path(short) / "s", logs) as shop,
    ):
        alerts = f"alerts: {{alertmanager: [{server.url}], resend: 1s}}\ndetector: {{window: 3s}}"
        handspike = LiveService(tmp_path, streams, alerts)
        handspike.start()
        try:
            time.sleep(8.0)  # healthy traffic, with the noise that every TLS port knows
            assert firing(server) == []
            broken = shop.break_lb().timestamp()
            (alert,) = wait_for(lambda: firing(server), "firing", 30.0)
            assert alert["labels"]["family"] == "certificate"
            assert alert["labels"]["severity"] == "critical"
            starts = datetime.fromisoformat(alert["startsAt"]).timestamp()
            assert -1.5 < starts - broken < 5.0
            wait_for(lambda: firing(server)[0]["annotations"]["fix_at"] == "lb", "blamed on the right hop")
            assert "expired" in firing(server)[0]["annotations"]["summary"]
            shop.repair_lb()
            incident = alert["labels"]["incident"]
            wait_for(lambda: ("resolved", incident) in pages(pager), "resolved", 90.0)
            assert pages(pager) == [("firing", incident), ("resolved", incident)]
        finally:
            handspike.stop()


def test_an_alertmanager_that_answers_500_is_asked_until_it_takes_it(tmp_path: Path) -> None:
    with Receiver(free_port()) as sick:
        sick.status = 500
        handspike = service(tmp_path, sick.url)
        handspike.start()
        try:
            fail(tmp_path)
            wait_for(lambda: len(sick.requests) >= 3, "tried again")
            sick.status = 200
            seen = len(sick.requests)
            (alert,) = wait_for(lambda: sick.bodies()[seen:], "taken")[0]
            assert alert["labels"]["alertname"] == "TLSHandshakeSpike"
        finally:
            handspike.stop()


def test_kills_at_any_moment_lose_no_event_and_change_no_label(tmp_path: Path) -> None:
    """Told at least once, under one id; whatever Alertmanager is sent of the incident, it is one alert to it."""
    rng = random.Random(4)
    with Receiver() as am, Receiver() as hook:
        alerts = f"alerts: {{alertmanager: [{am.url}], webhooks: [{hook.url}], resend: 1s}}\ndetector: {{window: 3s}}"
        handspike = LiveService(tmp_path, STREAMS, alerts)
        writing = threading.Thread(target=fail, args=(tmp_path, 80))
        writing.start()
        try:
            for _ in range(5):
                handspike.start()
                time.sleep(rng.random())
                handspike.kill()
            assert hook.requests, "some of the kills came after it was told"
            writing.join()
            handspike.start()
            wait_for(lambda: [body for body in hook.bodies() if body["kind"] == "resolved"], "resolved", 60.0)
            wait_for(lambda: am.bodies()[-1][0]["endsAt"] < rfc3339(time.time()), "its end told", 30.0)
            (incident,) = handspike.get("/api/v1/incidents")["items"]
            assert [body["id"] for body in hook.bodies()][-1] == f"{incident['id']}:resolved"
            assert {body["id"] for body in hook.bodies()} == {
                f"{incident['id']}:{kind}" for kind in ("opened", "resolved")
            }
            assert len({str(alert["labels"]) for body in am.bodies() for alert in body}) == 1
        finally:
            handspike.stop()
            writing.join()


def test_alertmanager_takes_alerts_of_odd_clocks_and_endless_texts(tmp_path: Path, pager: Receiver) -> None:
    """A log an hour ahead, one of 1970, a megabyte of text: none is refused, and what has ended does not fire."""
    now = time.time()
    flood = incident("flood", now)
    flood["verdict"] |= {"summary": "x" * 1_000_000, "because": ["\ud800\x00" * 100_000]}
    desk = Desk()
    desk.clock.now = now
    desk.commit(flood, incident("ahead", now + 3600.0), incident("ended", now + 3600.0))
    desk.take()
    desk.commit(over(incident("ended", now + 3600.0), now + 7200.0))
    stale = incident("stale", 0.0)
    stale["spikes"][0]["last_failure_at"] = rfc3339(now)
    desk.commit(stale)
    with alertmanager(tmp_path / "am", pager.url) as server:
        body = [alert(posting, now, 60.0, Links("http://h", "docs/runbooks")) for posting in desk.postings()]
        answer = httpx.post(
            f"{server.url}/api/v2/alerts", content=orjson.dumps(body), headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.text) == (200, "")
        assert {one["labels"]["incident"] for one in firing(server)} == {"flood", "ahead", "stale"}
