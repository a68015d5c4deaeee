"""A scan reads each file once, whole, in about the order of event time."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from service.sources.archive import ArchiveSource
from service.sources.source import Block

LINE = b"%07d: a line that is a little longer than its number\n"
LINES = b"".join(LINE % number for number in range(60_000))  # about 3.5 MB


def blocks_of(source: ArchiveSource) -> list[Block]:
    blocks = []
    while (block := source.next_block()) is not None:
        source.consumed(block, len(block.data))
        blocks.append(block)
    return blocks


def text_of(source: ArchiveSource) -> bytes:
    return b"".join(block.data for block in blocks_of(source))


def write(path: Path, text: bytes, kind: str) -> Path:
    if kind == "gz":
        text = gzip.compress(text, 1)
    elif kind == "members":
        text = (
            gzip.compress(text[:1_000_003], 1) + gzip.compress(b"") + gzip.compress(text[1_000_003:], 1) + b"\0" * 512
        )
    elif kind == "zst":
        text = zstandard.compress(text)
    elif kind == "frames":
        skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
        text = zstandard.compress(text[:1_000_003]) + skippable + zstandard.compress(text[1_000_003:])
    path.write_bytes(text)
    return path


@pytest.mark.parametrize("kind", ["plain", "gz", "members", "zst", "frames"])
def test_every_kind_comes_out_whole_in_blocks_of_whole_lines_and_ends_final(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.log", LINES, kind)
    source = ArchiveSource([str(path)])
    blocks = blocks_of(source)
    assert b"".join(block.data for block in blocks) == LINES
    assert all(block.data.endswith(b"\n") and len(block.data) <= 1 << 20 for block in blocks)
    assert [block.final for block in blocks] == [False] * (len(blocks) - 1) + [True]
    assert {(block.part, block.arrived) for block in blocks} == {(str(path), path.stat().st_mtime)}
    assert (source.errors, source.bytes_done, source.bytes_total) == ([], path.stat().st_size, path.stat().st_size)


@pytest.mark.parametrize("kind", ["plain", "gz", "zst"])
def test_a_last_line_without_newline_is_delivered(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.log", b"one\ntwo", kind)
    assert [(block.data, block.final) for block in blocks_of(ArchiveSource([str(path)]))] == [(b"one\ntwo", True)]


@pytest.mark.parametrize("kind", ["plain", "gz"])
def test_an_empty_file_gives_nothing(tmp_path: Path, kind: str) -> None:
    source = ArchiveSource([str(write(tmp_path / "a.log", b"", kind))])
    assert (text_of(source), source.errors) == (b"", [])


@pytest.mark.parametrize("kind", ["plain", "gz", "zst"])
def test_what_is_not_consumed_comes_again_with_more_behind_it(tmp_path: Path, kind: str) -> None:
    source = ArchiveSource([str(write(tmp_path / "a.log", LINES, kind))])
    read = b""
    while (block := source.next_block()) is not None:
        count = len(block.data) if block.final else block.data.rfind(b"\n", 0, len(block.data) - 100) + 1
        source.consumed(block, count)
        read += block.data[:count]
    assert read == LINES


def test_an_unfinished_record_is_ended_at_four_mebibytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", LINES * 2, "plain")
    source = ArchiveSource([str(path)])
    sizes = []
    while (block := source.next_block()) is not None:
        sizes.append((len(block.data) / (1 << 20), block.final))
        source.consumed(block, len(block.data) if block.final else 0)
    assert [(round(size), final) for size, final in sizes] == [
        (1, False), (2, False), (3, False), (4, False), (5, True), (1, False), (1, True),
    ]  # fmt: skip


def test_a_line_over_the_limit_is_cut_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", b"before\n" + b"x" * 3_000_000 + b"\nafter\n" + LINES, "plain")
    blocks = blocks_of(ArchiveSource([str(path)]))
    assert b"".join(block.data for block in blocks) == b"before\n" + b"x" * (1 << 20) + b"after\n" + LINES
    assert [block.dropped for block in blocks if block.dropped] == [{"line_too_long": 1}]


def test_a_smaller_limit_holds_inside_blocks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", b"before\n" + b"x" * 25 + b"\nafter\n" + b"y" * 12, "plain")
    blocks = blocks_of(ArchiveSource([str(path)], max_line_bytes=10))
    assert b"".join(block.data for block in blocks) == b"before\n" + b"x" * 10 + b"after\n" + b"y" * 10
    assert sum(block.dropped.get("line_too_long", 0) for block in blocks) == 2


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_of_a_truncated_archive_what_can_be_read_is_and_the_file_is_named(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.log", os.urandom(3_000_000).hex().encode(), kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    good = write(tmp_path / "b.log", b"good\n", "plain")
    source = ArchiveSource([str(path), str(good)], max_line_bytes=1 << 23)
    text = text_of(source)
    assert len(text) > 2_500_000
    assert text.endswith(b"good\n")
    assert source.errors == [f"{path}: it ends in the middle of compressed data; what stands before it was read"]


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_of_a_damaged_archive_what_stands_before_the_damage_is_read(tmp_path: Path, kind: str) -> None:
    text = os.urandom(2_000_000).hex().encode().replace(b"0", b"\n")
    path = write(tmp_path / "a.log", text, kind)
    packed = bytearray(path.read_bytes())
    for at in range(len(packed) * 3 // 4, len(packed) * 3 // 4 + 400):
        packed[at] ^= 0xFF
    path.write_bytes(packed)
    source = ArchiveSource([str(path)])
    assert len(text_of(source)) > 1_000_000
    (error,) = source.errors
    assert error.startswith(f"{path}: damaged {'gzip' if kind == 'gz' else 'zstd'} data: ")


def test_what_is_missing_or_no_file_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    good = write(tmp_path / "good.log", b"good\n", "plain")
    source = ArchiveSource([str(tmp_path / "none.log"), str(tmp_path), str(good)])
    assert text_of(source) == b"good\n"
    assert source.errors == [
        f"{tmp_path}/none.log: No such file or directory",
        f"{tmp_path}: is a directory; name the files in it",
    ]


def test_the_file_that_is_furthest_behind_comes_next(tmp_path: Path) -> None:
    names = [str(write(tmp_path / name, LINES, "plain")) for name in ("a.log", "b.log")]
    source = ArchiveSource(names)
    speed = {names[0]: 10.0, names[1]: 25.0}  # seconds of event time in a block
    at = dict.fromkeys(names, 0.0)
    order = ""
    marks = []
    while (block := source.next_block()) is not None:
        source.consumed(block, len(block.data))
        at[block.part] += speed[block.part]
        source.reached(block.part, at[block.part])
        order += Path(block.part).stem
        marks.append(source.watermark())
    assert order == "abaababb"
    assert marks == [None, 10.0, 20.0, 25.0, 30.0, 40.0, 75.0, 100.0]
    assert source.watermark() == float("inf")


def test_more_files_than_may_be_open_are_read_interleaved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.sources.archive.MAX_OPEN_FILES", 2)
    paths = [
        str(write(tmp_path / f"{number}.log", LINES[:1_200_000], kind))
        for number, kind in enumerate(("plain", "gz", "zst", "members", "plain"))
    ]
    source = ArchiveSource(paths)
    texts = dict.fromkeys(paths, b"")
    while (block := source.next_block()) is not None:
        texts[block.part] += block.data
        source.consumed(block, len(block.data))
        source.reached(block.part, float(len(texts[block.part])))
    assert texts == dict.fromkeys(paths, LINES[:1_200_000])


@pytest.mark.parametrize("kind", ["plain", "gz", "zst"])
def test_standard_input_is_read_from_a_pipe_too(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.log", LINES, kind)
    program = (
        "import sys; from service.sources.archive import ArchiveSource\n"
        "source = ArchiveSource(['-'])\n"
        "while (b := source.next_block()) is not None:\n"
        "    source.consumed(b, len(b.data)); sys.stdout.buffer.write(b.data)\n"
        "assert source.errors == []"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, input=path.read_bytes(), stdout=subprocess.PIPE, check=True).stdout == LINES
    with path.open("rb") as file:
        assert subprocess.run(command, stdin=file, stdout=subprocess.PIPE, check=True).stdout == LINES


def test_a_bomb_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(64):
            file.write(b"\0" * (1 << 20))
    blocks = blocks_of(ArchiveSource([str(path)]))
    assert [(len(block.data), block.dropped) for block in blocks] == [(1 << 20, {"line_too_long": 1})]
