"""How long after a failing line was written to a followed file it shows in ``/metrics``, while the file grows fast."""

import http.client
import re
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from bench.logs import FAILURE_SHARE, SEED, access_line, failing_line
from bench.programs import HANDSPIKE
from service.demo.lab.process import free_port

LINES_PER_SECOND: Final = 20_000
_BATCHES_PER_SECOND: Final = 200
_MARK_SECONDS: Final = (0.08, 0.16)
"""Between two marked lines, at random: never in step with anything in the service."""
_POLL_SECONDS: Final = 0.01
_START_SECONDS: Final = 30.0
_LATEST_SECONDS: Final = 10.0
_TOTAL: Final = re.compile(
    rb'^handspike_handshake_failures_total\{[^}\n]*stream="edge"[^}\n]*\} ([\d.e+]+)$', re.MULTILINE
)
_CONFIG: Final = """\
service: {{listen: "127.0.0.1:{port}", data_dir: data}}
streams:
  edge: {{hop: edge, format: nginx, source: {{file: {{path: edge.log, start: beginning}}}}}}
"""


class Latency(msgspec.Struct):
    p50_seconds: float
    p99_seconds: float
    marks: int
    lines_per_second: float
    """As really written."""


def measure(folder: Path, marks: int) -> Latency:
    """Follows a file in ``folder`` until ``marks`` marked lines have shown; polling counts as latency."""
    folder.mkdir()
    log = folder / "edge.log"
    log.touch()
    with _service(folder) as port:
        writer = _Writer(log, marks)
        writer.start()
        seen = _poll(port, writer, marks)
        writer.join()
    seen.sort()
    return Latency(
        p50_seconds=seen[len(seen) // 2],
        p99_seconds=seen[min(len(seen) - 1, int(len(seen) * 0.99))],
        marks=len(seen),
        lines_per_second=writer.lines / writer.seconds,
    )


class _Writer(threading.Thread):
    """Writes the log at its pace; a marked line is a failure whose moment and running number are kept."""

    def __init__(self, log: Path, marks: int) -> None:
        super().__init__(name="bench-writer", daemon=True)
        self.marked: deque[tuple[float, int]] = deque()
        """(moment of writing, failures written up to and with it), oldest first."""
        self.lines = 0
        self.seconds = 1.0
        self._log = log
        self._marks = marks

    def run(self) -> None:
        chance = Random(SEED)
        batch_lines = LINES_PER_SECOND // _BATCHES_PER_SECOND
        failures, marks = 0, 0
        began = time.monotonic()
        next_mark = began + 1.0
        with self._log.open("ab", buffering=0) as file:
            for number in range(1, 1_000_000):
                now = datetime.now(UTC)
                lines = [access_line(now)] * batch_lines
                if chance.random() < FAILURE_SHARE * batch_lines:
                    lines[0] = failing_line(now)
                    failures += 1
                is_marked = time.monotonic() >= next_mark
                if is_marked:
                    lines.append(failing_line(now))
                    failures += 1
                text = b"".join(lines)
                written = time.monotonic()
                file.write(text)
                self.lines += len(lines)
                if is_marked:
                    self.marked.append((written, failures))
                    marks += 1
                    if marks == self._marks:
                        break
                    next_mark = written + chance.uniform(*_MARK_SECONDS)
                time.sleep(max(0.0, began + number / _BATCHES_PER_SECOND - time.monotonic()))
        self.seconds = time.monotonic() - began


def _poll(port: int, writer: _Writer, marks: int) -> list[float]:
    """Seconds from writing to showing, mark by mark."""
    seen: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    last = time.monotonic()
    while len(seen) < marks:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read()
        now = time.monotonic()
        total = sum(float(value) for value in _TOTAL.findall(text))
        while writer.marked and writer.marked[0][1] <= total:
            written, _ = writer.marked.popleft()
            seen.append(now - written)
            last = now
        if now - last > _LATEST_SECONDS:
            raise RuntimeError(f"a failure did not show in /metrics within {_LATEST_SECONDS:g} s")
        time.sleep(_POLL_SECONDS)
    connection.close()
    return seen


@contextmanager
def _service(folder: Path) -> Iterator[int]:
    """A running ``handspike serve``; its port."""
    port = free_port()
    (folder / "streams.yaml").write_text(_CONFIG.format(port=port))
    with (folder / "serve.log").open("wb") as output:
        process = subprocess.Popen(
            [HANDSPIKE, "serve", "-c", str(folder / "streams.yaml")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, port)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError("handspike serve did not get ready")
