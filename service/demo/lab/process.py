"""One server program of this machine, run in the foreground for as long as its context lasts."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from service.errors import HandspikeError

_PLACES: Final = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"])
"""Debian puts servers where a user's PATH does not look."""
_PACKAGES: Final = {"nginx": "nginx", "haproxy": "haproxy", "openssl": "openssl"}
START_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0


def find_program(*names: str) -> dict[str, str]:
    """The path of each program.

    Raises:
        HandspikeError: one is missing; says what to install.
    """
    found = {name: path for name in names if (path := shutil.which(name, path=_PLACES)) is not None}
    missing = [name for name in names if name not in found]
    if missing:
        packages = " ".join(_PACKAGES.get(name, name) for name in missing)
        raise HandspikeError(f"{' and '.join(missing)} not found; on Debian or Ubuntu: sudo apt-get install {packages}")
    return found


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def version(name: str, *arguments: str) -> str:
    """The first line of what ``name`` says of its version."""
    run = subprocess.run(
        [find_program(name)[name], *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True
    )
    return run.stdout.splitlines()[0].strip() if run.stdout else ""


class Program:
    """Starts with ``with``, is ready when its port answers, and is gone at the end."""

    def __init__(self, command: Sequence[str], output: Path, port: int | None = None, cwd: Path | None = None) -> None:
        """``output`` gets what it prints; ``port`` on 127.0.0.1 tells that it is ready (None: at once)."""
        self.command = list(command)
        self.output = output
        self.port = port
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # Log times of nginx and HAProxy are local and carry no zone.
        environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self._cwd,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise HandspikeError(f"{self.command[0]} does not run")
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def stop(self) -> None:
        """Ends it; after `STOP_SECONDS` without asking."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while self.port is not None:
            if self._process is None or self._process.poll() is not None:
                raise HandspikeError(f"{Path(self.command[0]).name} did not start: {self._last_words()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise HandspikeError(
                        f"{Path(self.command[0]).name} does not answer on port {self.port}: {self._last_words()}"
                    ) from None
                time.sleep(0.02)

    def _last_words(self) -> str:
        lines = self.output.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"
