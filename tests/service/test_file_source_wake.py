"""Events of the file system end the engine's sleep and name the files concerned."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.sources.file import FileSource
from service.sources.wake import Waker


@pytest.fixture
def waker() -> Iterator[Waker]:
    waker = Waker()
    yield waker
    waker.close()


def read_until(source: FileSource, waker: Waker, wanted: bytes, seconds: float = 10.0) -> bytes:
    read = b""
    until = time.monotonic() + seconds
    while wanted not in read and time.monotonic() < until:
        block = source.next_block()
        if block is None:
            waker.wait(0.2)
        else:
            source.consumed(block, len(block.data))
            read += block.data
    return read


def no_polls(source: FileSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.sources.file._POLL_SECONDS", 3_600.0)
    monkeypatch.setattr("service.sources.file._SCAN_SECONDS", 3_600.0)


def test_growth_new_files_and_rotation_are_noticed_without_polling(
    tmp_path: Path, waker: Waker, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "error.log"
    log.write_bytes(b"one\n")
    source = FileSource(str(tmp_path / "error.log*"), "beginning")
    no_polls(source, monkeypatch)
    source.attach(waker, "edge")
    source.restore({})
    assert read_until(source, waker, b"one\n") == b"one\n"
    waker.wait(2.0)  # until the watches stand
    with log.open("ab") as file:
        file.write(b"two\n")
    assert read_until(source, waker, b"two\n") == b"two\n"
    log.rename(tmp_path / "error.log.1")
    log.write_bytes(b"three\n")
    assert read_until(source, waker, b"three\n") == b"three\n"
    source.close()


def test_what_a_link_points_at_is_watched(tmp_path: Path, waker: Waker, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    (tmp_path / "real" / "0.log").write_bytes(b"one\n")
    (tmp_path / "links" / "pod.log").symlink_to(tmp_path / "real" / "0.log")
    source = FileSource(str(tmp_path / "links" / "*.log"), "beginning")
    no_polls(source, monkeypatch)
    source.attach(waker, "edge")
    source.restore({})
    assert read_until(source, waker, b"one\n") == b"one\n"
    waker.wait(2.0)
    with (tmp_path / "real" / "0.log").open("ab") as file:
        file.write(b"two\n")
    assert read_until(source, waker, b"two\n") == b"two\n"
    source.close()


def test_a_directory_that_appears_is_noticed(tmp_path: Path, waker: Waker, monkeypatch: pytest.MonkeyPatch) -> None:
    source = FileSource(str(tmp_path / "pods" / "*" / "0.log"), "beginning")
    no_polls(source, monkeypatch)
    source.attach(waker, "edge")
    source.restore({})
    assert read_until(source, waker, b"x", seconds=0.0) == b""
    source.next_block()
    waker.wait(2.0)
    (tmp_path / "pods" / "a").mkdir(parents=True)
    (tmp_path / "pods" / "a" / "0.log").write_bytes(b"one\n")
    assert read_until(source, waker, b"one\n") == b"one\n"
    source.close()


def test_only_the_sources_concerned_are_told(tmp_path: Path, waker: Waker) -> None:
    told: dict[str, list[object]] = {"a": [], "b": []}
    heard = threading.Event()

    def hear(name: str, paths: object) -> None:
        told[name].append(paths)
        heard.set()

    for name in told:
        (tmp_path / name).mkdir()
        waker.watch(name, {str(tmp_path / name)}, lambda paths, name=name: hear(name, paths))  # type: ignore[misc]
    while not (told["a"] and told["b"]):  # each is told to look at everything once its watches stand
        assert heard.wait(5.0)
    waker.news()
    told["a"].clear()
    told["b"].clear()
    heard.clear()
    (tmp_path / "a" / "x.log").write_bytes(b"one\n")
    assert heard.wait(5.0)
    assert (told["b"], waker.news()) == ([], {"a"})
    assert told["a"] == [[str(tmp_path / "a" / "x.log")]]


def test_another_thread_can_end_the_wait(waker: Waker) -> None:
    waker.wake("stdin")
    began = time.monotonic()
    waker.wait(60.0)
    assert time.monotonic() - began < 30.0
    assert waker.news() == {"stdin"}
