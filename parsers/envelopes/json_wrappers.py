"""Envelopes that are a JSON object around the line: Docker, Fluent Bit, Vector, Filebeat, journald and their like.

A JSON object is a wrapper only by a known signature. An application's or a proxy's own JSON record (zap, logrus,
Envoy, nginx ``log_format escape=json``) also has ``msg`` or ``message``, and stays whole: its format needs the
fields beside it. So does a record whose fields a shipper has lifted to its top level (Fluent Bit's ``Merge_Log``).
"""

import re
from typing import Any, Final

import orjson

from parsers import timestamps
from parsers.envelopes.layer import Layer
from parsers.record import Settings

_Object = dict[str, Any]

_OWN: Final = frozenset(
    (
        *("logger", "logger_name", "caller", "thread", "thread_name", "err", "error"),
        *("exception", "exc_info", "stack", "stack_trace", "stacktrace"),
        *("remote_addr", "remote-addr", "remoteAddr", "status", "method", "uri", "path", "request", "response_flags"),
        *("code", "attr"),
    )
)
"""Keys of a record itself: beside them ``message`` is but one of its fields."""
_TIMES: Final = ("__REALTIME_TIMESTAMP", "time", "@timestamp", "timestamp", "date", "ts")
_BARE: Final = frozenset((*_TIMES, "message", "log", "host", "hostname", "source", "tag", "@version", "id", "eventId"))
"""An object of nothing but these is a wrapper if one of them is a time."""
_DOCKER: Final = frozenset(("log", "stream", "time", "attrs"))
_SHIPPERS: Final = frozenset(
    (
        *("kubernetes", "stream", "logtag", "_p", "docker", "container_name", "container_id"),  # Fluent Bit, fluentd
        "source_type",  # Vector
        *("agent", "beat", "input", "@metadata"),  # Filebeat, Logstash
        *("logStream", "logStreamName", "ingestionTime"),  # CloudWatch
    )
)
_SPLUNK: Final = frozenset(("time", "host", "source", "sourcetype", "index", "event", "fields"))
"""Splunk, "Format events for HTTP Event Collector": the keys there are."""
_SPLUNK_OWN: Final = frozenset(("sourcetype", "index", "fields", "source"))


has_bytes: Final = re.compile(rb'"MESSAGE\\{0,15}"[ ]?:[ ]?\[').search
"""journald's JSON writes text that is not UTF-8 as an array of bytes: no screen can see what it says."""


def peel(text: bytes, settings: Settings) -> Layer | None:
    """The text that a wrapper carries; None if the object is no wrapper. Cost for other JSON: five substring looks."""
    if b'"log"' not in text and b'"message"' not in text and b'"MESSAGE"' not in text and b'_message"' not in text:
        return _splunk(text, settings) if b'"event"' in text else None
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            parsed = orjson.loads(text.decode("utf-8", "replace").replace("\0", ""))
        except orjson.JSONDecodeError:
            return None
    if not isinstance(parsed, dict):
        return None
    if "MESSAGE" in parsed:
        return _journald(parsed, settings)
    carried = _carried(parsed)
    if carried is None:
        return None
    name, body = carried
    holds_pieces = name == "docker" and text.startswith(b'{"log":')
    partial = holds_pieces and not body.endswith("\n")
    if (parsed.get("logtag") or parsed.get("_p")) in ("F", "P"):
        holds_pieces, partial = True, (parsed.get("logtag") or parsed.get("_p")) == "P"
    time, resolution = _time(parsed, settings)
    program, stream = _origin(parsed)
    raw = body.encode("utf-8", "replace")
    return Layer(
        name, raw if partial else raw.rstrip(b"\r\n"), time, resolution, program, stream, partial, holds_pieces
    )


