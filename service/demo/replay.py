"""Writes the recorded logs again, at the pace at which they were written."""

import threading
import time
from contextlib import ExitStack
from datetime import datetime
from math import floor
from pathlib import Path

from service.demo.recording import STREAMS, Recording, shifted


class Replay:
    """A thread that appends each record to its stream's file when its moment has come.

    Times are shifted by whole seconds so that none lies in the future when it is written: at ``speed`` 1 the
    recording's first second is now, at a higher speed its last second is the moment at which the replay will end.
    """

    def __init__(self, recording: Recording, logs: Path, speed: float = 1.0) -> None:
        self.recording = recording
        self.speed = speed
        self._logs = logs
        self._began = 0.0
        self._shift = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._write, name="demo-replay", daemon=True)

    def start(self) -> None:
        self._began = time.time()
        ahead = self.recording.seconds * (1.0 - 1.0 / self.speed)
        self._shift = floor(self._began - ahead - self.recording.start)
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def seconds_until(self, moment: str) -> float:
        """Seconds from the replay's start to what happened at ``moment`` (RFC 3339) of the recording."""
        return (_epoch(moment) - self.recording.start) / self.speed

    def as_now(self, moment: str) -> float:
        """``moment`` of the recording as the replay's logs show it, in epoch seconds."""
        return _epoch(moment) + self._shift

    def _write(self) -> None:
        year = int(self.recording.truth["recorded"][:4])
        began = time.monotonic()
        with ExitStack() as open_files:
            files = {
                stream: open_files.enter_context((self._logs / f"{stream}.log").open("ab", buffering=0))
                for stream in STREAMS
            }
            for entry in self.recording.entries:
                due = began + (entry.at - self.recording.start) / self.speed
                if self._ending.wait(max(0.0, due - time.monotonic())):
                    return
                files[entry.stream].write(shifted(entry.text, self._shift, year))


def _epoch(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
