"""nginx access lines that prove a refused client: status 495, 496, 497, or ``$ssl_client_verify`` FAILED.

A handshake that fails writes no access line, and what nginx finds out after it becomes a bare 400 (unless
``error_page`` says otherwise), which proves nothing. The layout is the user's own, so values are looked for, not
places: but never inside what a client wrote (request, referrer, user agent).
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from parsers import names, timestamps
from parsers.failure import Failure
from parsers.lexicon import Said
from parsers.record import Record
from parsers.vocabulary import RejectedBy

_LINE: Final = re.compile(
    rb"""
    (?P<peer>\S{1,64})\ [^"\[\n]{0,300}\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\ [+-]\d{4})\]
    (?:\ [^"\n]{0,300}?)?\ "[^"\n]*"\ (?P<status>\d{3})(?P<rest>[^\n]*)
    """,
    re.VERBOSE,
)
_WRITTEN_BY_THE_CLIENT: Final = re.compile(rb'\ \S{1,20}\ "[^"\n]*"\ "[^"\n]*"')
"""What follows the status in the combined layout: size, referrer, user agent."""
_FAILED: Final = re.compile(rb'(?:(?<=[ "=|\t,;])|^)(?P<text>FAILED:[^"\n|;]{1,120})')
_QUOTED: Final = re.compile(rb'"[^"\n]*"')
_STATUS: Final = re.compile(rb"(?:^|[\s,|;])status[=:]\s?(?P<status>49[567])\b")
_VERIFIED: Final = re.compile(rb'verify[=:]\s?"?(?P<text>FAILED(?::[^"\n|;]{1,120})?)')

_MEANINGS: Final[dict[bytes, tuple[str, RejectedBy]]] = {
    b"495": ("rejected", "local"),
    b"496": ("missing", "local"),
    b"497": ("not_tls", "local"),
}
"""nginx's own statuses, ``src/http/ngx_http_request.h``: NGX_HTTPS_CERT_ERROR, _NO_CERT, NGX_HTTP_TO_HTTPS."""


def claims(text: bytes) -> bool:
    """The common log layout; JSON has keys of the user's choice and is claimed by none."""
    return _LINE.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    """The failed certificate check that an access line proves, else None."""
    document = record.json()
    if document is not None:
        return _from_json(record, document)
    return _from_text(record)


def _from_text(record: Record) -> Failure | None:
    text = record.text
    line = _LINE.match(text)
    if line is None:
        return _from_pairs(record)
    rest = line["rest"]
    written = _WRITTEN_BY_THE_CLIENT.match(rest)
    proof = _FAILED.search(rest, written.end() if written else 0)
    if proof is None and line["status"] not in _MEANINGS:
        return None
    reason, rejected_by = _MEANINGS[b"495"] if proof else _MEANINGS[line["status"]]
    return Failure(
        time=_clf(line["time"], record),
        direction="downstream",
        reason=reason,
        rejected_by=rejected_by,
        peer=names.peer(line["peer"]),
        message=proof["text"].rstrip() if proof else line["status"],
        raw=text,
        format="nginx",
        channel="access",
    )


def _from_pairs(record: Record) -> Failure | None:
    """``key=value`` layouts: a failed ``...verify``, or ``status=496``, outside of quoted values."""
    text = record.text
    unquoted = _QUOTED.sub(b'""', text)
    status = _STATUS.search(unquoted)
    proof = _VERIFIED.search(text) if b"verify" in unquoted else None
    if proof is not None and b"verify" not in unquoted[: proof.start() + 64]:
        proof = None
    if proof is None and status is None:
        return None
    reason, rejected_by = _MEANINGS[b"495"] if proof or status is None else _MEANINGS[status["status"]]
    found = timestamps.leading(text, record.settings)
    return Failure(
        time=found[0] if found else record.time,
        direction="downstream",
        reason=reason,
        rejected_by=rejected_by,
        message=proof["text"] if proof else status["status"] if status else b"",
        raw=text,
        format="nginx",
        channel="access",
    )


def _from_json(record: Record, document: dict[str, Any]) -> Failure | None:
    fields = dict(_fields(document))
    message = reason = None
    rejected_by: RejectedBy = "local"
    for key, value in fields.items():
        if value.startswith("FAILED") and (value[6:7] == ":" or "verify" in key) and not _is_the_clients(key):
            message, (reason, rejected_by) = value.encode(), _MEANINGS[b"495"]
            break
    else:
        for key, value in fields.items():
            if "status" in key and "upstream" not in key and value.encode() in _MEANINGS:
                message = value.encode()
                reason, rejected_by = _MEANINGS[message]
    if reason is None or message is None:
        return None
    time, resolution = _time(fields, record)
    return Failure(
        time=time,
        direction="downstream",
        reason=reason,
        rejected_by=rejected_by,
        host=_host(fields),
        peer=_peer(fields),
        protocol=_value(fields, "ssl_protocol", "tls_protocol", "tls_version"),
        cipher=_value(fields, "ssl_cipher", "tls_cipher"),
        message=message.split(b"\n", 1)[0][:300],
        raw=record.text,
        format="nginx",
        resolution=resolution,
        channel="access",
    )


_CLIENTS: Final = (
    "agent",
    "refer",
    "request",
    "uri",
    "url",
    "args",
    "query",
    "cookie",
    "header",
    "path",
    "body",
    "user",
)


def _is_the_clients(key: str) -> bool:
    return any(word in key for word in _CLIENTS)


def _fields(document: dict[str, Any], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every scalar of the document and of the objects in it, keys in lower case."""
    for key, value in document.items():
        if isinstance(value, dict):
            if depth < 3:
                yield from _fields(value, depth + 1)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield key.lower(), str(value)


def _value(fields: dict[str, str], *keys: str) -> str | None:
    for key in keys:
        value = fields.get(key, "")
        if value not in ("", "-"):
            return value[:64]
    return None


def _host(fields: dict[str, str]) -> str | None:
    """SNI first, then the requested host, then the configured name, under whichever key the user chose."""
    for wanted in (("sni", "ssl_server_name"), ("host", "authority"), ("server_name", "vhost", "domain")):
        for key, value in fields.items():
            if (
                any(word in key for word in wanted)
                and "upstream" not in key
                and (host := names.host(value)) is not None
            ):
                return host
    return None


def _peer(fields: dict[str, str]) -> str | None:
    """``remote_addr`` and ``remote_port``, else the first address under a key that speaks of the client."""
    near = [
        (key, value)
        for key, value in fields.items()
        if any(word in key for word in ("remote", "client", "src", "peer"))
    ]
    port = next((value for key, value in near if "port" in key), None)
    for key, value in near:
        if "port" not in key and (peer := names.peer(value, port)) is not None:
            return peer
    return None


def _time(fields: dict[str, str], record: Record) -> tuple[float | None, float]:
    found = timestamps.leading(record.text, record.settings)
    if found is not None:
        return found
    for key, value in fields.items():
        if "time" in key and (time := _clf(value.encode(), record)) is not None:
            return time, 1.0
    return record.time, 1.0


def _clf(written: bytes, record: Record) -> float | None:
    try:
        return timestamps.clf(written, record.settings.zone)
    except ValueError:
        return record.time
