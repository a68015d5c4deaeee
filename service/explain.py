"""What a record is, why its handshake failed, whose fault it is and where the fix belongs: one record at a time.

Unlike the service this has no stream to stand on: no configuration, no neighbours, perhaps a mere fragment. So it
tries harder: what a format finds malformed is read as any program's text, and a bare alert or error code is looked up.
"""

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from io import BufferedIOBase
from itertools import chain
from typing import Any, Final, cast

import orjson

from parsers import registry
from parsers.continuation import LOOK, begins_record
from parsers.envelopes import peel, peel_until
from parsers.failure import Change, Failure
from parsers.formats.custom import Custom
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.said import Said
from parsers.masking import LIMIT, visible
from parsers.reader import MEANT, Reader
from parsers.record import MalformedRecordError, Record, Settings
from parsers.screen import Screen
from parsers.screen import load as load_screen
from parsers.vocabulary import HOPS, Hop
from service.bare_code import failure_of_code
from service.explanation import nothing, told, told_port
from service.pastes.browser import browser_page, page_host
from service.pastes.capture import alerts_in_capture
from service.pastes.nmap import ports_of_nmap
from service.sources.compressed import decompress, kind_of
from service.view import UnknownNameError

UNTOLD_HOP: Final[Hop] = "edge"
"""Where nobody says who wrote a record, and it does not tell either, it is a server's."""
LONGEST_RECORD: Final = 256 * 1024
"""Bytes of one record that are looked at; the rest is cut off."""
BLOCK_BYTES: Final = 1 << 20
_TRANSCRIPT: Final = re.compile(
    rb"^(?:\* (?:Host|Trying|Connected|ALPN|TLSv|SSL|Closing|Could not)|CONNECTED\(|Certificate chain$|SSL-Session:)",
    re.MULTILINE,
)
"""curl -v and openssl s_client: many lines about one handshake."""


def explain(text: str, hop: str | None = None, format: str | None = None) -> list[dict[str, Any]]:
    """Each failure in a pasted ``text``; one object with ``"failure": false`` where there is none.

    Raises:
        UnknownNameError: no such hop or format.
    """
    check_names(hop, format)
    data = _bytes(text)
    if (code := failure_of_code(data.strip(), hop)) is not None:
        return [told(code[0], hop, code[1])]
    if format is not None and isinstance(registry.get(format), Custom):
        read = [explain_record(line, hop, format) for line in data.split(b"\n") if line.strip()]
        return [one for one in read if one["failure"]] or [nothing(data, hop, format)]
    if len(data) <= LONGEST_RECORD:
        if format in (None, "auto") and (pasted := _pasted(data, hop)):
            return pasted
        if _TRANSCRIPT.search(data):
            return [explain_record(data, hop, format)]
    return list(_read([data], hop, format, time.time())) or [explain_record(data, hop, format)]


def explain_record(data: bytes, hop: str | None = None, format: str | None = None) -> dict[str, Any]:
    """``data`` as one record, however many lines it has. Unknown names are as good as none."""
    data = data[:LONGEST_RECORD].strip(b"\r\n\0")
    hop = hop if hop in HOPS else None
    asked = format if format is not None and registry.knows(format) else "auto"
    if (code := failure_of_code(data, hop)) is not None:
        return told(code[0], hop, code[1])
    if asked == "auto" and (pasted := _pasted(data, hop)):
        return pasted[0]
    form, settings = registry.get(asked), _settings(hop or UNTOLD_HOP)
    if isinstance(form, Custom):
        peeled = peel_until(data, settings, form.claims)
        record, envelopes = Record(peeled.text, settings, peeled.time, peeled.program), peeled.names
    else:
        record, envelopes = _record(_what_failed(data), settings)
    found = _failure(record, asked)
    if found is None:
        return nothing(data, hop, asked, envelopes)
    return told(found[0], hop, found[1], envelopes, form)


