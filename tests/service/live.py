"""A real ``handspike serve`` on loopback for tests: started, asked, killed, started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class LiveService:
    """``handspike serve`` as a user starts it, in a process of its own."""

    def __init__(self, folder: Path, streams: str, more: str = "") -> None:
        self.port = free_port()
        self.config = folder / "streams.yaml"
        self.config.write_text(
            f"service: {{listen: '127.0.0.1:{self.port}', data_dir: data}}\n{more}\nstreams:\n{streams}"
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._log = folder / "serve.err"

    def start(self, wait: bool = True) -> None:
        command = [str(Path(sys.executable).with_name("handspike")), "serve", "-c", str(self.config)]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        if wait:
            self.wait_for(lambda: self.get("/readyz")["ready"] is True, "ready")

    def kill(self) -> None:
        """As a power cut does it: no handler runs."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As an operator does it; the exit code."""
        return self._end(signal.SIGTERM)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.loads(answer.read())

    def text(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return str(answer.read().decode())

    def counts(self) -> dict[str, dict[str, int]]:
        return {stream["name"]: stream["counts"] for stream in self.get("/api/v1/streams")["items"]}

    def wait_for(self, holds: Any, what: str, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if holds():
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError, KeyError):
                pass
            assert self.process is not None
            assert self.process.poll() is None, f"handspike serve ended:\n{self._log.read_text()[-3000:]}"
            time.sleep(0.05)
        raise AssertionError(f"not {what} within {seconds} s:\n{self._log.read_text()[-3000:]}")

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return self.process.wait(timeout=20)
