"""Linkerd's proxy: handshakes as a server (``linkerd_app_core::serve``) and as a client (``linkerd_reconnect``).

Shape and texts: ``linkerd/linkerd2-proxy`` 2.8 to 2.3xx (edge-26.8), ``linkerd/tracing/src/uptime.rs``,
``linkerd/app/core/src/serve.rs``, ``linkerd/reconnect/src/lib.rs``, ``linkerd/tls/src/server.rs``; TLS speaks rustls.
Plain lines count seconds since the proxy's start, so their time is the envelope's; JSON has the time of day.
Invisible: connections that fail as a server: level debug now, while the default is ``warn,linkerd=info``.
"""

import re
from typing import Any, Final

from parsers import names, timestamps
from parsers.failure import Failure
from parsers.lexicon import Said, judge
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.resolve import TRIGGER_RANK
from parsers.record import Record
from parsers.screen import load as load_screen
from parsers.vocabulary import Direction

NAME: Final = "linkerd"
SEVERAL_LINES: Final = False

_PLAIN: Final = re.compile(
    rb"(?:\[ {0,12}\d{1,12}\.\d{1,9}s\]|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,16}) {1,3}(?:TRACE|DEBUG|INFO|WARN|ERROR) "
    rb"(?:ThreadId\(\d{1,4}\) )?(?P<rest>[^\n]{0,16000})"
)
_JSON: Final = re.compile(rb'\{"timestamp":"[^"]{1,40}","level":"[A-Z]{4,5}","fields":\{')
_TARGET: Final = re.compile(
    rb"(?:^|[:}] )(?P<target>(?:linkerd|rustls)\w{0,40}(?:::\w{1,40}){0,6}): (?P<message>.{0,12000})"
)
_ERROR: Final = re.compile(rb"\b(?:error|reason)=(?P<error>.{1,8000})")
_AFTER_ERROR: Final = re.compile(rb" (?:error\.sources|client\.addr|server\.addr)=")
_ENDPOINT: Final = re.compile(
    rb"(?:endpoint |endpoint\{[^}\n]{0,200}?addr=)(?P<address>[^\s:}]{1,253}(?::\d{1,5})?|\[[0-9a-f:.]{2,45}\]:\d{1,5})"
)
_CONTROLLER: Final = re.compile(rb"controller\{[^}\n]{0,200}?addr=(?P<address>[^\s}]{1,260})")
_CLIENT: Final = re.compile(rb"client\.addr=(?P<address>[^\s}]{1,60})")
_SERVES: Final = re.compile(
    rb"^linkerd_app_core::serve|^linkerd_tls::server|^linkerd_app_admin|^linkerd_app_inbound::direct"
)
_CALLS: Final = re.compile(rb"endpoint\{|controller\{|^linkerd_reconnect|outbound")
_NOT_OURS: Final = re.compile(rb"^(?:Request failed|Peer does not support TLS|Certified identity|Local identity is)")
"""An answer to a request; a peer that speaks no TLS is called without; and what goes well."""


def claims(text: bytes) -> bool:
    """tracing's head with a target of Linkerd's in the line."""
    if _JSON.match(text) is not None:
        return b'"target":"linkerd' in text[:16_000] or b'"threadId":"ThreadId(' in text[:16_000]
    return _PLAIN.match(text) is not None and (b"linkerd_" in text[:4096] or b" ThreadId(" in text[:60])


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one record tells of; None for requests, refused TCP connections, and proxies without TLS."""
    line = _line(record)
    if line is None:
        return None
    spans, target, message, error = line
    if _NOT_OURS.match(message):
        return None
    meaning = load_lexicon().said(tuple(number for _, number in load_screen().hits(error)), error)
    if not meaning.is_failure or meaning.rank == TRIGGER_RANK:
        return None
    is_server = _SERVES.search(target) is not None or not (_CALLS.search(target) or _CALLS.search(spans))
    direction: Direction = "downstream" if is_server else "upstream"
    reason, rejected_by = judge(meaning, direction)
    host, peer = _far_end(spans, message + b" " + error, is_server)
    time, resolution = timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=host,
        peer=peer,
        alert=meaning.alert,
        code=meaning.code,
        message=error.strip()[:2000],
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


def _line(record: Record) -> tuple[bytes, bytes, bytes, bytes] | None:
    """Spans, target, message and error of either form; the error is the message where there is no field for it."""
    document = record.json()
    if document is not None:
        fields = document.get("fields")
        if not isinstance(fields, dict):
            return None
        target, message = _bytes(document.get("target")), _bytes(fields.get("message"))
        error = _bytes(fields.get("error")) or _bytes(fields.get("reason")) or message
        client = _bytes(fields.get("client.addr"))
        own = b" client.addr=" + client if client else b""
        return _spans(document.get("spans")) + own, target, message, error
    plain = _PLAIN.match(record.text)
    found = _TARGET.search(plain["rest"]) if plain else None
    if plain is None or found is None:
        return None
    message = found["message"]
    told = _ERROR.search(message)
    caller = _CLIENT.search(message)
    spans = plain["rest"][: found.start()] + (b" " + caller[0] if caller else b"")
    return spans, found["target"], message, _AFTER_ERROR.split(told["error"], 1)[0] if told else message


def _spans(spans: Any) -> bytes:
    """JSON's spans as the plain form writes them: ``accept{client.addr=192.0.2.9:40000}:``."""
    if not isinstance(spans, list):
        return b""
    written = b""
    for span in spans[:20]:
        if isinstance(span, dict):
            fields = [
                f"{key}={value}" for key, value in list(span.items())[:20] if key != "name" and isinstance(value, str)
            ]
            written += f"{span.get('name', '')}{{{' '.join(fields)}}}:".encode("utf-8", "replace")
    return written


def _far_end(spans: bytes, message: bytes, is_server: bool) -> tuple[str | None, str | None]:
    """(host, peer) of who called, or of what was called; a controller is called by its name."""
    if is_server:
        clients = _CLIENT.findall(spans) or _CLIENT.findall(message)
        return None, names.peer(clients[-1]) if clients else None
    controller = _CONTROLLER.search(spans)
    endpoint = _ENDPOINT.search(message) or _ENDPOINT.search(spans)
    host = names.host(controller["address"]) if controller else None
    return host, names.peer(endpoint["address"]) if endpoint else None


def _bytes(value: Any) -> bytes:
    return value.encode("utf-8", "replace").replace(b"\n", b" ")[:12_000] if isinstance(value, str) else b""
