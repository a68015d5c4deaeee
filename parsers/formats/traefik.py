"""Traefik 1 to 3: handshakes with its clients, and with the servers that it proxies to or asks for leave.

Shape: logrus (1, 2) or zerolog (3), as text or JSON. Texts: Go ``net/http``, ``traefik/traefik``
``pkg/tls/tlsmanager.go``, ``pkg/proxy/httputil/proxy.go``, ``pkg/middlewares/auth/forward.go``,
``pkg/middlewares/snicheck``, ``pkg/healthcheck``.
Invisible: clients' handshakes, which are logged at level debug (the default is error); which server of a service
refused, unless the error names it. With ``sniStrict`` the name and the client stand on two lines: they are one failure.
"""

import re
from typing import Any, Final

from parsers import names, timestamps
from parsers.failure import Change, Failure
from parsers.formats import gonet_line
from parsers.formats.go_client import dialed, failed_call
from parsers.lexicon import Said
from parsers.record import Record

NAME: Final = "traefik"
SEVERAL_LINES: Final = False

JOIN_SECONDS: Final = 1.0

_HEAD: Final = re.compile(
    rb'time="[^"\n]{10,40}" level=[a-z]{4,7} |\{"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{1,12} (?:\x1b\[\d{0,3}m)?[A-Z]{3}\b'
)
_OWN: Final = re.compile(
    rb"TLS: strict SNI enabled|Serving default certificate for request: |TLS options difference: SNI:"
    rb"|traefik/traefik|(?:entryPointName|routerName|middlewareName|providerName|serviceName)\"?[=:]"
)
_STRICT: Final = b"TLS: strict SNI enabled - No certificate found for domain"
_STRICT_NAME: Final = re.compile(rb'found for domain: \\?"(?P<name>[^"\\\n]{0,253})')
_NO_CERTIFICATE: Final = re.compile(
    rb"http: TLS handshake error from [^\n]{2,80}: tls: (?:no certificates configured|unrecogn)"
)
_SERVES_DEFAULT: Final = re.compile(rb'Serving default certificate for request: \\?"(?P<name>[^"\\\n]{0,253})')
_OPTIONS_DIFFER: Final = b"TLS options difference: SNI:"
_CAUSED_BY: Final = re.compile(rb"'5\d\d [A-Z][A-Za-z ]{3,40}' caused by: (?P<error>[^\n]{1,8000})")
_ERROR_FIELD: Final = re.compile(rb'(?:^| )(?:error|err)=(?:"(?P<quoted>(?:[^"\\]|\\.){1,8000})"|(?P<bare>\S{1,400}))')
_NAMED: Final = re.compile(rb'req\.TLS\.ServerName"?[=:]"?(?P<name>[^\s",]{1,253})')
_TARGET: Final = re.compile(rb'(?:targetURL|url)"?[=:]"?(?P<url>https://[^\s",]{1,300})')
_COLOUR: Final = re.compile(rb"\x1b\[\d{0,3}m")


def claims(text: bytes) -> bool:
    """A Go logger's head and a word that only Traefik writes."""
    return _HEAD.match(text) is not None and _OWN.search(text, 0, 4096) is not None


def joins(lines: list[bytes], line: bytes) -> bool:
    """Whether ``line`` is the handshake that failed because of strict SNI: it follows at once, without the name."""
    return len(lines) == 1 and _STRICT in lines[0] and _NO_CERTIFICATE.search(line, 0, 4096) is not None


def complete(lines: list[bytes]) -> bool:
    """Everything is, but strict SNI's refusal, whose client is still to come."""
    return len(lines) > 1 or _STRICT not in lines[0]


def read(record: Record, said: Said) -> Failure | Change | None:
    """The failure that one record tells of, or the default certificate that was served; None for all else."""
    text = record.text
    time, resolution = timestamps.leading(text, record.settings) or (record.time, 1.0)
    if (served := _SERVES_DEFAULT.search(text, 0, 4096)) is not None:
        name = names.host(served["name"])
        return Change(time, "certificate", f"Traefik: default certificate served for {name or 'no name'}", name)
    if gonet_line.find(text) is not None:
        return _from_client(record, said)
    if _OPTIONS_DIFFER in text:
        named = _NAMED.search(text)
        host = names.host(named["name"]) if named else None
        failure = Failure(time, "downstream", "hostname_mismatch", "local", host, None, True if host else None)
        failure.message = text[text.find(_OPTIONS_DIFFER) :].partition(b'"')[0][:300]
    else:
        error = _error(record)
        called = failed_call(error) if error else None
        if called is None:
            return None
        target = _TARGET.search(text)
        dialed_host, dialed_peer = dialed(target["url"].decode("utf-8", "replace") if target else None)
        failure = Failure(time, "upstream", called.reason, called.rejected_by)
        failure.host, failure.peer = called.host or dialed_host, called.peer or dialed_peer
        failure.alert, failure.code = called.said.alert, called.said.code
        failure.message = error.replace(b"\n", b" ")[:2000]
    failure.raw, failure.format, failure.resolution = text, NAME, resolution
    return failure


def _from_client(record: Record, said: Said) -> Failure | None:
    """The handshake's own line, and strict SNI's before it, which knows the name."""
    strict, newline, handshake = record.text.partition(b"\n")
    own = Record(handshake, record.settings, record.time) if newline else record
    failure = gonet_line.read(own, said)
    if failure is None:
        return None
    if newline:
        name = _STRICT_NAME.search(strict)
        failure.host = names.host(name["name"]) if name else None
        failure.sni_sent = True if failure.host else None
        failure.reason = "unrecognized_name" if name and name["name"] else "sni_missing"
        failure.rejected_by = "local"
        failure.raw = record.text
    failure.format = NAME
    return failure


def _error(record: Record) -> bytes:
    """The error that a line is about: its field, or what version 2 wrote behind "caused by"."""
    document = record.json()
    if document is not None:
        found = _string(document, "error") or _string(document, "err")
        if found:
            return found
        text = _string(document, "msg") or _string(document, "message")
    else:
        text = _COLOUR.sub(b"", record.text).replace(b'\\"', b'"') if b"caused by: " in record.text else b""
        field = _ERROR_FIELD.search(_COLOUR.sub(b"", record.text), 0, 16_384)
        if field is not None:
            return (field["quoted"] or field["bare"] or b"").replace(b'\\"', b'"')
    caused = _CAUSED_BY.search(text)
    return caused["error"].rstrip(b'"') if caused else b""


def _string(document: dict[str, Any], key: str) -> bytes:
    value = document.get(key)
    return value.encode("utf-8", "replace") if isinstance(value, str) else b""
