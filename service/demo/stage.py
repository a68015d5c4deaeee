"""What happens in front of the service: the recorded incident again, or a new one."""

import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Protocol, Self

from service.demo.recording import Recording, load
from service.demo.replay import Replay

HEALTHY_SECONDS: Final = 20.0
BROKEN_SECONDS: Final = 40.0


class Stage(Protocol):
    """Writes the logs while its context lasts."""

    opening: str
    """One sentence: what there is to see."""
    break_seconds: float
    """From the start until a hop breaks."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    @property
    def truth(self) -> tuple[float, str] | None:
        """When what was really broken (epoch seconds); None as long as nothing is."""
        ...


class Replayed:
    """The recording that ships with handspike."""

    def __init__(self, logs: Path, speed: float) -> None:
        self._recording: Recording = load()
        self._replay = Replay(self._recording, logs, speed)
        truth = self._recording.truth
        programs = ", ".join(_short(text) for name, text in truth["programs"].items() if name in ("nginx", "haproxy"))
        self.opening = f"real logs of a real incident, recorded on {truth['recorded']} ({programs}), written again now"
        self._broken = truth["events"][0]
        self.break_seconds = self._replay.seconds_until(self._broken["at"])
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._replay.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._replay.stop()

    @property
    def truth(self) -> tuple[float, str] | None:
        if time.monotonic() < self._began + self.break_seconds:
            return None
        return self._replay.as_now(self._broken["at"]), self._broken["what"]


class Live:
    """nginx and HAProxy of this machine, on loopback."""

    def __init__(self, logs: Path, speed: float) -> None:
        """Raises:
        HandspikeError: nginx, HAProxy or openssl is missing; says what to install.
        """
        from service.demo.lab.process import find_program

        find_program("nginx", "haproxy", "openssl")
        self.opening = "nginx, HAProxy and their clients of this machine, on loopback ports of their own"
        self.break_seconds = HEALTHY_SECONDS / speed
        self._logs = logs
        self._truth: tuple[float, str] | None = None
        self._running = ExitStack()
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        from service.demo.lab.shop import Shop

        with ExitStack() as running:
            # A folder of its own: HAProxy's socket wants a short path.
            folder = running.enter_context(tempfile.TemporaryDirectory(prefix="shop-"))
            shop = running.enter_context(Shop(Path(folder) / "run", self._logs))

            def direct() -> None:
                if self._ending.wait(self.break_seconds):
                    return
                at = shop.break_lb().timestamp()
                self._truth = at, "HAProxy was reloaded with a certificate that had expired the day before"
                if not self._ending.wait(BROKEN_SECONDS):
                    shop.repair_lb()

            director = threading.Thread(target=direct, name="demo-director", daemon=True)
            director.start()
            running.callback(director.join)
            running.callback(self._ending.set)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def truth(self) -> tuple[float, str] | None:
        return self._truth


def _short(version: str) -> str:
    """``nginx version: nginx/1.22.1`` as ``nginx/1.22.1``, HAProxy's as ``HAProxy 2.6.12``."""
    words = version.removeprefix("nginx version: ").replace("HAProxy version ", "HAProxy ").split()
    return " ".join(words[:2]) if words[:1] == ["HAProxy"] else " ".join(words[:1])
