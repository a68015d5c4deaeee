"""Whatever a writer, a log rotator and a killer do to a log, each line arrives exactly once."""

import gzip
import os
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.sources.file import FileSource

STEPS = ("append", "append", "append", "half", "read", "read", "read_some", "flush", "kill", "rename", "copytruncate")


class World:
    """A log directory with its writer, its rotator, and the service that follows it."""

    def __init__(self, folder: Path, glob: str, start: str) -> None:
        self.folder = folder
        self.log = folder / "error.log"
        self.glob = str(folder / glob)
        self.start = start
        self.now = 1_000.0
        self.stored: dict[str, bytes] = {}
        self.written: list[bytes] = []
        self.arrived: list[bytes] = []
        self.half = b""
        self.lost = 0
        self.source = self.new_source()

    def new_source(self) -> FileSource:
        source = FileSource(self.glob, self.start, clock=lambda: self.now)  # type: ignore[arg-type]
        source.restore(dict(self.stored))
        return source

    def write(self, data: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(data)

    def append(self, count: int) -> None:
        for _ in range(count):
            line = b"%06d %s" % (len(self.written), b"x" * (count * 7 % 90))
            self.write((self.half or line) + b"\n" if not self.half else b"\n")
            if not self.half:
                self.written.append(line)
            self.half = b""

    def do(self, step: str, count: int) -> None:
        self.now += 0.3
        if step == "append":
            self.append(count)
        elif step == "half" and not self.half:
            self.half = b"%06d half" % len(self.written)
            self.written.append(self.half)
            self.write(self.half)
        elif step == "read":
            self.read(1_000)
        elif step == "read_some":
            self.read(count, partly=True)
        elif step == "flush":
            self.now += 1.0
            self.read(1_000)
        elif step == "kill":
            self.source.close()
            self.source = self.new_source()
        elif step in ("rename", "copytruncate", "compress"):
            self.rotate(step)

    def rotate(self, how: str) -> None:
        if self.half:
            self.append(1)  # a writer that reopens its log has finished its line
        for number in range(90, 0, -1):
            for end in ("", ".gz"):
                old = self.folder / f"error.log.{number}{end}"
                if old.exists():
                    old.rename(self.folder / f"error.log.{number + 1}{end}")
        first = self.folder / "error.log.1"
        if not self.log.exists():
            return
        if how == "copytruncate":
            shutil.copy(self.log, first)
            os.truncate(self.log, 0)
        else:
            self.log.rename(first)
            self.log.touch()
        second = self.folder / "error.log.2"
        if how == "compress" and second.exists():  # as delaycompress does
            second.with_name("error.log.2.gz").write_bytes(gzip.compress(second.read_bytes()))
            second.unlink()

    def read(self, most: int, *, partly: bool = False) -> None:
        self.source.notify()
        for _ in range(most):
            block = self.source.next_block()
            if block is None:
                return
            count = len(block.data)
            if partly and not block.final:
                count = block.data.find(b"\n", count // 2) + 1
            for part, position in self.source.consumed(block, count).items():
                if position is None:
                    self.stored.pop(part, None)
                else:
                    self.stored[part] = position
            self.arrived.extend(block.data[:count].splitlines())
            self.lost += block.dropped.get("gap", 0)

    def check(self) -> None:
        if self.half:
            self.append(1)
        for _ in range(40):
            self.now += 8.0
            self.read(10_000)
        assert Counter(self.arrived) == Counter(self.written)
        assert self.lost == 0
        self.source.close()


@pytest.mark.parametrize("start", ["beginning", "end"])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(st.tuples(st.sampled_from((*STEPS, "compress")), st.integers(1, 40)), max_size=40),
)
def test_each_line_arrives_once_where_the_glob_matches_rotated_files(start: str, steps: list[tuple[str, int]]) -> None:
    """Renaming, copytruncate, compression and kills at any time lose nothing and double nothing."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder), "error.log*", start)
        world.read(1_000)
        for step, count in steps:
            world.do(step, count)
        world.check()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(st.sampled_from((*STEPS, "compress")), st.integers(1, 40)), max_size=40))
def test_each_line_arrives_once_where_the_glob_matches_the_log_alone(steps: list[tuple[str, int]]) -> None:
    """What is rotated once between two looks is found beside the log; the service looks before each rotation."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder), "error.log", "beginning")
        for step, count in steps:
            if step in ("rename", "copytruncate", "compress"):
                world.read(1_000, partly=True)
            world.do(step, count)
            if step in ("rename", "copytruncate", "compress"):
                world.read(1_000, partly=True)
        world.check()