def explain_file(file: BufferedIOBase, hop: str | None = None, format: str | None = None) -> Iterator[dict[str, Any]]:
    """Each failure in a log (plain, gzip or Zstandard), in its order; short texts as in `explain`.

    Memory does not grow with its size.

    Raises:
        UnknownNameError: no such hop or format.
        CorruptArchiveError: compressed data that is damaged; what stood before was given.
    """
    check_names(hop, format)
    blocks = _blocks(file)
    first = next(blocks, b"")
    if len(first) <= LONGEST_RECORD:
        yield from explain(first.decode("utf-8", "surrogateescape"), hop, format)
        return
    found = False
    for record in _read(chain([first], blocks), hop, format, time.time()):
        found = True
        yield record
    if not found:
        yield nothing(first[:LIMIT], hop, format or "auto")


def explain_jsonl(
    lines: Iterable[bytes], hop: str | None = None, format: str | None = None
) -> Iterator[dict[str, Any]]:
    """For each ``{"line": ..., "hop": ..., "format": ...}`` one answer, in order; a bad line answers too."""
    for line in lines:
        if not line.strip():
            continue
        try:
            asked = orjson.loads(line)
        except orjson.JSONDecodeError:
            asked = None
        if not isinstance(asked, dict) or not isinstance(asked.get("line"), str):
            yield nothing(line, hop, format or "auto") | {"error": 'no object with a text "line"'}
            continue
        own_hop, own_format = asked.get("hop"), asked.get("format")
        yield explain_record(
            _bytes(asked["line"]),
            own_hop if isinstance(own_hop, str) else hop,
            own_format if isinstance(own_format, str) else format,
        )


def check_names(hop: str | None, format: str | None) -> None:
    """Raises UnknownNameError unless both are None or known."""
    if hop is not None and hop not in HOPS:
        raise UnknownNameError(f'"{visible(hop[:60])}" is no hop; hops are: {", ".join(HOPS)}')
    if format is not None and not registry.knows(format):
        raise UnknownNameError(f'"{visible(format[:60])}" is no format; formats are: {", ".join(registry.NAMES)}')


def _pasted(data: bytes, hop: str | None) -> list[dict[str, Any]]:
    """What is no log at all: a packet capture, nmap's report, a browser's page; nothing if it is neither."""
    if not _PASTED.search(data):
        return []
    text = data.decode("utf-8", "replace")
    if found := alerts_in_capture(text, hop):
        return [told(failure, hop, said) for failure, said in found]
    if ports := ports_of_nmap(text):
        return [told_port(port, data, hop) for port in ports]
    if not begins_record(data.lstrip()[:LOOK]) and (page := browser_page(text)) is not None:
        reason, rejected_by, host = page
        record = Record(data, _settings("app"))
        coded = _failure(record, "app")
        message = data.strip().split(b"\n")[0][:200]
        failure = Failure(None, "upstream", reason, rejected_by, message=message, raw=data, format="app")
        said = None
        if coded is not None:
            failure, said = coded
            failure.host = failure.host or page_host(text)
        failure.host = failure.host or host
        return [told(failure, hop, said)]
    return []


_PASTED: Final = re.compile(
    rb"Alert \(Level|Content Type: Alert|\"tls\.alert_message|\n[ \t]{1,16}0x0000:  |Nmap scan report|ssl-enum-ciphers|"
    rb"(?i:not private|t private|fully secure|security risk ahead|secure connection|clock is (?:ahead|behind)|"
    rb"did not connect: potential)"
)


def _what_failed(data: bytes) -> bytes:
    """A transcript without what went on in spite of it: ``curl -k``'s and ``s_client``'s remarks on a certificate."""
    went_on = b"continuing anyway" in data
    ended_by_alert = b"CONNECTED(" in data and b":SSL alert number " in data
    if not went_on and not ended_by_alert:
        return data
    remarks = (b"continuing anyway",) * went_on
    remarks += (b"verify error:num=", b"Verification error: ", b"Verify return code: ") * ended_by_alert
    return b"\n".join(line for line in data.split(b"\n") if not any(remark in line for remark in remarks))


