"""Amazon CloudFront: standard logs (tab-separated, or JSON), real-time logs, and the connection log of mutual TLS.

Shapes: AWS, "Standard logging reference", "Real-time access logs", "Observability using connection logs"; all in UTC.
``OriginConnectError`` means that CloudFront could not connect to the origin, by TCP or by TLS: with status 502 it is
counted as a failed handshake that names no reason; a timeout (504) is not TLS.
Invisible: handshakes that fail with viewers, but in the connection log, which only distributions with mutual TLS have.
"""

import re
from typing import Final

from parsers.failure import Failure
from parsers.formats import cloudfront_fields
from parsers.formats.aws_alb_connection import reason_of
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import Direction, RejectedBy

NAME: Final = "cloudfront"
SEVERAL_LINES: Final = False

_CONNECT: Final = b"OriginConnectError"
_CERTIFICATE: Final = b"InvalidRequestCertificate"
_RESULTS: Final = frozenset((_CONNECT, _CERTIFICATE))
_FAILED: Final = b"Failed:"
_HEAD: Final = re.compile(
    rb"""
      \d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t[A-Z]{3}\d{1,3}(?:-[A-Z]\d{1,3})?\t   # LAX1, SFO53-P7: the edge location
    | \d{10}\.\d{3}\t[0-9a-fA-F.:]{3,45}\t
    | \d{13}[\t\ ][\w=-]{40,80}[\t\ ](?:Success|Failed)
    """,
    re.VERBOSE,
)
_CONNECTION_KEYS: Final = (b'"tlsSni"', b'"distributionId"', b'"clientLeafCert')


def claims(text: bytes) -> bool:
    """A date, a time and an edge location; seconds and an address; a connection's milliseconds; CloudFront's JSON."""
    if text[:1] == b"{":
        head = text[:8192]
        if b'"x-edge-' in head:
            return True
        return b'"connectionStatus"' in head and any(key in head for key in _CONNECTION_KEYS)
    return _HEAD.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one record tells of; None for every other result."""
    document = record.json()
    fields = (
        cloudfront_fields.of_columns(record.text, _RESULTS) if document is None else cloudfront_fields.of_json(document)
    )
    if fields is None:
        return None
    told = _told(fields.result, fields.status)
    if told is None:
        return None
    direction, reason, rejected_by = told
    downstream = direction == "downstream"
    return Failure(
        time=fields.time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=fields.host,
        peer=fields.client if downstream else None,
        sni_sent=(fields.host is not None) if fields.result.startswith(_FAILED) else None,
        protocol=fields.protocol if downstream else None,
        cipher=fields.cipher if downstream else None,
        message=fields.result[:200],
        raw=record.text,
        format=NAME,
        resolution=fields.resolution,
    )


def _told(result: bytes, status: bytes) -> tuple[Direction, str, RejectedBy] | None:
    if result == _CONNECT:
        return ("upstream", "generic_failure", "unknown") if status == b"502" else None
    if result == _CERTIFICATE:
        return "downstream", "hostname_mismatch", "local"
    if result.startswith(_FAILED):
        return ("downstream", *reason_of(result))
    return None
