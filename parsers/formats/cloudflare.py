"""Cloudflare Logpush: ``http_requests`` and ``spectrum_events``, one JSON object a line, fields as the job chose them.

Shape: Cloudflare, "Log fields"; meanings of 525 and 526: "Cloudflare 5xx errors". Times are RFC 3339, or numbers of
seconds, milliseconds or nanoseconds, as the job's ``timestamp_format`` says.
526 cannot tell an expired from a self-signed or a mismatched origin certificate.
Invisible: handshakes that fail between clients and the edge, but for Spectrum's; they never become requests.
"""

from typing import Any, Final

from parsers import names
from parsers.failure import Failure
from parsers.formats import cloud_json
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import Direction, RejectedBy

NAME: Final = "cloudflare"
SEVERAL_LINES: Final = False

_KEYS: Final = (b'"EdgeResponseStatus"', b'"EdgeStartTimestamp"', b'"ClientTlsStatus"', b'"OriginTlsStatus"')

_Told = tuple[Direction, str, RejectedBy, str]
"""Leg, reason, who gave up, and the error in words."""

_STATUS: Final[dict[str, _Told]] = {
    "525": ("upstream", "generic_failure", "unknown", "525 SSL handshake failed"),
    "526": ("upstream", "bad_certificate", "local", "526 Invalid SSL certificate"),
    "495": ("downstream", "rejected", "local", "495 SSL certificate error"),
    "496": ("downstream", "missing", "local", "496 No required SSL certificate was sent"),
}
_NGINX: Final = frozenset(("495", "496"))
"""nginx's own numbers: an origin may have answered so, and then refused the edge's certificate."""
_CLIENT_CERTIFICATE: Final[dict[str, str]] = {
    "absent": "missing",
    "untrusted": "rejected",
    "notyetvalid": "rejected",
    "expired": "rejected",
}
"""``ClientMTLSAuthStatus`` of requests that were blocked."""
_ACTIONS: Final = ("SecurityAction", "SecurityActions", "FirewallMatchesActions", "WAFAction")
_SPECTRUM: Final[dict[str, tuple[str, RejectedBy]]] = {
    "HANDSHAKE_FAILED": ("generic_failure", "unknown"),
    "INVALID_SNI": ("unrecognized_name", "local"),
    "INVALID_CONFIG": ("internal_error", "local"),
    "INTERNAL_ERROR": ("internal_error", "local"),
    "KEYLESS_RPC": ("internal_error", "local"),
}
_SPECTRUM_EVENTS: Final = frozenset(("", "tlsError", "originError"))
"""Other events of the same connection (``disconnect``) repeat its states."""


def claims(text: bytes) -> bool:
    """JSON with one of Cloudflare's own keys."""
    if text[:1] != b"{":
        return False
    head = text[:16_384]
    return any(key in head for key in _KEYS)


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one request or one Spectrum event tells of; None for every other one."""
    document = record.json()
    if document is None:
        return None
    if "ClientTlsStatus" in document or "OriginTlsStatus" in document:
        return _of_spectrum(record, document)
    status = cloud_json.text(document, "EdgeResponseStatus")
    told = _STATUS.get(status) or _refused(document, status)
    if told is None:
        return None
    if status in _NGINX and cloud_json.text(document, "OriginResponseStatus") == status:
        told = ("upstream", told[1], "peer", told[3])
    downstream = told[0] == "downstream"
    failure = _failure(record, document, told)
    failure.host = names.host(cloud_json.text(document, "ClientRequestHost"))
    failure.peer = (
        names.peer(cloud_json.text(document, "ClientIP"), cloud_json.text(document, "ClientSrcPort"))
        if downstream
        else names.peer(cloud_json.text(document, "OriginIP"))
    )
    leg = "ClientSSL" if downstream else "OriginSSL"
    failure.protocol = cloud_json.known(document, leg + "Protocol")
    failure.cipher = cloud_json.known(document, leg + "Cipher")
    return failure


def _of_spectrum(record: Record, document: dict[str, Any]) -> Failure | None:
    if cloud_json.text(document, "Event") not in _SPECTRUM_EVENTS:
        return None
    direction: Direction = "downstream"
    state = _SPECTRUM.get(cloud_json.text(document, "ClientTlsStatus"))
    side = "Client"
    if state is None:
        direction, side = "upstream", "Origin"
        state = _SPECTRUM.get(cloud_json.text(document, "OriginTlsStatus"))
    if state is None:
        return None
    written = cloud_json.text(document, f"{side}TlsStatus")
    failure = _failure(record, document, (direction, *state, f"{side}TlsStatus {written}"))
    failure.peer = names.peer(cloud_json.text(document, f"{side}IP"), cloud_json.text(document, f"{side}Port"))
    failure.protocol = cloud_json.known(document, f"{side}TlsProtocol")
    failure.cipher = cloud_json.known(document, f"{side}TlsCipher")
    asked = cloud_json.text(document, "ClientTlsClientHelloServerName")
    failure.host = names.host(asked)
    if direction == "downstream" and "ClientTlsClientHelloServerName" in document:
        failure.sni_sent = asked != ""
    return failure


def _failure(record: Record, document: dict[str, Any], told: _Told) -> Failure:
    direction, reason, rejected_by, message = told
    time, resolution = cloud_json.time(
        document, "EdgeStartTimestamp", "Timestamp", "EdgeEndTimestamp", "ConnectTimestamp", "DisconnectTimestamp"
    )
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        message=message.encode(),
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


def _refused(document: dict[str, Any], status: str) -> _Told | None:
    """A 403 of Cloudflare's own to a client whose certificate is no good; the origin's own 403 is none."""
    found = cloud_json.text(document, "ClientMTLSAuthStatus")
    reason = _CLIENT_CERTIFICATE.get(found)
    if reason is None or status != "403" or not _is_blocked(document):
        return None
    return "downstream", reason, "local", f"403, client certificate {found}"


def _is_blocked(document: dict[str, Any]) -> bool:
    actions = [document.get(name) for name in _ACTIONS]
    if any(action is not None for action in actions):
        return any(action == "block" or (isinstance(action, list) and "block" in action) for action in actions)
    return cloud_json.text(document, "OriginResponseStatus") == "0"