def _failure(record: Record, asked: str) -> tuple[Failure, Said] | None:
    """What the asked format makes of one record, else what any program's reader makes of it."""
    form = registry.get(asked)
    own = form if isinstance(form, Custom) else None
    ids = _ids(record.text, load_screen() if own is None else own.screen)
    if not ids:
        return None
    said = (load_lexicon() if own is None else own.lexicon).said(ids, record.text)
    if not said.is_failure:
        return None
    for reader in (form,) if own is not None or asked == "app" else (form, registry.get("app")):
        try:
            found = reader.read(record, said)
        except MalformedRecordError:
            continue
        if found is None or isinstance(found, Change):
            return None
        if found.time is None:
            found.time = record.time
        return found, said
    return None


def _record(data: bytes, settings: Settings) -> tuple[Record, tuple[str, ...]]:
    """The record without its envelopes, and their names; lines that a container runtime had split are whole again."""
    if data[:1] == b"{" and b"\n" in data:
        with suppress(orjson.JSONDecodeError):
            data = orjson.dumps(orjson.loads(data))  # JSON laid out over several lines
    pieces = [peel(line.removesuffix(b"\r"), settings) for line in data.split(b"\n")]
    text = b"".join(piece.text if piece.partial else piece.text + b"\n" for piece in pieces)
    text = text.removesuffix(b"\n")
    head = pieces[0]
    return Record(text, settings, head.time, head.program), head.names


@lru_cache(maxsize=8)
def _shared_settings(hop: Hop, minute: int) -> Settings:
    return Settings(hop=hop, reference=60.0 * minute)


def _settings(hop: Hop) -> Settings:
    return _shared_settings(hop, int(time.time() // 60))


def _read(blocks: Iterable[bytes], hop: str | None, format: str | None, now: float) -> Iterator[dict[str, Any]]:
    """Each failure that the stream's own reader finds."""
    reader = Reader(format or "auto", Settings(hop=cast("Hop", hop or UNTOLD_HOP), reference=now))
    rest = b""
    upcoming = iter(blocks)
    block = next(upcoming, None)
    while block is not None:
        following = next(upcoming, None)
        data = rest + block
        reading = reader.read(data, final=following is None)
        rest = data[reading.consumed :]
        for failure in reading.failures:
            yield told(failure, hop, _said(failure.raw), _envelopes(failure.raw, data, reader.settings))
        block = following


def _blocks(file: BufferedIOBase) -> Iterator[bytes]:
    """Text in blocks of `BLOCK_BYTES`, the last one shorter."""
    head = file.read(4)
    left = iter((head,))

    def packed(size: int) -> bytes:
        return next(left, b"") or file.read1(size)  # hands back what there is: Ctrl-C is never kept waiting

    kind = kind_of(head)
    read = decompress(kind, packed).read if kind else packed
    gathered = bytearray()
    while piece := read(BLOCK_BYTES - len(gathered)):
        gathered += piece
        if len(gathered) >= BLOCK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _said(raw: bytes) -> Said | None:
    """What the lexicon finds in a record that the stream's reader had already read."""
    ids = _ids(raw[:LONGEST_RECORD], load_screen())
    return load_lexicon().said(ids, raw) if ids else None


def _ids(text: bytes, screen: Screen) -> tuple[int, ...]:
    """The entries found in a record, as many as the service would look at."""
    ids = tuple(number for _, number in screen.hits(text))
    return ids if len(ids) <= MEANT else ids[:MEANT] + ids[-MEANT:]


def _envelopes(raw: bytes, data: bytes, settings: Settings) -> tuple[str, ...]:
    """Names of the envelopes around ``raw``, outermost first: those of the line in ``data`` that it was taken from."""
    first = raw.split(b"\n", 1)[0]
    at = data.find(first)
    if at >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        if start == at:
            return ()
        stop = data.find(b"\n", at)
        return peel(data[start : stop if stop >= 0 else len(data)], settings).names
    return peel(data[: data.find(b"\n") if b"\n" in data else len(data)], settings).names  # escaped inside JSON


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape" if _has_escapes(text) else "replace")


def _has_escapes(text: str) -> bool:
    """Whether lone surrogates in it are bytes that Python could not decode, and nothing else."""
    return not text.isascii() and all(0xDC80 <= ord(c) <= 0xDCFF for c in text if 0xD800 <= ord(c) <= 0xDFFF)
