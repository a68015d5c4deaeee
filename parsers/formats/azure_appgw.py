"""Azure: Application Gateway's access log, and Front Door's access and health probe logs, as JSON.

Shapes and codes: Microsoft Learn, "Monitoring data reference for Application Gateway" (error code tables), "Monitor
Azure Front Door" (``errorInfo``). Records come as diagnostics (``properties``), as ``records: [...]`` of an event hub
(its first failing one is read), or as rows of Log Analytics (``errorInfo_s``, ``ErrorInfo``).
Application Gateway's entries of 127.0.0.1 are its own and are passed over. ``SSLMismatchedSNI`` was a warning beside an
answered request before 22 January 2024; since then the request is refused (421), and only that counts.
Invisible: handshakes that fail with clients, and (Application Gateway) with backends: Backend health alone shows those.
"""

from typing import Any, Final

import orjson

from parsers import names
from parsers.failure import Failure
from parsers.formats import cloud_json
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import Direction, RejectedBy

NAME: Final = "azure_appgw"
SEVERAL_LINES: Final = False

_KEYS: Final = (
    *(b'"ApplicationGatewayAccess', b'"AGWAccessLogs"', b'"ERRORINFO_'),
    *(b'"FrontDoorAccessLog"', b'"FrontdoorAccessLog"', b'"FrontDoorHealthProbeLog"', b'"AzureCdnAccessLog"'),
)
_MOST_RECORDS: Final = 1000
_SUFFIXES: Final = ("_s", "_d", "_g", "_t", "_b")
"""Log Analytics appends the type to a column's name."""

_Told = tuple[Direction, str, RejectedBy]

_ERRORS: Final[dict[str, _Told]] = {
    "ERRORINFO_HTTP_TO_HTTPS_PORT": ("downstream", "not_tls", "local"),
    "ERRORINFO_HTTPS_NO_CERT": ("downstream", "missing", "local"),
    "SSLHandshakeError": ("upstream", "generic_failure", "unknown"),
    "CertificateError": ("upstream", "certificate_unknown", "local"),
    "CertificateNameCheckFailed": ("upstream", "hostname_mismatch", "local"),
    "SSLInvalidRootCA": ("upstream", "unknown_issuer", "local"),
    "SSLInvalidCipher": ("upstream", "no_shared_cipher", "unknown"),
    "SSLMismatchedSNI": ("downstream", "hostname_mismatch", "local"),
}
_REFUSED: Final = frozenset(("", "421"))
_OWN_PROCESS: Final = "127.0.0.1"


def claims(text: bytes) -> bool:
    """JSON of a category that is an Application Gateway's or a Front Door's."""
    if text[:1] != b"{":
        return False
    head = text[:16_384]
    return any(key in head for key in _KEYS)


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one record tells of; None for answered requests and for errors that prove no TLS."""
    document = record.json()
    if document is None:
        return None
    records = document.get("records")
    for entry in records[:_MOST_RECORDS] if isinstance(records, list) else (document,):
        if isinstance(entry, dict) and (failure := _of_entry(record, entry)) is not None:
            return failure
    return None


def _of_entry(record: Record, entry: dict[str, Any]) -> Failure | None:
    fields = _fields(entry)
    error, told = _told(fields)
    if told is None or cloud_json.text(fields, "clientip") == _OWN_PROCESS:
        return None
    direction, reason, rejected_by = told
    downstream = direction == "downstream"
    time, resolution = cloud_json.time(fields, "timestamp", "time", "timegenerated", "eventtime")
    asked = cloud_json.text(fields, "sni")
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=_asked_of_us(fields) if downstream else _asked_of_origin(fields),
        peer=_client(fields) if downstream else names.peer(cloud_json.text(fields, "originip", "serverrouted")),
        sni_sent=True if downstream and names.host(asked) else None,
        protocol=cloud_json.known(fields, "sslprotocol", "securityprotocol") if downstream else None,
        cipher=cloud_json.known(fields, "sslcipher", "securitycipher") if downstream else None,
        message=error[:400].encode("utf-8", "replace"),
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    """Everything by its name in lower case without ``_``: diagnostics and tables differ in nothing else."""
    properties = entry.get("properties")
    if isinstance(properties, str):
        try:
            properties = orjson.loads(properties)
        except orjson.JSONDecodeError:
            properties = None
    both = {**entry, **properties} if isinstance(properties, dict) else entry
    return {_plain(name): value for name, value in both.items()}


def _plain(name: str) -> str:
    if name[-2:] in _SUFFIXES:
        name = name[:-2]
    return name.replace("_", "").lower()


def _told(fields: dict[str, Any]) -> tuple[str, _Told | None]:
    """The error as written, and what it means."""
    verified = cloud_json.text(fields, "sslclientverify")
    if verified.startswith("FAILED"):
        return verified, ("downstream", "rejected", "local")
    for error in (cloud_json.text(fields, "errorinfo"), cloud_json.text(fields, "result")):
        told = _ERRORS.get(error)
        if told is not None:
            if error == "SSLMismatchedSNI" and cloud_json.text(fields, "httpstatuscode") not in _REFUSED:
                continue
            return error, told
    return "", None


def _asked_of_us(fields: dict[str, Any]) -> str | None:
    for name in ("sni", "originalhost", "hostname", "host"):
        if (host := names.host(cloud_json.text(fields, name))) is not None:
            return host
    return cloud_json.host_of_url(cloud_json.text(fields, "requesturi"))


def _asked_of_origin(fields: dict[str, Any]) -> str | None:
    return (
        cloud_json.host_of_url(cloud_json.text(fields, "originurl", "probeurl"))
        or names.host(cloud_json.text(fields, "originname", "backendhostname"))
        or names.host(cloud_json.text(fields, "hostname"))
    )


def _client(fields: dict[str, Any]) -> str | None:
    return names.peer(cloud_json.text(fields, "clientip"), cloud_json.text(fields, "clientport"))
