"""Envelopes that hold several records in one line: OTLP/JSON, CloudWatch Logs, Firehose, Loki, Event Hubs, JSON arrays.

Shapes: opentelemetry-proto ``logs.proto`` in its JSON mapping; AWS, "Using CloudWatch Logs subscription filters",
"Firehose HTTP endpoint request and response specifications", "Lambda: Kinesis event"; Grafana Loki HTTP API,
``POST /loki/api/v1/push``; Azure Monitor, "Stream monitoring data to an event hub". What stands in base64 and gzip no
screen can see, so such a log is told by the look of its first line, and its records are screened once unpacked.
"""

import binascii
import json
import re
import zlib
from typing import Any, Final

import msgspec
import orjson

from parsers import timestamps
from parsers.envelopes import otlp
from parsers.envelopes.item import Item

LOOK_BYTES: Final = 4096
"""Of a line, searched for a bundle's keys: a shipper's own fields may stand before them."""
MOST_BYTES: Final = 8 << 20
"""Unpacked from one line, all levels together."""
MOST_ITEMS: Final = 20_000
"""Records in one line: CloudWatch sends at most 10,000, an OpenTelemetry collector 8,192 by default."""
MOST_RATIO: Final = 200
"""Unpacked to packed size; real logs reach 20 to 60, zlib's utmost is 1,032."""
SMALL_BYTES: Final = 64 << 10
"""So much may be unpacked whatever the ratio."""

_Object = dict[str, Any]


class Budget(msgspec.Struct):
    """What may still be unpacked from one line."""

    bytes: int = MOST_BYTES
    items: int = MOST_ITEMS


class Bundle(msgspec.Struct):
    """One line's records."""

    name: str
    items: list[Item]
    damaged: bool = False
    """Whether some of it could not be unpacked: cut off, no base64 or gzip, or larger than allowed."""


def may_hold(block: bytes, limit: int) -> bool:
    """Whether the first line looks like a bundle, in other envelopes or not. Cost: six searches of that line."""
    stop = block.find(b"\n", 0, min(limit, LOOK_BYTES))
    if stop < 0:
        stop = min(limit, LOOK_BYTES)
    if block.find(b"{", 0, stop) < 0:
        return False
    if block.startswith(b"[{"):
        return True
    return any(block.find(word, 0, stop) >= 0 for word in _WORDS) and _SIGN.search(block, 0, stop) is not None


def looks(text: bytes) -> bool:
    """Whether one text, envelopes peeled, may be a bundle."""
    first = text[:2]
    return first == b"[{" or (first[:1] == b"{" and _SIGN.search(text, 0, LOOK_BYTES) is not None)


def unpack(text: bytes, budget: Budget) -> Bundle | None:
    """The records in ``text``, in their order; None if it is no bundle. Their texts may be bundles again."""
    if not looks(text):
        return None
    try:
        documents, is_whole = [orjson.loads(text)], True
    except orjson.JSONDecodeError:
        documents, is_whole = _one_after_another(text)
        if not documents:
            return Bundle("cloudwatch", [], True) if text.startswith(b'{"awslogs"') else None
    bundle = Bundle("", [], not is_whole)
    for document in documents:
        name = _add(document, bundle, budget, text if len(documents) == 1 else b"")
        if name is None and len(documents) == 1:
            return None
        if name is None:
            name = "json"
            bundle.items.append(Item(orjson.dumps(document)))
        bundle.name = bundle.name or name
    if len(bundle.items) > budget.items:
        del bundle.items[budget.items :]
        bundle.damaged = True
    budget.items -= len(bundle.items)
    return bundle


_WORDS: Final = (b"resourceLogs", b"awslogs", b"_MESSAGE", b"streams", b"ecords")
_Q: Final = rb'\\{0,15}"'
"""A quote, inside a JSON text inside a JSON text or not."""
_SIGN: Final = re.compile(
    _Q + rb"(?:(?:resourceLogs|awslogs|streams|[rR]ecords)" + _Q + rb"\s?:\s?[\[{]"
    rb"|messageType" + _Q + rb"\s?:\s?" + _Q + rb"(?:DATA|CONTROL)_MESSAGE)"
)
_GZIP: Final = b"\x1f\x8b\x08"


def _one_after_another(text: bytes) -> tuple[list[Any], bool]:
    """JSON objects with nothing between them, as Firehose writes files; whether all of it could be read."""
    if b"}{" not in text:
        return [], False
    written = text.decode("utf-8", "replace")
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at = 0
    try:
        while at < len(written) and len(found) <= MOST_ITEMS:
            document, at = decoder.raw_decode(written, at)
            found.append(document)
            while written[at : at + 1].isspace():
                at += 1
    except (ValueError, RecursionError):
        return found, False
    return found, at >= len(written)


