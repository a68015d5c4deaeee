"""What ``handspike scan`` was asked to read, as streams."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from parsers.vocabulary import HOPS
from service.cli import options

if TYPE_CHECKING:
    from service.config import Config
    from service.detector import DetectorOptions
    from service.scan import ScanStream

STANDARD_INPUT: Final = "-"

_NAMED: Final = re.compile(r"(?P<stream>[A-Za-z0-9][A-Za-z0-9_.-]{0,63})=(?P<path>.+)\Z", re.DOTALL)
_ROTATED: Final = re.compile(r"(?:\.gz|\.zst|[.-]\d{1,10})+\Z")


def from_arguments(
    arguments: Sequence[str],
    *,
    format_name: str | None = None,
    hop: str | None = None,
    timezone: str | None = None,
    follows: Sequence[str] = (),
    config: "Config | None" = None,
) -> list["ScanStream"]:
    """Streams in the order in which they were first named; what ``config`` says of a stream holds unless overruled.

    Raises:
        click.UsageError: a file that isn't there, an unknown stream, a time zone that is none.
    """
    from service.scan import ScanStream

    if timezone is not None:
        _check_zone(timezone)
    paths: dict[str, list[str]] = {}
    for argument in arguments:
        name, path = _named(argument)
        _check_file(path)
        paths.setdefault(name, []).append(path)
    if sum(path == STANDARD_INPUT for several in paths.values() for path in several) > 1:
        raise click.UsageError("standard input (-) can be read only once")
    calls = _calls(follows, paths)
    streams = []
    for name, several in paths.items():
        known = config.streams.get(name) if config else None
        stream_format = format_name or (known.format if known else "auto")
        by_name = name if name in HOPS else hop or ("app" if stream_format == "app" else "edge")
        streams.append(
            ScanStream(
                name=name,
                hop=known.hop if known else by_name,
                format=stream_format,
                paths=several,
                timezone=timezone or (known.timezone if known else "UTC"),
                hosts=known.hosts if known else {},
                clock_offset_seconds=known.clock_offset_seconds if known else 0.0,
                follows=calls.get(name) or [one for one in (known.follows if known else ()) if one in paths],
            )
        )
    return streams


def from_config(config: "Config") -> list["ScanStream"]:
    """Every stream of the configuration that reads files, with those that are there.

    Raises:
        click.UsageError: there is no file at all.
    """
    from service.config import FileSource
    from service.scan import ScanStream
    from service.sources.paths import Glob

    streams = []
    for stream in config.streams.values():
        if not isinstance(stream.source, FileSource):
            continue
        found = Glob(stream.source.path).find().files
        if not found:
            click.echo(f"{stream.name}: no file matches {stream.source.path}", err=True)
            continue
        streams.append(
            ScanStream(
                name=stream.name,
                hop=stream.hop,
                format=stream.format,
                paths=sorted(found, key=lambda path: found[path].st_mtime),
                timezone=stream.timezone,
                hosts=stream.hosts,
                follows=list(stream.follows),
                clock_offset_seconds=stream.clock_offset_seconds,
            )
        )
    if not streams:
        raise click.UsageError(f"none of the files that {config.path} names is there; name FILEs")
    there = {one.name for one in streams}
    for one in streams:
        one.follows = [name for name in one.follows if name in there]
    return streams


def load_config(path: Path | None) -> "Config":
    """The configuration for a scan; what only the service needs may be there and is not looked at.

    Raises:
        click.UsageError: none was named, and there is none where it is looked for.
    """
    from service.config import load

    if path is None and not options.DEFAULT_CONFIG.exists():
        raise click.UsageError(
            f"name a FILE (- for standard input), or a configuration with -c: no {options.DEFAULT_CONFIG}"
        )
    return load(path or options.DEFAULT_CONFIG, runnable=False)


def detector_options(config: "Config") -> "DetectorOptions":
    """The detector as the service would run it."""
    from service.detector import DetectorOptions

    return DetectorOptions(
        window=config.detector.window_seconds,
        false_alarms_per_week=config.detector.false_alarms_per_week,
        least_failures=config.detector.least_failures,
    )


def stem(path: str) -> str:
    """A stream's name from a file's: no folder, no extension, nothing that log rotation adds.

    >>> stem("/var/log/nginx/error.log"), stem("edge.log.2.gz"), stem("haproxy.log-20261120.zst"), stem("-")
    ('error', 'edge', 'haproxy', 'stdin')
    """
    if path == STANDARD_INPUT:
        return "stdin"
    name = Path(path).name
    plain = Path(_ROTATED.sub("", name) or name).stem
    return re.sub(r"[^A-Za-z0-9_.-]", "_", plain)[:64].lstrip("-_.") or "log"


def _named(argument: str) -> tuple[str, str]:
    match = _NAMED.match(argument)
    if match is None or (Path(argument).exists() and not Path(match["path"]).exists()):
        return stem(argument), argument
    return match["stream"], match["path"]


def _check_file(path: str) -> None:
    if path == STANDARD_INPUT:
        return
    shown = path.encode("utf-8", "backslashreplace").decode()
    try:
        is_folder, exists = Path(path).is_dir(), Path(path).exists()
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{shown!r}: {error}") from None
    if is_folder:
        raise click.UsageError(f"{shown}: is a folder; name the files in it")
    if not exists:
        raise click.UsageError(f"{shown}: there is no such file")


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise click.UsageError(f'--timezone: "{name}" is no time zone; write one such as Europe/Berlin') from None


def _calls(follows: Sequence[str], paths: dict[str, list[str]]) -> dict[str, list[str]]:
    calls: dict[str, list[str]] = {}
    for pair in follows:
        caller, equals, called = pair.partition("=")
        if not equals or not caller or not called:
            raise click.UsageError(f'--follows: "{pair}" is no APP=STREAM, such as app=lb')
        for name in (caller, called):
            if name not in paths:
                raise click.UsageError(f'--follows: "{name}" is none of the streams {", ".join(paths)}')
        if caller == called:
            raise click.UsageError(f'--follows: "{pair}": a stream can\'t follow itself')
        calls.setdefault(caller, []).append(called)
    return calls
