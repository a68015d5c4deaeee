"""The demo itself: a real service, a stage in front of it, and what the service says, as it says it."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

import httpx
from rich.console import Console
from rich.text import Text

from service.config import load
from service.demo.recording import FOLDER
from service.demo.setting import prepare
from service.demo.stage import Live, Replayed, Stage
from service.engine.serve import Service
from service.errors import HandspikeError
from service.terminal import incident_panel, on_one_line

FOUND_WITHIN_SECONDS: Final = 90.0
"""From the start; a recorded incident takes under 30."""
COMPLETE_SECONDS: Final = 6.0
"""Hops that broke in the same moment are found within seconds of each other: so long the picture may still grow."""
CLEARED_WITHIN_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1
_MOST_EVIDENCE: Final = 3
_LONGEST_LINE: Final = 300


def show(live: bool) -> None:
    """Raises:
    HandspikeError: the incident was not found in time, or what ``live`` needs is not installed.
    """
    speed = _speed()
    watched = sys.stdout.isatty()
    console = Console() if watched else Console(width=120)
    with _ended_by_sigterm(), tempfile.TemporaryDirectory(prefix="handspike-demo-") as name:
        folder = Path(name)
        config = prepare(folder)
        stage: Stage = Live(folder / "logs", speed) if live else Replayed(folder / "logs", speed)
        service = Service(load(config))
        service.start()
        try:
            _Show(console, service.url, stage, folder, speed).run(watched)
        finally:
            service.stop()


class _Show:
    def __init__(self, console: Console, url: str, stage: Stage, folder: Path, speed: float) -> None:
        self._console = console
        self._url = url
        self._stage = stage
        self._folder = folder
        self._speed = speed
        self._began = time.monotonic()
        # trust_env: a proxy in the environment has no business with loopback.
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=10.0)

    def run(self, watched: bool) -> None:
        self._open()
        with closing(self._http), self._stage:
            self._began = time.monotonic()
            incident = self._wait_for_incident()
            self._name(incident)
            if watched:
                self._linger(incident)

    def _open(self) -> None:
        self._say(f"handspike demo: {self._stage.opening}.")
        for name, path in (("page", "/"), ("incidents", "/api/v1/incidents"), ("metrics", "/metrics")):
            self._console.print(Text.assemble(f"  {name:<10}", (self._url + path, "cyan")), soft_wrap=True)
        self._console.print(Text.assemble(f"  {'logs':<10}", (f"{self._folder}/logs/", "cyan")), soft_wrap=True)
        self._say(
            "  client -> edge (nginx) -> lb (HAProxy) -> ingress (nginx); app, a Python worker, calls lb.\n"
            f"All is well now, but for the usual noise. In {self._stage.break_seconds:.0f} s something breaks.\n"
        )

    def _wait_for_incident(self) -> dict[str, Any]:
        """The first incident, once its picture has stopped growing; tells of each step on the way."""
        told_broken = False
        summary, opened = "", 0.0
        incident: dict[str, Any] | None = None
        while True:
            elapsed = time.monotonic() - self._began
            if not told_broken and self._stage.truth is not None:
                told_broken = True
                self._step("something has just been broken")
            found = self._ask("/api/v1/incidents")["items"]
            if found:
                incident = min(found, key=lambda one: (one["started_at"], one["id"]))
                opened = opened or elapsed
                if incident["verdict"]["summary"] != summary:
                    self._step(("found: " if not summary else "more is known: ") + incident["verdict"]["summary"])
                    summary = incident["verdict"]["summary"]
                if elapsed > opened + COMPLETE_SECONDS / self._speed:
                    return incident
            elif elapsed > FOUND_WITHIN_SECONDS:
                raise HandspikeError(f"the incident was not found within {FOUND_WITHIN_SECONDS:.0f} s of the demo")
            time.sleep(_POLL_SECONDS)

    def _name(self, incident: dict[str, Any]) -> None:
        self._console.print()
        self._console.print(incident_panel(incident, 1, 1, self._evidence(incident), width=self._console.width))
        truth = self._stage.truth
        if truth is None:
            raise HandspikeError("an incident was found before anything was broken: a false alarm")
        at, what = truth
        onset = datetime.fromisoformat(incident["first"]["onset"]).timestamp()
        self._say(f"What was really broken: {what}, at {_clock(at)} UTC.")
        self._say(
            f"handspike said: {incident['first']['stream']} first, {_reason(incident)}, {_clock(onset)} UTC"
            f" ({abs(onset - at):.1f} s apart), fix at {incident['verdict']['fix_at'] or 'not decided'}.\n"
        )
        self._say("How to go on:")
        files = " ".join(f"{name}={FOLDER / name}.log" for name in ("edge", "lb", "ingress", "app"))
        for command, meaning in (
            (f"handspike scan {files} --follows app=lb", "the recorded logs, read at once"),
            ("handspike scan edge=nginx.log lb=haproxy.log", "logs of your own"),
            ("handspike check && handspike serve", "live, on the logs that streams.yaml names"),
        ):
            self._console.print(Text.assemble(("  " + command, "green"), (f"  # {meaning}", "dim")), soft_wrap=True)

    def _linger(self, incident: dict[str, Any]) -> None:
        """Stays up for a look around; tells when the streams that had no part are cleared."""
        self._say(f"\nIt goes on: look around at {self._url}/ - Ctrl-C ends it.")
        with suppress(KeyboardInterrupt):
            self._tell_cleared(incident)
            signal.pause()

    def _tell_cleared(self, incident: dict[str, Any]) -> None:
        until = time.monotonic() + CLEARED_WITHIN_SECONDS
        while incident["verdict"]["provisional"] and time.monotonic() < until:
            time.sleep(1.0)
            incident = self._ask(f"/api/v1/incidents/{incident['id']}")
        for cleared in incident["verdict"]["cleared"]:
            self._step(f"cleared: {cleared['stream']}: {cleared['why']}")

    def _evidence(self, incident: dict[str, Any]) -> list[tuple[str, str]]:
        whole = self._ask(f"/api/v1/incidents/{incident['id']}")
        lines: dict[str, str] = {}
        for record in whole.get("evidence", []):
            if record["raw"] is not None and record["reason"] == incident["spikes"][0]["reason"]:
                lines.setdefault(record["stream"], on_one_line(record["raw"]))
        return list(lines.items())[:_MOST_EVIDENCE]

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._http.get(path).raise_for_status().json()
        except httpx.HTTPError as error:
            raise HandspikeError(f"the demo's service can't be asked: {error}") from error
        return answer

    def _step(self, text: str) -> None:
        elapsed = time.monotonic() - self._began
        self._say(f"{elapsed:5.1f} s  {text}")

    def _say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)


def _reason(incident: dict[str, Any]) -> str:
    first = incident["spikes"][0]
    return f"{first['family']}/{first['reason']}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def _speed() -> float:
    """How much faster than it happened the recording is replayed, or how much less a live one waits; for tests."""
    written = os.environ.get("HANDSPIKE_DEMO_SPEED", "1")
    try:
        speed = float(written)
    except ValueError:
        speed = 0.0
    if not 1.0 <= speed <= 100.0:
        raise HandspikeError(f'HANDSPIKE_DEMO_SPEED: "{written[:20]}" is no speed; write a number from 1 to 100')
    return speed


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does: servers are stopped, the folder is removed."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
