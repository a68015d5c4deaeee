"""AWS Application Load Balancer, connection log: one record for each TLS connection of an HTTPS listener.

Shape and codes: AWS, "Connection logs for your Application Load Balancer" (field positions, error reason codes).
It tells which client, never which server name was asked for, and of failures without a client certificate only
*that* they failed (``UnmappedConnectionError``).
"""

import re
from typing import Final

from parsers import names
from parsers.failure import Failure
from parsers.formats import aws_fields
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Record
from parsers.vocabulary import RejectedBy

NAME: Final = "aws_alb_connection"
SEVERAL_LINES: Final = False

_ORDER: Final = (
    *("timestamp", "client_ip", "client_port", "listener_port", "tls_protocol", "tls_cipher", "tls_handshake_latency"),
    *("leaf_client_cert_subject", "leaf_client_cert_validity", "leaf_client_cert_serial_number", "tls_verify_status"),
    *("conn_trace_id", "tls_keyexchange", "elb", "ip_address"),
)
_HEAD: Final = re.compile(rb"%b [0-9a-fA-F.:]{2,45} \d{1,5} \d{1,5} (?:TLSv[\d.]{1,4}|-) " % aws_fields.ISO)
_FAILED: Final = b"Failed:"

Told = tuple[str, RejectedBy]

_CODES: Final[dict[bytes, Told]] = {
    b"UnmappedConnectionError": ("generic_failure", "unknown"),
    b"ClientCertMissing": ("missing", "local"),
    b"TcpTimeout": ("timeout", "local"),
    b"TcpError": ("reset", "peer"),
    b"ConnectionFunctionError": ("internal_error", "local"),
    b"ConnectionFunctionDenied": ("other", "local"),
    b"Internal": ("internal_error", "local"),
}
"""Those after ``Failed:`` that are not about a certificate; the last six are CloudFront's alone."""


def claims(text: bytes) -> bool:
    """``time ip port port TLSv1.2``, or JSON with a ``tls_verify_status``."""
    return _HEAD.match(text) is not None or (text[:1] == b"{" and b'"tls_verify_status"' in text[:4096])


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one connection record tells of; None for successes and plain listeners.

    Raises:
        MalformedRecordError: it is cut off before its status.
    """
    if not claims(record.text):
        return None
    is_json = record.json() is not None
    fields = aws_fields.named(record, _ORDER)
    status = fields.get("tls_verify_status")
    if status is None:
        if not is_json and len(aws_fields.columns(record.text)) <= _ORDER.index("tls_verify_status"):
            raise MalformedRecordError("aws_alb_connection: cut off before tls_verify_status")
        return None
    if not status.startswith(_FAILED):
        return None
    time, resolution = aws_fields.time_of(fields.get("timestamp"))
    reason, rejected_by = reason_of(status)
    return Failure(
        time=time,
        direction="downstream",
        reason=reason,
        rejected_by=rejected_by,
        host=_host(record, fields),
        peer=names.peer(fields.get("client_ip", b""), fields.get("client_port")),
        protocol=_word(fields.get("tls_protocol")),
        cipher=_word(fields.get("tls_cipher")),
        message=status[:200],
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


def reason_of(status: bytes) -> Told:
    """Reason and who gave up for ``Failed:ClientCertExpired``: what is not about a certificate tells no more than that.

    >>> reason_of(b"Failed:ClientCertExpired"), reason_of(b"Failed:UnmappedConnectionError")
    (('rejected', 'local'), ('generic_failure', 'unknown'))
    """
    code = status.removeprefix(_FAILED)
    known = _CODES.get(code)
    if known is not None:
        return known
    return ("rejected", "local") if code.startswith(b"ClientCert") else ("generic_failure", "unknown")


def _host(record: Record, fields: dict[str, bytes]) -> str | None:
    port = fields.get("listener_port", b"")
    return aws_fields.host_of_listener(record.settings, fields.get("elb"), b"0.0.0.0:" + port, port)


def _word(field: bytes | None) -> str | None:
    return field[:64].decode("ascii", "replace") if field else None
