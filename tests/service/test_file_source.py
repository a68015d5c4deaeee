"""A followed log is read exactly once, through every way it may be rotated."""

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import zstandard

from service.sources.file import FileSource
from service.sources.source import Block


class Tail:
    """A file source in the hands of an engine that reads all it is offered; ``kill`` starts it anew from the store."""

    def __init__(self, glob: Path, start: str = "beginning", **options: int) -> None:
        self.glob, self.start, self.options = glob, start, options
        self.now = 1_000.0
        self.stored: dict[str, bytes] = {}
        self.blocks: list[Block] = []
        self.read = b""
        self.dropped: dict[str, int] = {}
        self.take: Callable[[Block], int] = lambda block: len(block.data)
        self.source = self._new()

    def _new(self) -> FileSource:
        source = FileSource(str(self.glob), self.start, clock=lambda: self.now, **self.options)  # type: ignore[arg-type]
        source.restore(dict(self.stored))
        return source

    def kill(self) -> None:
        self.source.close()
        self.source = self._new()

    def news(self, after: float = 0.0) -> bytes:
        """What is consumed once ``after`` seconds have passed and everything was looked at."""
        self.now += after
        self.source.notify()
        return self.turn()

    def turn(self) -> bytes:
        before = len(self.read)
        for _ in range(1_000):
            block = self.source.next_block()
            if block is None:
                return self.read[before:]
            self._consume(block)
        raise AssertionError("the source offers without end")

    def _consume(self, block: Block) -> None:
        count = self.take(block)
        self.blocks.append(block)
        for part, position in self.source.consumed(block, count).items():
            if position is None:
                self.stored.pop(part, None)
            else:
                self.stored[part] = position
        self.read += block.data[:count]
        for cause, lost in block.dropped.items():
            self.dropped[cause] = self.dropped.get(cause, 0) + lost


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "error.log"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def rotate(log: Path, to: str = "error.log.1") -> Path:
    return log.rename(log.with_name(to))


def compress(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


HISTORY = b"".join(b"%05d: a line of the log's history\n" % number for number in range(100))


def test_what_is_there_and_what_comes_is_read_once(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log)
    assert tail.news() == b"one\n"
    append(log, b"two\n")
    assert tail.news() == b"two\n"
    assert tail.news(after=60) == b""


def test_after_a_kill_reading_goes_on_where_the_stored_position_says(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log)
    tail.news()
    append(log, b"two\n")
    tail.kill()
    assert tail.news() == b"two\n"


def test_what_was_read_but_not_stored_is_read_again(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log)
    tail.source.next_block()
    tail.kill()
    assert tail.news() == b"one\n"


def test_start_end_passes_over_what_was_there_at_the_first_start(log: Path) -> None:
    log.write_bytes(b"old\n")
    tail = Tail(log, "end")
    assert tail.news() == b""
    append(log, b"new\n")
    assert tail.news() == b"new\n"


def test_start_end_reads_what_came_between_the_first_start_and_the_second(log: Path) -> None:
    log.write_bytes(b"old\n")
    tail = Tail(log, "end")
    tail.news()
    append(log, b"while down\n")
    tail.kill()
    assert tail.news() == b"while down\n"


def test_start_end_delivers_a_line_whole_that_was_half_written_at_the_start(log: Path) -> None:
    log.write_bytes(b"old\nhalf")
    tail = Tail(log, "end")
    tail.news()
    append(log, b" done\n")
    assert tail.news() == b"half done\n"


def test_start_end_reads_a_file_that_appears_later_from_its_beginning(log: Path) -> None:
    tail = Tail(log, "end")
    assert tail.news() == b""
    tail.kill()
    log.write_bytes(b"first\n")
    assert tail.news() == b"first\n"


def test_archives_that_were_there_are_read_from_the_beginning_too_or_passed_over(log: Path) -> None:
    log.with_name("error.log.1.gz").write_bytes(gzip.compress(b"archived\n"))
    first, last = Tail(log.with_name("error.log*")), Tail(log.with_name("error.log*"), "end")
    assert first.news() == b"archived\n"
    for tail in (first, last):
        assert tail.news(after=10) == b""
        tail.kill()
        assert tail.news(after=10) == b""
        assert tail.turn() == b""


def test_a_glob_takes_up_new_files_in_new_directories(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "pods" / "**" / "*.log")
    assert tail.news() == b""
    deep = tmp_path / "pods" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "x.log").write_bytes(b"deep\n")
    (deep / "x.txt").write_bytes(b"no log\n")
    (tmp_path / "pods" / "y.log").write_bytes(b"flat\n")
    assert sorted(tail.news().splitlines()) == [b"deep", b"flat"]


