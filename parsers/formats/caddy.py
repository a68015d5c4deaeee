"""Caddy 2: handshakes with its clients, and with the servers that it proxies to.

Shape: zap's JSON (``{"level":"debug","ts":1795224650.2,"logger":"http.stdlib","msg":...}``) or its console form with
tabs between the fields. Texts: Go ``net/http``, ``caddyserver/certmagic`` ``handshake.go``, ``caddyserver/caddy``
``modules/caddyhttp`` (``http.log.error``, ``reverse_proxy``).
Invisible: clients' handshakes, which are logged at level debug. The upstream's address stands on a debug line of its
own (``upstream roundtrip``), right before the error's line: the two are one failure.
"""

import re
from typing import Any, Final

import msgspec
import orjson

from parsers import names, timestamps
from parsers.failure import Change, Failure
from parsers.formats import gonet_line
from parsers.formats.go_client import dialed, failed_call
from parsers.lexicon import Said
from parsers.memo import remembered
from parsers.record import Record

NAME: Final = "caddy"
SEVERAL_LINES: Final = False

JOIN_SECONDS: Final = 1.0

_COLOUR: Final = re.compile(rb"\x1b\[\d{0,3}m")
_JSON: Final = re.compile(
    rb'\{"level":"[a-z]{4,6}","ts":"?[^,"]{1,40}"?,"logger":"(?:http|tls|events|layer4|pki)[\w."]'
)
_CONSOLE: Final = re.compile(
    rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?\t(?:\x1b\[\d{0,3}m)?[A-Z]{4,6}(?:\x1b\[0?m)?\t"
    rb"(?P<logger>(?:http|tls|events|layer4|pki)[\w.]{0,100})\t(?P<rest>[^\n]{0,60000})"
)
_REQUEST: Final = re.compile(
    rb'"remote_port": ?"(?P<port>\d{1,5})"[^\n]{0,400}?"uri": ?"(?P<uri>(?:[^"\\]|\\.){0,2000})"'
)
_ROUNDTRIP: Final = b"upstream roundtrip"
_OF_CERTIFICATES: Final = ("certificate obtained successfully", "certificate renewed successfully")
_LOOK_UPS: Final = ("tls.handshake", "tls.cache", "events", "http.log.access")


def claims(text: bytes) -> bool:
    """One of its loggers at the place where it stands."""
    return _JSON.match(text) is not None or _CONSOLE.match(text) is not None


def joins(lines: list[bytes], line: bytes) -> bool:
    """Whether ``line`` is the error that follows on an ``upstream roundtrip`` of the same request."""
    if _ROUNDTRIP not in lines[-1][:600] or _ROUNDTRIP in line[:600]:
        return False
    request = _request(line)
    return request is not None and request == _request(lines[-1])


def complete(lines: list[bytes]) -> bool:
    """Everything is, but a failed roundtrip whose error is still to come."""
    return _ROUNDTRIP not in lines[-1][:600]


def read(record: Record, said: Said) -> Failure | Change | None:
    """The failure that one record tells of, or the certificate that has come; None for look-ups and requests."""
    entries = [_entry(line) for line in record.text.split(b"\n")[:4]]
    entry = entries[-1]
    if entry is None or any(entry.logger.startswith(logger) for logger in _LOOK_UPS):
        return None
    if gonet_line.find(entry.message) is not None:
        failure = gonet_line.read(record, said, entry.message)
        if failure is not None:
            failure.format = NAME
        return failure
    time, resolution = timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    message = entry.message.decode("utf-8", "replace")
    if message in _OF_CERTIFICATES:
        names_of = entry.text("identifier")
        return Change(time, "certificate", f"Caddy: {message}: {names_of}"[:300], names.host(names_of))
    error = entry.text("error").encode() or entry.message
    called = failed_call(error)
    if called is None:
        return None
    upstream = next((found for one in entries if one and (found := one.text("upstream"))), "")
    dialed_host, dialed_peer = dialed(upstream or entry.text("host"))
    return Failure(
        time=time,
        direction="upstream",
        reason=called.reason,
        rejected_by=called.rejected_by,
        host=called.host or names.host(entry.request("host")) or dialed_host,
        peer=called.peer or dialed_peer,
        alert=called.said.alert,
        code=called.said.code,
        message=error.replace(b"\n", b" ")[:2000],
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


class _Entry(msgspec.Struct):
    logger: str
    message: bytes
    fields: dict[str, Any]

    def text(self, key: str) -> str:
        """A field that is a string; empty if there is none."""
        value = self.fields.get(key)
        return value if isinstance(value, str) else ""

    def request(self, key: str) -> str:
        """A field of the request."""
        request = self.fields.get("request")
        value = request.get(key) if isinstance(request, dict) else None
        return value if isinstance(value, str) else ""


def _entry(line: bytes) -> _Entry | None:
    """A line's fields; None if it is no line of Caddy's."""
    if line[:1] == b"{":
        fields = _object(line)
        logger, message = fields.get("logger"), fields.get("msg")
        if not isinstance(message, str):
            return None
        return _Entry(logger if isinstance(logger, str) else "", message.encode("utf-8", "replace"), fields)
    console = _CONSOLE.match(line)
    if console is None:
        return None
    message_text, _, rest = _COLOUR.sub(b"", console["rest"]).partition(b"\t{")
    return _Entry(console["logger"].decode(), message_text, _object(b"{" + rest) if rest else {})


def _object(text: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


@remembered(256)
def _request(line: bytes) -> tuple[bytes, bytes] | None:
    """Port and URI of the request that a line is about."""
    found = _REQUEST.search(line, 0, 16_384)
    return (found["port"], found["uri"]) if found else None
