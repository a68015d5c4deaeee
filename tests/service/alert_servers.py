"""Receivers of alerts for tests: real Alertmanager and Prometheus with folders of their own, and a scripted receiver."""

import json
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.conftest import PLACES, names_of
from tests.service.live import free_port


def program(name: str) -> str:
    """The path of a server's program; Debian prefixes some of them."""
    return next(path for one in names_of(name) if (path := shutil.which(one, path=PLACES)) is not None)


def wait_for(holds: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := holds():
                return found
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not {what} within {seconds} s")


class Receiver:
    """Takes POSTs on loopback; ``status`` says what it answers, and may be changed at any time."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.hangs = threading.Event()
        """While this is set, nothing is answered."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                while receiver.hangs.is_set():
                    time.sleep(0.02)
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((self.path, headers, body))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hangs.clear()
        self._server.shutdown()
        self._server.server_close()

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in list(self.requests)]


class Server:
    """One program, started and stopped by tests, always on the same port."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_for(self._is_ready, f"ready: {self._log}", 60.0)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.loads(answer.read())

    def _is_ready(self) -> bool:
        with urllib.request.urlopen(self.url + "/-/ready", timeout=5) as answer:
            return answer.status == 200


@contextmanager
def alertmanager(folder: Path, pages: str, more: str = "") -> Iterator[Server]:
    """Notifies ``pages`` (a webhook) within a second. ``more``: further configuration, such as ``inhibit_rules``."""
    folder.mkdir()
    config = folder / "alertmanager.yml"
    config.write_text(
        f"""
route: {{receiver: pager, group_by: [alertname, incident], group_wait: 0s, group_interval: 1s, repeat_interval: 4h}}
receivers:
  - name: pager
    webhook_configs: [{{url: '{pages}', send_resolved: true}}]
{more}
"""
    )
    port = free_port()
    command = [program("alertmanager"), f"--config.file={config}", f"--storage.path={folder / 'data'}",
               f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]  # fmt: skip
    server = Server(command, port, folder / "log")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def prometheus(folder: Path, config: str) -> Iterator[Server]:
    folder.mkdir(exist_ok=True)
    file = folder / "prometheus.yml"
    file.write_text(config)
    port = free_port()
    command = [program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}",
               f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    server = Server(command, port, folder / "log")
    server.start()
    try:
        yield server
    finally:
        server.stop()