def test_without_any_notice_news_is_found_within_two_seconds_and_a_new_file_within_five(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log.with_name("*.log"))
    tail.news()
    append(log, b"two\n")
    assert tail.turn() == b""
    tail.now += 2.0
    assert tail.turn() == b"two\n"
    log.with_name("other.log").write_bytes(b"three\n")
    tail.now += 5.0
    assert tail.turn() == b"three\n"


@pytest.mark.parametrize("glob", ["error.log", "error.log*"])
def test_the_rest_of_a_renamed_file_is_read_before_the_file_that_took_its_name(log: Path, glob: str) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log.with_name(glob))
    tail.news()
    append(log, b"two\n")
    old = rotate(log)
    log.write_bytes(b"four\n")
    append(old, b"three\n")
    assert tail.news() == b"two\nthree\nfour\n"
    append(old, b"late\n")
    assert tail.news(after=2) == b"late\n"


@pytest.mark.parametrize("glob", ["error.log", "error.log*"])
def test_a_file_renamed_while_down_is_read_to_its_end(log: Path, glob: str) -> None:
    log.write_bytes(HISTORY)
    tail = Tail(log.with_name(glob))
    tail.news()
    append(log, b"rest\n")
    rotate(log)
    log.write_bytes(b"new\n")
    tail.kill()
    assert tail.news() == b"rest\nnew\n"
    assert tail.dropped == {}


@pytest.mark.parametrize("glob", ["error.log", "error.log*"])
@pytest.mark.parametrize("down", [True, False])
def test_copytruncate_loses_nothing_and_the_copy_is_not_read_twice(log: Path, glob: str, down: bool) -> None:
    log.write_bytes(HISTORY)
    tail = Tail(log.with_name(glob))
    tail.news()
    append(log, b"unread\n")
    shutil.copy(log, log.with_name("error.log.1"))
    if not down and glob.endswith("*"):
        assert tail.news() == b"unread\n"
    with log.open("r+b") as file:
        file.truncate(0)
    append(log, b"new\n")
    if down:
        tail.kill()
    news = tail.news() + tail.news(after=30)
    assert sorted(news.splitlines()) == ([b"new"] if b"unread" in tail.read[: -len(news)] else [b"new", b"unread"])
    assert tail.read.count(HISTORY) == 1
    assert tail.dropped == {}


def test_truncation_reads_from_the_beginning_and_counts_what_is_lost(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log)
    tail.news()
    tail.take = lambda block: 0
    append(log, b"seen, never consumed\n")
    tail.news()
    tail.take = lambda block: len(block.data)
    log.write_bytes(b"new\n")
    assert tail.news() == b"new\n"
    tail.news(after=30)
    tail.news(after=30)
    assert tail.dropped == {"gap": len(b"seen, never consumed\n")}


def test_a_file_overwritten_with_more_than_it_held_is_read_from_the_beginning(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log)
    tail.news()
    log.write_bytes(b"another, and longer\n")
    assert tail.news() == b"another, and longer\n"


def test_a_file_overwritten_behind_the_same_long_header_is_read_from_the_beginning(log: Path) -> None:
    log.write_bytes(b"#" * 2000 + b"\none\n")
    tail = Tail(log)
    tail.news()
    log.write_bytes(b"#" * 2000 + b"\ntwo, three\n")
    assert tail.news() == b"#" * 2000 + b"\ntwo, three\n"


@pytest.mark.parametrize("glob", ["error.log", "error.log*"])
def test_a_deleted_file_is_read_to_its_end_and_let_go(log: Path, glob: str) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log.with_name(glob))
    tail.news()
    with log.open("ab") as writer:
        log.unlink()
        writer.write(b"two\n")
        writer.flush()
        assert tail.news() == b"two\n"
        writer.write(b"three\n")
        writer.flush()
        assert tail.news(after=10) == b"three\n"
    tail.news(after=60)
    tail.news(after=1)
    assert tail.source.health().state == "waiting"


