"""Starting, stopping and bounding the HTTP server itself."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from service.api.app import create_app
from service.api.server import HttpServer, run
from tests.service.api_fakes import FakeView


def test_run_tells_its_free_port_and_ends_when_told() -> None:
    """Port 0 is any free one; the call returns after the event, and nobody listens any more."""
    stop, told = threading.Event(), threading.Event()
    urls: list[str] = []

    def listening(url: str) -> None:
        urls.append(url)
        told.set()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, create_app(FakeView()), "127.0.0.1", 0, stop, listening)
        assert told.wait(10)
        assert httpx.get(f"{urls[0]}/healthz", trust_env=False).status_code == 200
        stop.set()
        assert running.result(10) is None
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{urls[0]}/healthz", trust_env=False)


def test_an_answer_under_way_is_finished_before_the_server_ends() -> None:
    """Stopping cuts nobody off who already asked."""
    asked, go_on = threading.Event(), threading.Event()

    class Slow(FakeView):
        def streams(self) -> list[Any]:
            asked.set()
            assert go_on.wait(10)
            return super().streams()

    server = HttpServer(create_app(Slow()), "127.0.0.1", 0)
    server.start()
    with ThreadPoolExecutor(2) as pool:
        answer = pool.submit(httpx.get, f"{server.url}/api/v1/streams", trust_env=False)
        assert asked.wait(10)
        stopping = pool.submit(server.stop)
        go_on.set()
        assert answer.result(10).status_code == 200
        stopping.result(10)
    assert not server.is_alive


def test_a_head_without_end_is_cut_off_and_others_go_on() -> None:
    """Nobody fills the memory with a header."""
    server = HttpServer(create_app(FakeView()), "127.0.0.1", 0)
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as endless:
            endless.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
            with pytest.raises((ConnectionError, BrokenPipeError)):
                for _ in range(10_000):  # 640 MB, were it taken
                    endless.sendall(b"x" * 65_536)
        assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
    finally:
        server.stop()


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")])
def test_the_address_told_is_one_that_a_person_can_open(host: str, shown: str) -> None:
    """A wildcard address is shown as loopback."""
    server = HttpServer(create_app(FakeView()), host, 0)
    try:
        assert server.url == f"http://{shown}:{server.port}"
    finally:
        server.stop()
