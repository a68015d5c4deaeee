"""``handspike demo`` as people run it."""

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

from service.demo import show
from service.demo.recording import FOLDER
from service.errors import HandspikeError

COMMAND = [sys.executable, "-m", "service.cli", "demo"]


def test_the_demo_names_hop_host_reason_and_place_of_the_fix(tmp_path: Path) -> None:
    """And the truth beside it; without a terminal it then ends with 0 and leaves nothing behind."""
    done = _demo(tmp_path, speed="10")
    assert (done.returncode, done.stderr) == (0, "")
    assert "lb broke first" in done.stdout
    assert "api.shop.example: its clients reject its expired certificate. Fix at lb" in done.stdout
    assert f"What was really broken: {_truth()}, at " in done.stdout
    assert "handspike said: lb first, certificate/expired, " in done.stdout
    assert "/api/v1/incidents" in done.stdout
    assert "/metrics" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_addresses_come_before_anything_happens(tmp_path: Path) -> None:
    """In this order: what to look at, the break, the first finding."""
    said = _demo(tmp_path, speed="10").stdout
    assert said.index("  page ") < said.index("something has just been broken") < said.index(" s  found: ")


def test_it_takes_another_port_where_its_own_is_taken(tmp_path: Path) -> None:
    """And says which."""
    with suppress(OSError), socket.create_server(("127.0.0.1", 9844)):
        done = _demo(tmp_path, speed="20")
        assert done.returncode == 0
        assert "127.0.0.1:9844" not in done.stdout
        assert "http://127.0.0.1:" in done.stdout


@pytest.mark.parametrize("speed", ["fast", "0", "nan", "1e9"])
def test_a_speed_that_is_none_is_refused(tmp_path: Path, speed: str) -> None:
    """In one line, at once."""
    done = _demo(tmp_path, speed=speed)
    assert done.returncode == 1
    assert done.stderr == f'handspike: HANDSPIKE_DEMO_SPEED: "{speed}" is no speed; write a number from 1 to 100\n'


def test_on_a_terminal_it_stays_until_ctrl_c(tmp_path: Path) -> None:
    """It clears the hop that had no part, answers meanwhile, and Ctrl-C ends it with 0 and an empty folder."""
    with _on_a_terminal(tmp_path, speed="10") as (process, terminal):
        said = _read_until(terminal, "cleared: ingress")
        assert "Ctrl-C ends it" in said
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert list(tmp_path.iterdir()) == []


def test_sigterm_early_on_leaves_nothing_behind(tmp_path: Path) -> None:
    """No folder, and the exit code of an interrupted command."""
    with _on_a_terminal(tmp_path, speed="1") as (process, terminal):
        _read_until(terminal, "something breaks")
        process.terminate()
        assert process.wait(20) == 130
    assert list(tmp_path.iterdir()) == []


def test_an_incident_that_is_not_found_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clear word, so exit code 1; here nothing ever breaks."""

    class Quiet:
        opening = "nothing happens"
        break_seconds = 0.0
        truth = None

        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(show, "Replayed", Quiet)
    monkeypatch.setattr(show, "FOUND_WITHIN_SECONDS", 0.3)
    with pytest.raises(HandspikeError, match="the incident was not found within 0 s"):
        show.show(live=False)


def test_live_without_servers_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, exit code 1, before anything is started."""
    monkeypatch.setattr("service.demo.lab.process._PLACES", str(tmp_path))
    with pytest.raises(
        HandspikeError, match=r"\Anginx and haproxy and openssl not found; .* install nginx haproxy openssl\Z"
    ):
        show.show(live=True)


@pytest.mark.server("nginx")
@pytest.mark.server("haproxy")
@pytest.mark.server("openssl")
def test_the_live_demo_finds_what_it_breaks(tmp_path: Path) -> None:
    """The same verdict on real handshakes of this moment, and every server is gone afterwards."""
    done = _demo(tmp_path, "--live", speed="4")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"What was really broken: {_truth()}, at " in done.stdout
    assert "handspike said: lb first, certificate/expired, " in done.stdout
    assert "fix at lb." in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert _running_in(tmp_path) == []


def _demo(folder: Path, *arguments: str, speed: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments],
        env=_environment(folder, speed),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def _on_a_terminal(folder: Path, speed: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        COMMAND,
        env=_environment(folder, speed) | {"COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def _read_until(terminal: int, text: str) -> str:
    said = ""
    until = time.monotonic() + 60.0
    while text not in said:
        assert time.monotonic() < until, f"{text!r} did not come: {said[-2000:]}"
        if select.select([terminal], [], [], 0.5)[0]:
            said += os.read(terminal, 65536).decode("utf-8", "replace")
    return said


def _environment(folder: Path, speed: str) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "HANDSPIKE_DEMO_SPEED": speed}


def _running_in(folder: Path) -> list[str]:
    """Command lines of processes that name the folder; Linux only, elsewhere none."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            command = path.read_bytes().replace(b"\x00", b" ").decode("utf-8", "replace")
            if str(folder) in command:
                found.append(command)
    return found


def _truth() -> str:
    what: str = json.loads((FOLDER / "truth.json").read_text())["events"][0]["what"]
    return what