def test_unread_bytes_of_a_file_deleted_while_down_are_counted_as_lost(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    tail = Tail(log)
    tail.take = lambda block: 4
    tail.source.notify()
    tail._consume(tail.source.next_block())  # type: ignore[arg-type]
    log.unlink()
    tail.kill()
    tail.news()
    tail.news(after=30)
    assert tail.dropped == {"gap": 4}


def test_another_file_with_the_inode_of_the_old_is_read_from_its_beginning(log: Path) -> None:
    log.write_bytes(HISTORY)
    tail = Tail(log)
    tail.news()
    (part,) = (part for part in tail.stored if part != "source")
    log.unlink()
    log.write_bytes(b"a new file\n" * 1_000)
    position = msgspec.json.decode(tail.stored[part])
    tail.stored[part] = msgspec.json.encode(position | {"inode": log.stat().st_ino})  # as the file system may do
    tail.kill()
    assert tail.news() == b"a new file\n" * 1_000


@pytest.mark.parametrize("glob", ["error.log", "error.log*"])
def test_a_file_rotated_and_compressed_while_down_is_finished_once(log: Path, glob: str) -> None:
    log.write_bytes(HISTORY)
    tail = Tail(log.with_name(glob))
    tail.news()
    append(log, b"rest\n")
    compress(rotate(log))
    log.write_bytes(b"new\n")
    tail.kill()
    assert sorted(tail.news().splitlines()) == [b"new", b"rest"]
    tail.kill()
    assert tail.news(after=120) == b""
    assert tail.dropped == {}


def test_a_file_compressed_with_zstd_while_down_is_finished_once(log: Path) -> None:
    log.write_bytes(HISTORY)
    tail = Tail(log.with_name("error.log*"))
    tail.news()
    log.with_name("error.log.1.zst").write_bytes(zstandard.compress(HISTORY + b"rest\n"))
    log.unlink()
    tail.kill()
    assert tail.news() == b"rest\n"


def test_a_file_compressed_while_running_is_not_read_twice(log: Path) -> None:
    log.write_bytes(HISTORY)
    tail = Tail(log.with_name("error.log*"))
    tail.news()
    old = rotate(log)
    append(old, b"rest\n")
    log.write_bytes(b"new\n")
    assert tail.news() == b"rest\nnew\n"
    old.with_name("error.log.1.gz").write_bytes(gzip.compress(old.read_bytes()))
    assert tail.news(after=5) == b""
    old.unlink()
    for _ in range(5):
        assert tail.news(after=30) == b""
    tail.kill()
    assert tail.news(after=30) == b""


def test_an_unfinished_archive_is_waited_for(log: Path) -> None:
    log.write_bytes(HISTORY)
    tail = Tail(log.with_name("error.log*"))
    tail.news()
    packed = gzip.compress(HISTORY + b"rest\n")
    log.unlink()
    archive = log.with_name("error.log.1.gz")
    archive.write_bytes(packed[:10])
    tail.kill()
    assert tail.news() == b""
    archive.write_bytes(packed[:-20])
    assert tail.news(after=5) == b""
    archive.write_bytes(packed)
    assert tail.news(after=5) == b"rest\n"


def test_a_half_written_line_waits_for_its_newline_however_long(log: Path) -> None:
    log.write_bytes(b"one\nha")
    tail = Tail(log)
    assert tail.news() == b"one\n"
    append(log, b"lf")
    assert tail.news(after=3_600) == b""
    tail.kill()
    assert tail.news(after=3_600) == b""
    append(log, b" done\n")
    assert tail.news() == b"half done\n"


@pytest.mark.parametrize("glob", ["error.log", "error.log*"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_half_written_line_is_final_once_its_file_is_rotated_or_deleted(log: Path, glob: str, gone: bool) -> None:
    log.write_bytes(b"one\nhalf")
    tail = Tail(log.with_name(glob))
    tail.news()
    if gone:
        log.unlink()
    else:
        rotate(log)
        log.write_bytes(b"")
    assert tail.news(after=1) == b""
    assert tail.news(after=5) == b"half"
    assert [block.final for block in tail.blocks if block.data] == [False, True]
    assert tail.news(after=100) == b""


def test_carriage_returns_and_invalid_utf8_come_through_untouched(log: Path) -> None:
    log.write_bytes(b"one\r\n\xff\xfe\xc3(\r\n")
    assert Tail(log).news() == b"one\r\n\xff\xfe\xc3(\r\n"


def test_the_hole_that_copytruncate_leaves_is_passed_over(log: Path) -> None:
    log.write_bytes(HISTORY)
    tail = Tail(log)
    tail.news()
    with log.open("r+b") as writer:
        writer.seek(0, os.SEEK_END)
        os.truncate(log, 0)
        writer.write(b"at its old offset\n")  # not opened for appending
        writer.flush()
        assert tail.news() == b"at its old offset\n"
        writer.seek(10 << 30)
        writer.write(b"after ten sparse gigabytes\n")
        writer.flush()
        assert tail.news() == b"after ten sparse gigabytes\n"


def test_nul_bytes_inside_a_line_stay(log: Path) -> None:
    log.write_bytes(b"a\0b\n\0\0\0c\n\0\n")
    assert Tail(log).news() == b"a\0b\nc\n\n"


def test_a_line_over_the_limit_is_cut_its_rest_skipped_and_counted_once(log: Path) -> None:
    log.write_bytes(b"before\n" + b"x" * 25 + b"\nafter\n")
    tail = Tail(log, max_line_bytes=10)
    assert tail.news() == b"before\n" + b"x" * 10 + b"after\n"
    assert tail.dropped == {"line_too_long": 1}
    assert [block.final for block in tail.blocks if block.data] == [False, True, False]


def test_a_line_over_the_limit_stays_skipped_after_a_kill(log: Path) -> None:
    log.write_bytes(b"x" * 25)
    tail = Tail(log, max_line_bytes=10)
    assert tail.news() == b"x" * 10
    tail.kill()
    append(log, b"xxx")
    assert tail.news() == b""
    tail.kill()
    append(log, b"xxx\nafter\n")
    assert tail.news() == b"after\n"
    assert tail.dropped == {"line_too_long": 1}


def test_a_line_of_the_default_limit_is_delivered_whole_and_one_byte_more_is_cut(log: Path) -> None:
    line = b"x" * (1 << 20)
    log.write_bytes(line + b"\n" + line + b"x\nafter\n")
    tail = Tail(log)
    assert tail.news() == line + b"\n" + line + b"after\n"
    assert tail.dropped == {"line_too_long": 1}


def test_what_is_not_consumed_comes_again_with_more_behind_it(log: Path) -> None:
    log.write_bytes(b"done\nTraceback\n")
    tail = Tail(log)
    tail.take = lambda block: block.data.find(b"Traceback") if b"end" not in block.data else len(block.data)
    assert tail.news() == b"done\n"
    assert tail.news(after=0.4) == b""
    append(log, b"  end\n")
    tail.news()
    assert [(block.data, block.final) for block in tail.blocks if block.data] == [
        (b"done\nTraceback\n", False),
        (b"Traceback\n  end\n", False),
    ]


def test_an_unfinished_record_is_ended_after_the_flush_time(log: Path) -> None:
    log.write_bytes(b"Traceback\n")
    tail = Tail(log)
    tail.take = lambda block: len(block.data) if block.final else 0
    assert tail.turn() == b""
    tail.now += 0.49
    assert tail.turn() == b""
    tail.now += 0.02
    assert tail.turn() == b"Traceback\n"
    assert [block.final for block in tail.blocks if block.data] == [False, True]


def test_an_unfinished_record_is_ended_at_four_mebibytes(log: Path) -> None:
    log.write_bytes((b"y" * 1023 + b"\n") * 6 * 1024)
    tail = Tail(log)
    tail.take = lambda block: len(block.data) if block.final else 0
    tail.turn()
    tail.news(after=1)
    sizes = [(len(block.data) >> 20, block.final) for block in tail.blocks if block.data]
    assert sizes == [(1, False), (2, False), (3, False), (4, True), (1, False), (2, False), (2, True)]


def test_a_busy_file_does_not_starve_another(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes((b"a" * 1023 + b"\n") * 4 * 1024)
    (tmp_path / "b.log").write_bytes((b"b" * 1023 + b"\n") * 4 * 1024)
    tail = Tail(tmp_path / "*.log")
    tail.news()
    order = bytes(block.data[0] for block in tail.blocks if block.data)
    assert order[:6] in (b"ababab", b"bababa")


def test_a_missing_directory_is_waited_for(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "not" / "yet" / "*.log")
    assert tail.news() == b""
    health = tail.source.health()
    assert (health.state, "not/yet/*.log" in health.text) == ("waiting", True)
    (tmp_path / "not" / "yet").mkdir(parents=True)
    (tmp_path / "not" / "yet" / "a.log").write_bytes(b"there\n")
    assert tail.news(after=5) == b"there\n"
    assert tail.source.health().state == "reading"


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_read_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    (tmp_path / "good.log").write_bytes(b"good\n")
    (tmp_path / "bad.log").write_bytes(b"bad\n")
    real = os.open

    def refuse(path: str, *rest: int) -> int:
        if str(path).endswith("bad.log"):
            raise error
        return real(path, *rest)

    monkeypatch.setattr("service.sources.content.os.open", refuse)
    tail = Tail(tmp_path / "*.log")
    assert tail.news() == b"good\n"
    assert tail.source.health().state == "failed"
    assert tail.source.health().text == f"{tmp_path}/bad.log: cannot read it: {error.strerror}"
    monkeypatch.setattr("service.sources.content.os.open", real)
    assert tail.news(after=5) == b"bad\n"
    assert tail.source.health().state == "reading"


def test_two_links_to_one_file_are_one_file(log: Path) -> None:
    log.write_bytes(b"once\n")
    log.with_name("hard.log").hardlink_to(log)
    log.with_name("soft.log").symlink_to(log)
    assert Tail(log.with_name("*.log")).news() == b"once\n"


def test_files_that_begin_alike_are_each_read(tmp_path: Path) -> None:
    for name in ("a.log", "b.log", "app-1.log", "app-2.log"):
        (tmp_path / name).write_bytes(HISTORY)
    assert Tail(tmp_path / "*.log").news() == HISTORY * 4


def test_a_part_keeps_its_name_through_a_rename(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log.with_name("error.log*"))
    tail.news()
    append(rotate(log), b"two\n")
    tail.kill()
    tail.news()
    assert len({block.part for block in tail.blocks if block.data}) == 1


def test_no_more_than_the_stated_number_of_files_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.sources.file.MAX_OPEN_FILES", 5)
    for number in range(20):
        (tmp_path / f"{number:02}-x.log").write_bytes(b"one\n")
    tail = Tail(tmp_path / "*.log")
    tail.news()
    here = str(tmp_path)
    is_open = [fd for fd in Path("/proc/self/fd").iterdir() if os.path.realpath(fd).startswith(here)]
    assert len(is_open) <= 5
    for number in range(20):
        append(tmp_path / f"{number:02}-x.log", b"two\n")
    assert tail.news() == b"two\n" * 20


def test_a_quiet_source_makes_no_system_call(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log)
    tail.news()

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a system call")

    with monkeypatch.context() as patched:
        for name in ("stat", "fstat", "open", "pread", "scandir"):
            patched.setattr(os, name, fail)
        block = tail.source.next_block()
    assert block is None


def test_positions_of_files_long_gone_are_forgotten(log: Path) -> None:
    tail = Tail(log.with_name("error*"))
    log.write_bytes(b"one\n")
    tail.news()
    log.unlink()
    tail.news(after=1)
    tail.news(after=100)
    tail.news(after=8 * 86_400)
    assert list(tail.stored) == ["source"]


def test_a_stored_position_that_makes_no_sense_is_dropped(log: Path) -> None:
    log.write_bytes(b"one\n")
    tail = Tail(log)
    tail.stored = {"source": b"{}", "x": b"garbage"}
    tail.kill()
    assert tail.news() == b"one\n"
    assert "x" not in tail.stored


def test_a_file_has_one_block_out_at_a_time(log: Path) -> None:
    log.write_bytes(b"one\n")
    source = FileSource(str(log), "beginning", clock=lambda: 0.0)
    source.restore({})
    first = source.next_block()
    append(log, b"two\n")
    source.notify()
    others = [source.next_block() for _ in range(3)]
    assert first is not None
    assert [block.data for block in others if block] == [b"", b"", b""]  # only positions to be stored
    source.consumed(first, 4)
    second = source.next_block()
    assert second is not None
    assert second.data == b"two\n"
