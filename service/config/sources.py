"""A stream's ``source``: exactly one kind, with that kind's own keys."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from service.config import values
from service.config.kafka import read_kafka
from service.config.model import (
    STARTS,
    TRANSPORTS,
    FileSource,
    JournaldSource,
    PushSource,
    ScrapeSource,
    Source,
    StdinSource,
    SyslogSource,
)
from service.config.table import Table
from service.config.tree import Node

KINDS: Final = ("file", "kafka", "stdin", "syslog", "push", "journald", "scrape")
_EXAMPLE: Final = "{file: {path: /var/log/nginx/error.log}}"


def read_source(stream: Table, folder: Path) -> Source | None:
    """The stream's source; None after a mistake, which is noted. Relative paths are taken from ``folder``."""
    if not stream.holds("source"):
        if stream.is_map:
            stream.wrong(f"source is missing; write one of {values.listed(KINDS)}, such as source: {_EXAMPLE}")
        return None
    table = stream.table("source")
    if not table.is_map:
        return None
    given = [kind for kind in KINDS if table.holds(kind)]
    source = None
    for kind in KINDS:  # all of them, so that every mistake is found and no kind is an unknown key
        below = table.table(kind)
        if kind in given:
            source = _READ[kind](below, folder)
    table.close()
    if len(given) > 1:
        table.wrong(
            f"holds {len(given)} kinds ({', '.join(given)}); keep one, and make the others streams of their own"
        )
        return None
    if not given:
        table.wrong(f"names no kind of source; write one of {values.listed(KINDS)}")
    return source


def _file(table: Table, folder: Path) -> FileSource | None:
    path = table.need(
        "path", lambda node: _pattern(node, folder), "a path or a pattern such as /var/log/nginx/error.log*"
    )
    start = table.take("start", lambda node: values.one_of(node, STARTS), STARTS[-1])
    table.close()
    return None if path is None else FileSource(path=path, start=start)


def _pattern(node: Node, folder: Path) -> str:
    given = values.text(node)
    if given.endswith("/"):
        raise values.Wrong(f"{values.shown(given)} is a folder; add a file's name or a pattern such as *.log")
    if given == "-":
        raise values.Wrong('"-" is no path; for standard input write source: {stdin: {}}')
    return str(folder / Path(given).expanduser())


def _stdin(table: Table, _: Path) -> StdinSource:
    table.close()
    return StdinSource()


def _syslog(table: Table, _: Path) -> SyslogSource:
    default = SyslogSource()
    listen = table.take("listen", values.listen_address, default.listen)
    transport = table.take("transport", lambda node: values.one_of(node, TRANSPORTS), default.transport)
    table.close()
    return SyslogSource(listen=listen, transport=transport)


def _push(table: Table, _: Path) -> PushSource:
    table.close()
    return PushSource()


def _journald(table: Table, _: Path) -> JournaldSource | None:
    unit = table.need("unit", values.text, "a unit's name such as nginx")
    table.close()
    return None if unit is None else JournaldSource(unit=unit)


def _scrape(table: Table, _: Path) -> ScrapeSource | None:
    url = table.need("url", _target, "where the metrics are, such as http://127.0.0.1:9901/stats/prometheus")
    interval = table.take("interval", lambda node: values.duration(node, 1, 3600), ScrapeSource("").interval_seconds)
    table.close()
    return None if url is None else ScrapeSource(url=url, interval_seconds=interval)


def _target(node: Node) -> str:
    example = "http://127.0.0.1:9901/stats/prometheus"
    return values.url(node, f"is no address of metrics; write one such as {example}")


_READ: Final[dict[str, Callable[[Table, Path], Source | None]]] = {
    "file": _file,
    "kafka": read_kafka,
    "stdin": _stdin,
    "syslog": _syslog,
    "push": _push,
    "journald": _journald,
    "scrape": _scrape,
}
