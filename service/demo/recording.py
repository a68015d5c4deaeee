"""The recorded incident, read, and its times moved: what was logged then is logged as if it happened now."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

FOLDER: Final = Path(__file__).with_name("recording")
STREAMS: Final = ("edge", "lb", "ingress", "app")


class _Layout(NamedTuple):
    """How one kind of line writes its time. Fractions are not shifted: shifts are whole seconds."""

    pattern: re.Pattern[bytes]
    """Group 1 is the time to the second; group 2, if any, its milliseconds."""
    written: str
    """As `strptime` reads it; Python keeps English month names whatever the locale of the shell."""


_LAYOUTS: Final = (
    _Layout(re.compile(rb"\A(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)"), "%Y/%m/%d %H:%M:%S"),  # nginx error log
    _Layout(re.compile(rb"\A(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3})"), "%Y-%m-%d %H:%M:%S"),  # Python logging
    _Layout(re.compile(rb"\A([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"), "%b %d %H:%M:%S"),  # syslog
    _Layout(re.compile(rb"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)(?:\.(\d{3}))?"), "%d/%b/%Y:%H:%M:%S"),  # access
)


class Entry(msgspec.Struct, order=True):
    """One record as it was written: a line, or a line and the trace below it."""

    at: float
    """Epoch seconds of the recording at which it was written."""
    stream: str
    number: int
    text: bytes


class Recording(msgspec.Struct):
    entries: list[Entry]
    """In the order of time."""
    truth: dict[str, Any]

    @property
    def start(self) -> float:
        return self.entries[0].at

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.entries[-1].at - self.entries[0].at


def load(folder: Path = FOLDER) -> Recording:
    """Reads the recording that ships with handspike, or another that ``tests/record_demo.py`` made."""
    truth = json.loads((folder / "truth.json").read_text())
    year = int(truth["recorded"][:4])
    entries: list[Entry] = []
    for stream in STREAMS:
        entries.extend(_entries(stream, (folder / f"{stream}.log").read_bytes(), year))
    return Recording(sorted(entries), truth)


def shifted(text: bytes, seconds: int, year: int) -> bytes:
    """``text`` with every time of its first line moved by whole seconds; ``year`` is that of times without one.

    >>> shifted(b"2026/11/20 23:59:58 [info] 7#7: *1 x", 3, 2026)
    b'2026/11/21 00:00:01 [info] 7#7: *1 x'
    """
    for layout in _LAYOUTS:
        found = layout.pattern.search(text)
        if found is not None:
            moment = _moment(found[1], layout, year) + timedelta(seconds=seconds)
            begin, end = found.span(1)
            text = text[:begin] + _written(moment, layout) + text[end:]
    return text


def _entries(stream: str, log: bytes, year: int) -> list[Entry]:
    """A line without a time belongs to the one before; a line is never earlier than the one before."""
    entries: list[Entry] = []
    for number, line in enumerate(log.splitlines(keepends=True)):
        at = _time(line, year)
        if at is not None:
            before = entries[-1].at if entries else at
            entries.append(Entry(max(before, at), stream, number, line))
        elif entries:
            entries[-1].text += line
    return entries


def _time(line: bytes, year: int) -> float | None:
    """When the line was written: the latest of its times, for HAProxy puts that of the accept into it too."""
    times = []
    for layout in _LAYOUTS:
        found = layout.pattern.search(line)
        if found is not None:
            fraction = found[2] if layout.pattern.groups > 1 else None
            times.append(_moment(found[1], layout, year).timestamp() + int(fraction or 0) / 1000)
    return max(times, default=None)


def _moment(written: bytes, layout: _Layout, year: int) -> datetime:
    text = written.decode("ascii")
    if "%Y" not in layout.written:  # with its year: 29 February exists in some years only
        return datetime.strptime(f"{year} {text}", f"%Y {layout.written}").replace(tzinfo=UTC)
    return datetime.strptime(text, layout.written).replace(tzinfo=UTC)


def _written(moment: datetime, layout: _Layout) -> bytes:
    text = moment.strftime(layout.written)
    if layout.written.startswith("%b"):  # syslog pads the day with a space
        text = text[:4] + f"{moment.day:2d}" + text[6:]
    return text.encode("ascii")
