"""A service reads its standard input without ever waiting for it."""

import os
import threading
from collections.abc import Iterator

import pytest

from service.sources.stdin import MOST_WAITING_BYTES, StdinSource


class Pipe:
    def __init__(self, **options: int) -> None:
        self.now = 0.0
        self.came = threading.Event()
        read, self.write_end = os.pipe()
        self.source = StdinSource(read, clock=lambda: self.now, wake=self.came.set, **options)
        self.source.restore({})

    def write(self, data: bytes) -> None:
        self.came.clear()
        os.write(self.write_end, data)
        assert self.came.wait(5.0)

    def end(self) -> None:
        self.came.clear()
        os.close(self.write_end)
        assert self.came.wait(5.0)

    def next(self, take: int | None = None) -> tuple[bytes, bool] | None:
        block = self.source.next_block()
        if block is None:
            return None
        assert self.source.consumed(block, len(block.data) if take is None else take) == {}
        return block.data, block.final


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.source.close()


def test_nothing_to_read_is_none_at_once(pipe: Pipe) -> None:
    assert pipe.next() is None
    assert pipe.source.health().state == "reading"


def test_whole_lines_are_offered_and_a_half_one_waits(pipe: Pipe) -> None:
    pipe.write(b"one\ntwo\nha")
    assert pipe.next() == (b"one\ntwo\n", False)
    pipe.now = 100.0
    assert pipe.next() is None
    pipe.write(b"lf\n")
    assert pipe.next() == (b"half\n", False)


def test_a_half_line_at_the_end_of_the_input_is_final(pipe: Pipe) -> None:
    pipe.write(b"one\nha")
    pipe.end()
    assert pipe.next() == (b"one\nha", True)
    assert pipe.next() is None
    assert pipe.source.has_ended
    assert pipe.source.health().text == "standard input has ended"


def test_an_unfinished_record_comes_again_and_is_final_after_the_flush_time(pipe: Pipe) -> None:
    pipe.write(b"one\nTraceback\n")
    assert pipe.next(take=4) == (b"one\nTraceback\n", False)
    assert pipe.next() is None
    pipe.write(b"  more\n")
    assert pipe.next(take=0) == (b"Traceback\n  more\n", False)
    pipe.now = 0.51
    assert pipe.next() == (b"Traceback\n  more\n", True)
    assert pipe.next() is None


def test_a_line_over_the_limit_is_cut_and_the_rest_skipped() -> None:
    pipe = Pipe(max_line_bytes=10)
    pipe.write(b"x" * 25)
    assert pipe.next() == (b"x" * 10, True)
    pipe.write(b"xxx")
    assert pipe.next() is None
    pipe.write(b"x\nafter\n")
    assert pipe.next() == (b"after\n", False)
    pipe.source.close()


def test_a_writer_that_is_faster_has_to_wait(pipe: Pipe) -> None:
    line = b"x" * 1023 + b"\n"
    total = 3 * MOST_WAITING_BYTES

    def pour() -> None:
        for _ in range(total >> 10):
            os.write(pipe.write_end, line)
        os.close(pipe.write_end)

    writer = threading.Thread(target=pour)
    writer.start()
    writer.join(timeout=0.5)
    assert writer.is_alive()
    assert pipe.source.health().lag_bytes <= MOST_WAITING_BYTES + (1 << 20)
    read = 0
    while not pipe.source.has_ended:
        block = pipe.next()
        read += len(block[0]) if block else 0
        if block is None:
            pipe.came.wait(0.01)
    writer.join()
    assert read == total
