"""The running service: exact after restarts, patient with a store that takes nothing, unmoved by one broken stream."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.config import load
from service.engine.serve import Service
from service.errors import HandspikeError

FAILED = (
    "2026/11/20 10:{minute:02}:{second:02} [error] 7#7: *1 upstream SSL certificate verify error: (10:certificate has"
    " expired) while SSL handshaking to upstream, client: 192.0.2.8, server: www.shop.example,"
    ' request: "GET /?token=abc HTTP/1.1", upstream: "https://198.51.100.7:443/", host: "www.shop.example"\n'
)


def write_config(folder: Path, more: str = "", streams: str = "") -> Path:
    path = folder / "streams.yaml"
    path.write_text(
        f"""
service: {{listen: '127.0.0.1:0', data_dir: data}}
{more}
streams:
  edge: {{hop: edge, format: nginx, source: {{file: {{path: edge.log, start: beginning}}}}}}
{streams}
"""
    )
    return path


@contextmanager
def running(config: Path) -> Iterator[Service]:
    service = Service(load(config))
    service.start()
    try:
        yield service
    finally:
        service.stop()


def wait_for(holds: Callable[[], Any], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.02)


def failures(service: Service) -> int:
    return service.engine.shown.streams["edge"].failures


def ask(service: Service, path: str) -> Any:
    return httpx.get(service.url + path, timeout=10).json()


def write(folder: Path, seconds: range) -> None:
    with (folder / "edge.log").open("a") as file:
        file.writelines(FAILED.format(minute=second // 60, second=second % 60) for second in seconds)


def test_an_incident_shows_on_every_way_out(tmp_path: Path) -> None:
    with running(write_config(tmp_path)) as service:
        write(tmp_path, range(20))
        wait_for(lambda: failures(service) == 20)
        (incident,) = ask(service, "/api/v1/incidents")["items"]
        assert incident["first"]["stream"] == "edge"
        assert incident["verdict"]["fix_at"] == "beyond"
        whole = ask(service, f"/api/v1/incidents/{incident['id']}")
        assert whole["evidence"]
        assert "abc" not in str(whole["evidence"]), "query values are masked before anything is stored"
        metrics = httpx.get(service.url + "/metrics").text
        assert 'reason="expired",stream="edge"} 20.0' in metrics
        assert "handspike_incidents_open 1.0" in metrics
        kinds = {item["kind"] for item in ask(service, f"/api/v1/incidents/{incident['id']}/timeline")["items"]}
        assert "onset" in kinds


def test_counters_and_incidents_go_on_after_a_restart(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    with running(config) as service:
        write(tmp_path, range(20))
        wait_for(lambda: failures(service) == 20)
        (before,) = ask(service, "/api/v1/incidents")["items"]
    write(tmp_path, range(20, 30))
    with running(config) as service:
        wait_for(lambda: failures(service) == 30)
        (after,) = ask(service, "/api/v1/incidents")["items"]
        assert after["id"] == before["id"]
        assert after["failures"] == 30
        assert 'reason="expired",stream="edge"} 30.0' in httpx.get(service.url + "/metrics").text


def test_a_locked_store_stops_the_reading_says_so_and_loses_nothing(tmp_path: Path) -> None:
    with running(write_config(tmp_path)) as service:
        write(tmp_path, range(5))
        wait_for(lambda: failures(service) == 5)
        lock = sqlite3.connect(tmp_path / "data" / "handspike.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        write(tmp_path, range(5, 25))
        wait_for(lambda: service.engine.paused, seconds=30.0)
        ready = httpx.get(service.url + "/readyz")
        assert ready.status_code == 503
        assert failures(service) == 5, "nothing is shown that is not stored"
        lock.execute("ROLLBACK")
        lock.close()
        wait_for(lambda: failures(service) == 25)
        assert httpx.get(service.url + "/readyz").status_code == 200


def test_a_stream_that_cannot_be_read_is_shown_and_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "dir.log").mkdir()
    streams = "  lb: {hop: lb, format: haproxy, source: {file: {path: nowhere/lb.log, start: beginning}}}"
    with running(write_config(tmp_path, streams=streams)) as service:
        write(tmp_path, range(7))
        wait_for(lambda: failures(service) == 7)

        def states() -> dict[str, str]:
            return {stream["name"]: stream["state"] for stream in ask(service, "/api/v1/streams")["items"]}

        wait_for(lambda: states() == {"edge": "reading", "lb": "waiting"})
        assert httpx.get(service.url + "/readyz").status_code == 200
        assert 'handspike_stream_up{stream="lb"} 0.0' in httpx.get(service.url + "/metrics").text


def test_a_change_marker_is_there_when_the_answer_comes(tmp_path: Path) -> None:
    with running(write_config(tmp_path)) as service:
        answer = httpx.post(service.url + "/api/v1/changes", json={"kind": "deployment", "what": "orders 4.2"})
        assert answer.status_code in (200, 201)
        assert [item["what"] for item in ask(service, "/api/v1/changes")["items"]] == ["orders 4.2"]


def test_with_raw_off_no_raw_text_is_kept_at_all(tmp_path: Path) -> None:
    with running(write_config(tmp_path, more="evidence: {raw: off}")) as service:
        write(tmp_path, range(3))
        wait_for(lambda: failures(service) == 3)
        assert [item["raw"] for item in ask(service, "/api/v1/failures")["items"]] == [None] * 3
    assert b"GET /" not in (tmp_path / "data" / "handspike.db").read_bytes()


def test_a_corrupt_store_is_set_aside_and_never_emptied(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    with running(config) as service:
        write(tmp_path, range(3))
        wait_for(lambda: failures(service) == 3)
    database = tmp_path / "data" / "handspike.db"
    broken = b"not a database at all" + database.read_bytes()[21:]
    database.write_bytes(broken)
    with running(config) as service:
        wait_for(lambda: failures(service) == 3)
    (aside,) = (tmp_path / "data").glob("handspike.db.corrupt-*")
    assert aside.read_bytes() == broken


def test_a_second_service_on_the_same_data_is_refused_in_one_clear_line(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    with running(config), pytest.raises(HandspikeError) as refused:
        Service(load(config))
    assert "data" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_record_without_a_time_takes_its_files_previous_one(tmp_path: Path) -> None:
    streams = "  app: {hop: app, format: app, source: {file: {path: app.log, start: beginning}}}"
    with running(write_config(tmp_path, streams=streams)) as service:
        (tmp_path / "app.log").write_text(
            "2026-11-20 10:00:00,000 INFO started\ncurl: (60) SSL certificate problem: certificate has expired\n"
            "2026-11-20 10:00:05,000 INFO done\n"
        )
        wait_for(lambda: service.engine.shown.streams["app"].lines == 3)
        assert service.engine.shown.streams["app"].failures == 1
        (shown,) = ask(service, "/api/v1/failures?stream=app")["items"]
        assert shown["time"] == "2026-11-20T10:00:00.000Z"