def _add(document: Any, bundle: Bundle, budget: Budget, text: bytes) -> str | None:
    """Adds the document's records; the name of its envelope, None if it is none. ``text``: how it is written."""
    if isinstance(document, list):
        if not all(isinstance(entry, dict) for entry in document[:MOST_ITEMS]):
            return None
        bundle.items += [Item(entry) for entry in _as_written(text, document, list[msgspec.Raw])[: MOST_ITEMS + 1]]
        return "json_array"
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("resourceLogs"), list):
        bundle.items += otlp.items(document["resourceLogs"], MOST_ITEMS + 1)
        return "otlp"
    if document.get("messageType") in ("DATA_MESSAGE", "CONTROL_MESSAGE"):
        return _cloudwatch(document, bundle)
    awslogs = document.get("awslogs")
    if isinstance(awslogs, dict) and isinstance(awslogs.get("data"), str):
        _packed(awslogs["data"], None, bundle, budget)
        return "cloudwatch"
    if isinstance(document.get("streams"), list):
        return _loki(document["streams"], bundle)
    records = document.get("records", document.get("Records"))
    return _records(document, records, bundle, budget, text) if isinstance(records, list) else None


def _cloudwatch(document: _Object, bundle: Bundle) -> str | None:
    events = document.get("logEvents")
    if not isinstance(events, list):
        return None
    if document["messageType"] == "CONTROL_MESSAGE":  # AWS asks whether the destination is there
        return "cloudwatch"
    origin = b" ".join(_bytes(document.get(key)) for key in ("logGroup", "logStream"))
    for event in events[: MOST_ITEMS + 1]:
        if isinstance(event, dict) and isinstance(event.get("message"), str):
            time, resolution = _epoch(event.get("timestamp"))
            text = event["message"].rstrip("\r\n").encode("utf-8", "replace")
            bundle.items.append(Item(text, time, resolution, b"", origin))
    return "cloudwatch"


def _loki(streams: list[Any], bundle: Bundle) -> str | None:
    if not any(isinstance(stream, dict) and isinstance(stream.get("values"), list) for stream in streams[:16]):
        return None
    for stream in streams[:MOST_ITEMS]:
        values = stream.get("values") if isinstance(stream, dict) else None
        if not isinstance(values, list):
            bundle.damaged = True
            continue
        labels = stream.get("stream")
        labels = labels if isinstance(labels, dict) else {}
        program = _bytes(labels.get("container") or labels.get("app") or labels.get("job"))
        origin = b" ".join(_bytes(value) for value in list(labels.values())[:16])
        for value in values[: MOST_ITEMS + 1 - len(bundle.items)]:
            if isinstance(value, list) and len(value) >= 2 and isinstance(value[1], str):
                time, resolution = _epoch(value[0])
                text = value[1].rstrip("\r\n").encode("utf-8", "replace")
                bundle.items.append(Item(text, time, resolution, program, origin))
    return "loki"


def _records(document: _Object, records: list[Any], bundle: Bundle, budget: Budget, text: bytes) -> str | None:
    """Firehose and Kinesis hold ``data``, Azure's event hubs whole JSON records."""
    name = None
    written: list[bytes] = []
    for index, record in enumerate(records[: MOST_ITEMS + 1]):
        if not isinstance(record, dict):
            continue
        kinesis = record.get("kinesis")
        holder = kinesis if isinstance(kinesis, dict) else record
        if isinstance(holder.get("data"), str) and len(record) <= 12:
            name = "firehose"
            when = document.get("timestamp") or holder.get("approximateArrivalTimestamp")
            _packed(holder["data"], when, bundle, budget)
        elif "category" in record or "resourceId" in record:
            name = "event_hubs"
            written = written or _as_written(text, records, _Records)
            bundle.items.append(Item(written[index]))
    return name


class _Records(msgspec.Struct):
    records: list[msgspec.Raw] = []


def _as_written(text: bytes, parsed: list[Any], type_: Any) -> list[bytes]:
    """The list's records byte for byte, as far as that can be told."""
    try:
        found = msgspec.json.decode(text, type=type_)
        raw = found.records if isinstance(found, _Records) else found
    except (msgspec.DecodeError, RecursionError):
        raw = []
    if len(raw) == len(parsed):
        return [bytes(each) for each in raw]
    return [orjson.dumps(each) for each in parsed]


def _packed(data: str, when: object, bundle: Bundle, budget: Budget) -> None:
    """Adds the lines of what stands in base64, with gzip around them or not."""
    try:
        unpacked = binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError):
        bundle.damaged = True
        return
    if unpacked.startswith(_GZIP):
        unpacked, is_whole = _gunzip(unpacked, budget)
        bundle.damaged |= not is_whole
    time, resolution = _epoch(when)
    room = MOST_ITEMS + 1 - len(bundle.items)
    lines = unpacked.split(b"\n", room)[:room] if room > 0 else []
    bundle.items += [Item(line.rstrip(b"\r"), time, resolution) for line in lines if line]


def _gunzip(packed: bytes, budget: Budget) -> tuple[bytes, bool]:
    """What was packed, as far as it is allowed; whether that is all of it."""
    most = min(budget.bytes, max(SMALL_BYTES, MOST_RATIO * len(packed)))
    inflate = zlib.decompressobj(31)
    try:
        text = inflate.decompress(packed, most) if most > 0 else b""
    except zlib.error:
        return b"", False
    budget.bytes -= len(text)
    return text, inflate.eof


def _epoch(value: object) -> tuple[float | None, float]:
    """Time and resolution of a number of seconds, ms, us or ns since 1970, written as number or text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None, 1.0
    try:
        return timestamps.epoch(str(value)[:32].encode("ascii", "replace"))
    except ValueError:
        return None, 1.0


def _bytes(value: object) -> bytes:
    return value[:256].encode("utf-8", "replace") if isinstance(value, str) else b""
