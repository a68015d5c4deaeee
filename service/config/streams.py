"""The ``streams`` of streams.yaml, and what must hold between them."""

from pathlib import Path
from typing import Final

from parsers.vocabulary import HOPS, Hop
from service.config import formats, values
from service.config.model import SOURCES_BUILT, ScrapeSource, Stream
from service.config.sources import read_source
from service.config.table import Table
from service.config.tree import Node

MOST_STREAMS: Final = 1_000
_LONGEST_NAME: Final = 64
COUNTERS: Final = "counters"
"""The format of every scrape source."""


def read_streams(table: Table, folder: Path, runnable: bool, own: tuple[str, ...] = ()) -> dict[str, Stream]:
    """Those streams that could be read, in the file's order; mistakes are noted in the table; ``own``: more formats."""
    names = tuple(name for name, _ in table.entries())
    if not names and table.is_map:
        table.wrong("is missing; name at least one stream, each with hop and source")
    if len(names) > MOST_STREAMS:
        table.wrong(f"holds more than {MOST_STREAMS:,} streams")
        return {}
    streams: dict[str, Stream] = {}
    for name in names:
        if not _is_name(name):
            table.wrong(f"is no stream's name; use letters, digits, - _ . and at most {_LONGEST_NAME} of them", name)
        elif (stream := _stream(name, table.table(name), names, folder, runnable, own)) is not None:
            streams[name] = stream
    _one_standard_input(streams, table)
    return streams


def _stream(
    name: str, table: Table, names: tuple[str, ...], folder: Path, runnable: bool, own: tuple[str, ...]
) -> Stream | None:
    hop = _hop(name, table)
    format_name = table.take("format", lambda node: _format(node, runnable, own), "auto")
    zone = table.take("timezone", values.zone, "UTC")
    offset = table.take("clock_offset", lambda node: values.duration(node, -31_536_000, 31_536_000), 0.0)
    hosts = _hosts(table.table("hosts"))
    follows = table.several("follows", lambda node: _followed(node, name, names))
    source = read_source(table, folder)
    if source is not None and runnable and (kind := str(source.__struct_config__.tag)) not in SOURCES_BUILT:
        built = values.listed(tuple(sorted(SOURCES_BUILT)))
        table.table("source").wrong(f"this source comes in a later version; this one reads {built}", kind)
    if isinstance(source, ScrapeSource):
        if format_name not in ("auto", COUNTERS):
            table.wrong(f"a scrape source gives counters, no lines of {format_name}; leave format out", "format")
        format_name = COUNTERS
    table.close()
    if hop is None or source is None:
        return None
    return Stream(
        name=name,
        hop=hop,
        source=source,
        format=format_name,
        timezone=zone,
        hosts=hosts,
        clock_offset_seconds=offset,
        follows=follows,
    )


def _hop(name: str, table: Table) -> Hop | None:
    """As written; a stream named like a hop is of that hop."""
    if not table.holds("hop"):
        for hop in HOPS:
            if name == hop:
                return hop
    return table.need("hop", lambda node: values.one_of(node, HOPS), values.listed(HOPS))


def _format(node: Node, runnable: bool, own: tuple[str, ...]) -> str:
    known = (*formats.known(), *own)
    if not runnable:
        return values.one_of(node, tuple(dict.fromkeys((*known, *formats.LATER))))
    if node.value in formats.LATER and node.value not in known:
        raise values.Wrong(f'"{node.value}" comes in a later version; until then try auto')
    return values.one_of(node, known)


def _hosts(table: Table) -> dict[str, str]:
    hosts = {}
    for listener, node in table.entries():
        try:
            hosts[listener] = values.server_name(node)
        except values.Wrong as wrong:
            table.wrong(str(wrong), listener)
    return hosts


def _followed(node: Node, name: str, names: tuple[str, ...]) -> str:
    given = values.text(node)
    if given == name:
        raise values.Wrong("a stream can't follow itself; name the stream of the hop that it calls")
    if given not in names:
        raise values.Wrong(f"{values.shown(given)} is no stream of this file{values.did_you_mean(given, names)}")
    return given


def _one_standard_input(streams: dict[str, Stream], table: Table) -> None:
    readers = [name for name, stream in streams.items() if stream.source.__struct_config__.tag == "stdin"]
    for name in readers[1:]:
        table.wrong(f"reads standard input, but {readers[0]} does already; only one stream can", name)


def _is_name(name: str) -> bool:
    return (
        0 < len(name) <= _LONGEST_NAME
        and name.isascii()
        and name[0].isalnum()
        and all(c.isalnum() or c in "-_." for c in name)
    )
