"""Log records of OTLP/JSON, as an OpenTelemetry collector's file exporter and OTLP over HTTP write them.

Shape: opentelemetry-proto ``opentelemetry/proto/logs/v1/logs.proto`` and ``common.proto``, JSON mapping (64-bit numbers
are texts, bytes are base64). Collectors before 0.60 wrote ``instrumentationLibraryLogs``. A stack trace stands in the
attributes, by the semantic conventions for exceptions.
"""

import binascii
from typing import Any, Final

import orjson

from parsers import timestamps
from parsers.envelopes.item import Item

_DEEPEST: Final = 8
"""Values within values that are read; what is deeper is left out."""
_PROGRAMS: Final = ("k8s.container.name", "container.name", "service.name")
_ORIGINS: Final = ("k8s.pod.name", "host.name", "service.instance.id", "log.file.path", "log.iostream")


def items(resources: list[Any], most: int) -> list[Item]:
    """The records of all resources and scopes, at most ``most`` of them."""
    found: list[Item] = []
    for resource in resources:
        if not isinstance(resource, dict):
            continue
        about = _attributes(_inner(resource, "resource").get("attributes"))
        scopes = resource.get("scopeLogs", resource.get("instrumentationLibraryLogs"))
        for scope in scopes if isinstance(scopes, list) else ():
            records = scope.get("logRecords") if isinstance(scope, dict) else None
            for record in records if isinstance(records, list) else ():
                if isinstance(record, dict):
                    found.append(_item(record, about))
                    if len(found) >= most:
                        return found
    return found


def _item(record: dict[str, Any], about: dict[str, Any]) -> Item:
    own = _attributes(record.get("attributes"))
    time, resolution = _time(record.get("timeUnixNano"))
    if time is None:
        time, resolution = _time(record.get("observedTimeUnixNano"))
    text = _text(_value(record.get("body"), 0))
    if not text.startswith(b"{"):
        trace = own.get("exception.stacktrace") or own.get("exception.message")
        if isinstance(trace, str) and trace:
            text += b"\n" + trace.encode("utf-8", "replace")
    program = next((name for key in _PROGRAMS if isinstance(name := about.get(key), str)), "")
    origin = [value for key in _ORIGINS if isinstance(value := own.get(key, about.get(key)), str)]
    return Item(text.rstrip(b"\r\n"), time, resolution, _short(program), _short(" ".join([program, *origin])))


def _time(value: object) -> tuple[float | None, float]:
    written = str(value)[:32]
    if not isinstance(value, str | int) or not written.isascii() or not written.isdigit() or int(written) == 0:
        return None, 1.0
    try:
        return timestamps.epoch(written.encode())
    except ValueError:
        return None, 1.0


def _attributes(pairs: object) -> dict[str, Any]:
    """``[{"key": K, "value": {...}}]`` as a dict."""
    if not isinstance(pairs, list):
        return {}
    return {
        pair["key"]: _value(pair.get("value"), 0)
        for pair in pairs[:256]
        if isinstance(pair, dict) and isinstance(pair.get("key"), str)
    }


def _value(value: object, depth: int) -> Any:
    """An ``AnyValue`` as plain JSON."""
    if not isinstance(value, dict) or depth > _DEEPEST:
        return value if isinstance(value, str) else None
    for key in ("stringValue", "intValue", "doubleValue", "boolValue"):
        if key in value:
            return value[key]
    if isinstance(packed := value.get("bytesValue"), str):
        try:
            return binascii.a2b_base64(packed).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return None
    if "kvlistValue" in value:
        pairs = _inner(value, "kvlistValue").get("values")
        return {
            pair["key"]: _value(pair.get("value"), depth + 1)
            for pair in (pairs if isinstance(pairs, list) else [])
            if isinstance(pair, dict) and isinstance(pair.get("key"), str)
        }
    if "arrayValue" in value:
        values = _inner(value, "arrayValue").get("values")
        return [_value(each, depth + 1) for each in (values if isinstance(values, list) else [])]
    return None


def _text(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if value is None:
        return b""
    try:
        return orjson.dumps(value)
    except (orjson.JSONEncodeError, TypeError):
        return b""


def _inner(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _short(text: str) -> bytes:
    return text[:512].encode("utf-8", "replace")