def _carried(wrapper: _Object) -> tuple[str, str] | None:
    """Name of the wrapper and the text in it."""
    keys = wrapper.keys()
    log, message = wrapper.get("log"), wrapper.get("message")
    if isinstance(log, str):
        if keys <= _DOCKER and "stream" in keys and "time" in keys:
            return "docker", log
        if not keys.isdisjoint(_SHIPPERS) or isinstance(wrapper.get("date"), int | float):
            return "fluent_bit", log
        return ("json", log) if _is_bare(wrapper) else None
    if not isinstance(message, str):
        short = wrapper.get("short_message")
        if isinstance(short, str) and "version" in keys and "host" in keys:
            full = wrapper.get("full_message")
            return "gelf", full if isinstance(full, str) and full else short
        return None
    if not keys.isdisjoint(_OWN):
        return None
    if "source_type" in keys or ("file" in keys and "host" in keys):
        return "vector", message
    if "@timestamp" in keys and ("agent" in keys or "input" in keys or "beat" in keys or _has_file(log)):
        return "filebeat", message
    if not keys.isdisjoint(_SHIPPERS) or isinstance(wrapper.get("date"), int | float):
        return "fluent_bit", message
    return ("json", message) if _is_bare(wrapper) else None


def _is_bare(wrapper: _Object) -> bool:
    return wrapper.keys() <= _BARE and any(key in wrapper for key in _TIMES)


def _has_file(log: object) -> bool:
    """ECS: ``log.file`` and ``log.offset`` are the shipper's; ``log.level`` alone is the application's."""
    return isinstance(log, dict) and ("file" in log or "offset" in log)


def _journald(entry: _Object, settings: Settings) -> Layer | None:
    """``journalctl -o json``: values are strings; MESSAGE is an array of bytes where it is not UTF-8, null if huge."""
    if not any(
        key in entry for key in ("__REALTIME_TIMESTAMP", "__CURSOR", "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_PID")
    ):
        return None
    message = entry["MESSAGE"]
    if isinstance(message, list):
        try:
            body = bytes(message)
        except (ValueError, TypeError):
            return None
    elif isinstance(message, str):
        body = message.encode("utf-8", "replace")
    elif message is None:
        body = b""
    else:
        return None
    time, resolution = _time(entry, settings)
    program = _text(entry, "SYSLOG_IDENTIFIER") or _text(entry, "_COMM")
    stream = b" ".join(_text(entry, key) for key in ("_HOSTNAME", "_SYSTEMD_UNIT", "_PID", "_STREAM_ID"))
    return Layer("journald", body.rstrip(b"\r\n"), time, resolution, program, stream)


def _splunk(text: bytes, settings: Settings) -> Layer | None:
    """One event as it is sent to Splunk's HTTP Event Collector; ``event`` is a text or an object."""
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(parsed, dict) or not parsed.keys() <= _SPLUNK or parsed.keys().isdisjoint(_SPLUNK_OWN):
        return None
    event = parsed.get("event")
    if not isinstance(event, str | dict):
        return None
    body = event.encode("utf-8", "replace") if isinstance(event, str) else orjson.dumps(event)
    time, resolution = _time(parsed, settings)
    stream = b" ".join(_text(parsed, key) for key in ("host", "source", "sourcetype"))
    return Layer("splunk", body.rstrip(b"\r\n"), time, resolution, b"", stream)


def _time(wrapper: _Object, settings: Settings) -> tuple[float | None, float]:
    for key in _TIMES:
        value = wrapper.get(key)
        if value is None or isinstance(value, bool):
            continue
        try:
            if isinstance(value, int | float):
                return timestamps.epoch(str(value).encode())
            if isinstance(value, str):
                written = value.encode("ascii", "replace")
                if written.isdigit():
                    return timestamps.epoch(written)
                return timestamps.iso(written, settings.zone), timestamps.resolution_of(written)
        except ValueError:
            continue
    return None, 1.0


def _origin(wrapper: _Object) -> tuple[bytes, bytes]:
    """Program (the container's name) and what lines of one origin share."""
    kubernetes = wrapper.get("kubernetes")
    kubernetes = kubernetes if isinstance(kubernetes, dict) else {}
    container = _text(kubernetes, "container_name") or _text(wrapper, "container_name")
    log = wrapper.get("log")
    file = log.get("file") if isinstance(log, dict) else wrapper.get("file")
    parts = (
        _text(wrapper, "stream"),
        _text(kubernetes, "namespace_name") or _text(kubernetes, "pod_namespace"),
        _text(kubernetes, "pod_name"),
        container,
        _text(wrapper, "container_id"),
        _text(wrapper, "host"),
        _text(file, "path") if isinstance(file, dict) else _text(wrapper, "file"),
    )
    return container.removeprefix(b"/"), b" ".join(parts)


def _text(fields: _Object, key: str) -> bytes:
    value = fields.get(key)
    return value[:256].encode("utf-8", "replace") if isinstance(value, str) else b""
