"""Looks at what a configuration needs from this machine, without changing anything."""

import os
from pathlib import Path
from typing import Final

import msgspec

from service.config import FileSource, StdinSource, Stream
from service.sources.paths import Glob

_SAMPLE_BYTES: Final = 16 * 1024
_COMPRESSED: Final = (".gz", ".zst")


class Sight(msgspec.Struct):
    """How one stream stands right now."""

    text: str
    format: str
    """The configured one; for ``auto`` the one that the newest file's last lines look like, if that is clear."""
    problems: list[str]
    """One line each; empty if the service can read the stream, or will once it is there."""


def look(stream: Stream) -> Sight:
    """What a stream's source holds now. Reads at most 16 KiB of its newest file."""
    if isinstance(stream.source, StdinSource):
        return Sight("reads standard input", stream.format, [])
    if not isinstance(stream.source, FileSource):
        return Sight("comes in a later version", stream.format, [])
    found = Glob(stream.source.path).find()
    problems = [f"{path}: {why}" for path, why in sorted(found.problems.items())]
    problems += [
        f"{path}: permission denied; let this user read it" for path in sorted(found.files) if not _readable(path)
    ]
    if not found.files:
        return Sight(f"waits for {stream.source.path} (not there yet)", stream.format, problems)
    size = sum(stat.st_size for stat in found.files.values())
    files = f"{len(found.files)} files" if len(found.files) > 1 else next(iter(found.files))
    text = f"reads {files}, {_mebibytes(size)}, from the {stream.source.start}"
    newest = max(found.files, key=lambda path: (not path.endswith(_COMPRESSED), found.files[path].st_mtime))
    return Sight(text, _format(stream.format, newest), problems)


def data_dir_problem(folder: Path) -> str | None:
    """Why ``folder`` can't hold the store; None if it can, or can be made."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        return f"{folder}: {nearest} is no folder; name another as service.data_dir"
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"{folder}: this user can't write into {nearest}; allow it, or name another as service.data_dir"
    return None


def _readable(path: str) -> bool:
    return os.access(path, os.R_OK)


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.1f} MiB" if size >= 1024**2 else f"{size:,} bytes"


def _format(configured: str, path: str) -> str:
    if configured != "auto" or path.endswith(_COMPRESSED):
        return configured
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _SAMPLE_BYTES))
            lines = [line for line in file.read(_SAMPLE_BYTES).split(b"\n")[1:-1] if line][-20:]
    except OSError:
        return configured
    from parsers.formats.auto import format_of

    names = {format_of(line).NAME for line in lines}
    return names.pop() if len(names) == 1 else configured
