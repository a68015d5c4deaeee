"""The scrape source against a server on loopback: baseline, increases, restarts, and targets that misbehave."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from service.config import ScrapeSource as Configured
from service.config import Stream
from service.preflight import look
from service.sources import scrape as module
from service.sources.scrape import ScrapeError, ScrapeSource, scrape
from service.sources.source import Block

ERRORS = "envoy_listener_ssl_connection_error"


class Target:
    """Answers with one counter."""

    def __init__(self) -> None:
        self.value, self.status, self.asked = 0.0, 200, 0
        self.body: bytes | None = None
        self.release = threading.Event()
        self.release.set()
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                target.asked += 1
                target.release.wait(10)
                body = target.body if target.body is not None else f"{ERRORS} {target.value:g}\n".encode()
                self.send_response(target.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/metrics"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


class Following:
    """A source that is asked until it gives a block."""

    def __init__(self, target: Target, positions: dict[str, bytes] | None = None) -> None:
        self.positions = positions or {}
        self._came = threading.Event()
        self.source = ScrapeSource(target.url, 0.02, clock=lambda: 1795218142.0, wake=self._came.set)
        self.source.restore(self.positions)

    def next(self) -> Block:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            self._came.wait(0.05)
            self._came.clear()
            if (block := self.source.next_block()) is not None:
                return block
        raise AssertionError("no block came")

    def commit(self, block: Block) -> None:
        for part, position in self.source.consumed(block, len(block.data)).items():
            if position is None:
                del self.positions[part]
            else:
                self.positions[part] = position

    def risen(self) -> int:
        """Takes blocks until one tells of failures: how many."""
        while True:
            block = self.next()
            self.commit(block)
            if (found := told(block)) > 0:
                return found


def told(block: Block) -> int:
    return sum(
        int(line.split(b'"increase":')[1].split(b",")[0]) for line in block.data.splitlines() if b"increase" in line
    )


def test_the_first_answer_is_only_a_baseline(target: Target) -> None:
    """What was counted before anybody looked is nobody's failure; what comes after it is."""
    target.value = 500
    following = Following(target)
    block = following.next()
    assert (told(block), block.final, block.part) == (0, True, target.url)
    following.commit(block)
    target.value = 503
    assert following.risen() == 3
    following.source.close()


def test_a_restart_counts_what_rose_meanwhile_once(target: Target) -> None:
    """And what was read but never committed comes again."""
    target.value = 10
    following = Following(target)
    following.commit(following.next())
    target.value = 14
    block = following.next()
    while told(block) == 0:
        following.commit(block)
        block = following.next()
    following.source.close()  # dies before the commit
    target.value = 20
    again = Following(target, following.positions)
    assert again.risen() == 10
    again.source.close()


def test_a_target_that_started_anew_loses_nothing(target: Target) -> None:
    """Its counters begin at 0 again."""
    target.value = 100
    following = Following(target)
    following.commit(following.next())
    target.value = 2
    assert following.risen() == 2
    following.source.close()


def test_a_counter_missing_for_once_is_not_counted_anew(target: Target) -> None:
    """A torn answer must not look like a hundred failures."""
    target.value = 100
    following = Following(target)
    following.commit(following.next())
    target.body = b"# nothing\n"
    asked = target.asked
    while target.asked < asked + 3:
        following.commit(following.next())
    target.body, target.value = None, 101
    assert following.risen() == 1
    following.source.close()


def test_another_targets_position_is_forgotten(target: Target) -> None:
    """The URL was changed: its first answer is a baseline again."""
    following = Following(target, {"http://127.0.0.1:1/old": b"\x92\x00\x90"})
    block = following.next()
    assert told(block) == 0
    following.commit(block)
    assert list(following.positions) == [target.url]
    following.source.close()


def test_a_target_that_hangs_holds_nobody_up(target: Target) -> None:
    """The engine's question is answered at once."""
    target.release.clear()
    following = Following(target)
    began = time.monotonic()
    for _ in range(100):
        assert following.source.next_block() is None
    assert time.monotonic() - began < 0.5
    assert following.source.health().state in ("waiting", "failed")  # not yet, or not in time
    target.release.set()
    following.source.close()


def test_a_failing_target_is_said_and_taken_up_again(target: Target) -> None:
    """Its health names the address and the answer; nothing is lost meanwhile."""
    target.value = 5
    following = Following(target)
    following.commit(following.next())
    target.status = 503
    deadline = time.monotonic() + 10
    while following.source.health().state != "failed" and time.monotonic() < deadline:
        if (block := following.source.next_block()) is not None:
            following.commit(block)
        time.sleep(0.005)
    assert following.source.health().text == f"{target.url} answers 503; 200 was expected"
    target.status, target.value = 200, 8
    assert following.risen() == 3
    assert following.source.health().state == "reading"
    following.source.close()


def test_a_target_without_known_counters_is_said(target: Target) -> None:
    target.body = b"up 1\n"
    following = Following(target)
    following.commit(following.next())
    assert following.source.health().text == f"{target.url} holds no counter of failed handshakes that is known"
    following.source.close()


def test_a_huge_answer_is_refused(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded whatever a target sends."""
    monkeypatch.setattr(module, "MOST_BYTES", 1 << 20)
    target.body = b"x" * (3 << 20)
    with pytest.raises(ScrapeError, match="more than 1 MiB"):
        scrape(target.url, 5.0)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/metrics", "http://[::1/", "ftp://127.0.0.1/x"])
def test_a_target_that_is_not_there_is_one_clear_line(url: str) -> None:
    with pytest.raises(ScrapeError) as caught:
        scrape(url, 1.0)
    assert str(caught.value).startswith(f"{url} can't be read: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "status", "text", "problem"),
    [
        (f"{ERRORS} 1\n", 200, "every 15s: 1 counter of failed handshakes", None),
        ("up 1\n", 200, "every 15s", "holds no counter of failed handshakes that is known"),
        ("", 404, "every 15s", "answers 404; 200 was expected"),
    ],
)
def test_check_asks_the_target_once(target: Target, body: str, status: int, text: str, problem: str | None) -> None:
    """So that a wrong address shows before the service runs."""
    target.body, target.status = body.encode(), status
    sight = look(Stream(name="mesh", hop="mesh", format="counters", source=Configured(target.url)))
    assert (sight.text, target.asked) == (f"scrapes {target.url} {text}", 1)
    assert sight.problems == ([] if problem is None else [f"{target.url} {problem}"])
