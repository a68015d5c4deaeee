"""Looks at what a configuration needs from this machine, without changing anything."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from service.config import FileSource, KafkaSource, ScrapeSource, StdinSource, Stream
from service.sources.paths import Glob

if TYPE_CHECKING:
    from service.seen import Seen

_SAMPLE_BYTES: Final = 256 * 1024
"""Of the newest file's end, looked at for its format and for the levels that it shows."""
_FORMAT_BYTES: Final = 16 * 1024
_LOOK_BYTES: Final = 4 * 1024
_SCRAPE_SECONDS: Final = 5.0
_COMPRESSED: Final = (".gz", ".zst")


class Sight(msgspec.Struct):
    """How one stream stands right now."""

    text: str
    format: str
    """The configured one; for ``auto`` the one that the newest file's last lines look like, if that is clear."""
    problems: list[str]
    """One line each; empty if the service can read the stream, or will once it is there."""
    lessons: list[tuple[str, str]] = []
    """What the log's own lines prove that it can't show: (why, the setting that would show it)."""
    shown: set[str] = set()
    """Settings that must be on already, for the log shows what they bring."""


def look(stream: Stream) -> Sight:
    """What a stream's source holds now. Reads at most 256 KiB of its newest file."""
    if isinstance(stream.source, StdinSource):
        return Sight("reads standard input", stream.format, [])
    if isinstance(stream.source, KafkaSource):
        topics, brokers = ", ".join(stream.source.wanted), ", ".join(stream.source.brokers)
        return Sight(f"reads topic {topics} from {brokers} as group {stream.source.group}", stream.format, [])
    if isinstance(stream.source, ScrapeSource):
        return _scraped(stream.source, stream.format)
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
    tail = b"" if newest.endswith(_COMPRESSED) else _tail(newest)
    format_name = _format(stream.format, tail)
    seen = _seen(tail, format_name, stream)
    lessons = [(why, way_out) for why, way_out, _ in seen.lessons()]
    return Sight(text, format_name, problems, lessons, seen.shown())


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


def _scraped(source: ScrapeSource, format_name: str) -> Sight:
    """Asks the target once."""
    from service.config.values import brief
    from service.sources.scrape import ScrapeError, scrape

    text = f"scrapes {source.url} every {brief(source.interval_seconds)}"
    try:
        counts = scrape(source.url, _SCRAPE_SECONDS)
    except ScrapeError as error:
        return Sight(text, format_name, [str(error)])
    count = len(counts.values)
    if not count:
        return Sight(text, format_name, [f"{source.url} holds no counter of failed handshakes that is known"])
    return Sight(f"{text}: {count:,} counter{'s' if count > 1 else ''} of failed handshakes", format_name, [])


def _readable(path: str) -> bool:
    return os.access(path, os.R_OK)


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.1f} MiB" if size >= 1024**2 else f"{size:,} bytes"


def _tail(path: str) -> bytes:
    """Whole lines from a file's end."""
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _SAMPLE_BYTES))
            data = file.read(_SAMPLE_BYTES)
    except OSError:
        return b""
    return data[data.find(b"\n") + 1 :] if size > _SAMPLE_BYTES else data


def _format(configured: str, tail: bytes) -> str:
    if configured != "auto":
        return configured
    from parsers.envelopes import peel
    from parsers.formats.auto import format_of
    from parsers.record import Settings

    settings = Settings()
    lines = [line for line in tail[-_FORMAT_BYTES:].split(b"\n")[1 if len(tail) > _FORMAT_BYTES else 0 :] if line]
    names = {format_of(peel(line, settings).text).NAME for line in lines[-20:]}
    return names.pop() if len(names) == 1 else configured


def _seen(tail: bytes, format_name: str, stream: Stream) -> "Seen":
    """What `service.seen` makes of the end of the log, the failures in it included."""
    from service.seen import Seen

    seen = Seen(format_name, stream.hop)
    if not tail:
        return seen
    from parsers.reader import Reader
    from parsers.record import Settings

    for at in range(0, len(tail), _LOOK_BYTES):
        seen.look(tail[at : at + _LOOK_BYTES])
    settings = Settings(hop=stream.hop, zone=stream.timezone, hosts=dict(stream.hosts))
    seen.tell(Reader(stream.format, settings).read(tail, final=True).failures)
    return seen
