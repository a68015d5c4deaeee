"""Google Cloud's Application Load Balancers: request logs of Cloud Logging, one JSON entry a line.

Shape and values: Google Cloud, "Global external Application Load Balancer logging and monitoring" (``statusDetails``;
"Logged errors for closed connections"); regional and internal ones write ``proxyStatus`` (RFC 9209) in its place, whose
``tls_*`` errors are about the next hop, the backend.
Only backends with logging enabled are logged, and of their requests only the share that ``sampleRate`` says.
``failed_to_connect_to_backend`` may be TCP or TLS: it stays silent.
Invisible: handshakes that fail with clients for any other reason than their certificates.
"""

import re
from typing import Any, Final

from parsers import lexicon, names
from parsers.failure import Failure
from parsers.formats import cloud_json
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import Direction, RejectedBy

NAME: Final = "gcp_lb"
SEVERAL_LINES: Final = False

_KEYS: Final = (
    *(b'loadbalancing.type.LoadBalancerLogEntry"', b'"http_load_balancer"'),
    *(b'"http_external_regional_lb_rule"', b'"internal_http_lb_rule"'),
)
_CLIENT, _SERVER, _SSL = "client_cert_", "server_cert_", "ssl_certificate_"

_Told = tuple[Direction, str, RejectedBy]

_OF_SERVERS: Final[dict[str, str]] = {
    "chain_invalid_eku": "wrong_purpose",
    "invalid_rsa_key_size": "unsupported_certificate",
    "unsupported_elliptic_curve_key": "unsupported_certificate",
    "unsupported_key_algorithm": "unsupported_certificate",
    "chain_exceeded_limit": "bad_certificate",
    "chain_max_name_constraints_exceeded": "bad_certificate",
    "exceeded_size_limit": "bad_certificate",
    "pki_too_large": "bad_certificate",
    "trust_config_not_found": "unknown_issuer",
    "validation_failed": "unknown_issuer",
}
"""What follows ``server_cert_``; anything else is a certificate that could not be verified."""
_OTHERS: Final[dict[str, _Told]] = {
    "ssl_certificate_san_verification_failed": ("upstream", "hostname_mismatch", "local"),
    "ssl_certificate_chain_verification_failed": ("upstream", "unknown_issuer", "local"),
    "failed_to_negotiate_alpn": ("upstream", "alpn_mismatch", "unknown"),
}
_PROXY_ERRORS: Final[dict[str, _Told]] = {
    "tls_certificate_error": ("upstream", "certificate_unknown", "local"),
    "tls_protocol_error": ("upstream", "generic_failure", "unknown"),
    "tls_alert_received": ("upstream", "generic_failure", "peer"),
}
"""RFC 9209 sections 2.3.13 to 2.3.15."""
_PARAMETER: Final = re.compile(r'(error|details|alert-id)="?([A-Za-z0-9_.-]{1,100})')


def claims(text: bytes) -> bool:
    """JSON with a load balancer's type of entry or of resource."""
    if text[:1] != b"{":
        return False
    head = text[:16_384]
    return any(key in head for key in _KEYS)


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one log entry tells of; None for answers of backends and for failures that prove no TLS."""
    document = record.json()
    if document is None:
        return None
    payload = cloud_json.inner(document, "jsonPayload", "json_payload")
    request = cloud_json.inner(document, "httpRequest", "http_request")
    details = cloud_json.text(payload, "statusDetails", "statusdetails")
    told, alert = _told(details), None
    if told is None:
        details = cloud_json.text(payload, "proxyStatus", "proxystatus")
        told, alert = _of_proxy_status(details)
    if told is None:
        return None
    direction, reason, rejected_by = told
    time, resolution = cloud_json.time(document, "timestamp", "receiveTimestamp")
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=cloud_json.host_of_url(cloud_json.text(request, "requestUrl", "requesturl")),
        peer=_client(payload, request) if direction == "downstream" else _server(request),
        alert=alert,
        message=details[:400].encode("utf-8", "replace"),
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


def _told(details: str) -> _Told | None:
    """Leg, reason and who gave up for a value of ``statusDetails``."""
    known = _OTHERS.get(details)
    if known is not None:
        return known
    if details.startswith(_CLIENT):
        return "downstream", "missing" if details == "client_cert_not_provided" else "rejected", "local"
    if details.startswith(_SERVER):
        return "upstream", _OF_SERVERS.get(details.removeprefix(_SERVER), "certificate_unknown"), "local"
    if details.startswith(_SSL):
        return "upstream", "certificate_unknown", "local"
    return None


def _of_proxy_status(status: str) -> tuple[_Told | None, int | None]:
    """``error="tls_alert_received"; alert-id="40"; details="..."``: the details are the more specific ones."""
    parameters = {found[1]: found[2] for found in _PARAMETER.finditer(status)}
    told = _told(parameters.get("details", "")) or _PROXY_ERRORS.get(parameters.get("error", ""))
    number = parameters.get("alert-id", "")
    if told is None or not (number.isdecimal() and len(number) <= 3 and int(number) <= 255):
        return told, None
    known = lexicon.load().alert(int(number))
    if known is None:
        return told, int(number)
    meaning = Said(known.reason, "peer", 3, alert=int(number))
    return (told[0], *lexicon.judge(meaning, told[0])), int(number)


def _client(payload: dict[str, Any], request: dict[str, Any]) -> str | None:
    address = cloud_json.text(request, "remoteIp", "remoteip") or cloud_json.text(payload, "remoteIp", "remoteip")
    return names.peer(address)


def _server(request: dict[str, Any]) -> str | None:
    return names.peer(cloud_json.text(request, "serverIp", "serverip"))
