"""AWS Application Load Balancer, access log: requests, and so only handshakes that succeeded.

Shape: AWS, "Access logs for your Application Load Balancer" and "Health check logs". A client whose handshake fails
makes no request and no record. A target whose handshake fails is a 502 without a target status, just as one that
closes early; a health check's ``TimedOut`` or ``ConnectionReset`` may be TLS or not: neither proves anything, so they
stay silent. A 400 for ``- http://...`` is a malformed request, not a proof of plain HTTP on a TLS port.

One bucket often holds both of the load balancer's logs: connection records are read as `aws_alb_connection` reads them.
"""

import re
from typing import Final

from parsers.failure import Failure
from parsers.formats import aws_alb_connection, aws_fields
from parsers.lexicon.said import Said
from parsers.record import Record

NAME: Final = "aws_alb"
SEVERAL_LINES: Final = False

_HEAD: Final = re.compile(
    rb"(?:https?|h2|grpcs?|wss?|lambda) %b (?:app/\S{1,128} \S{2,60} |\d{1,6}(?:\.\d{1,12})? )" % aws_fields.ISO
)


def claims(text: bytes) -> bool:
    """``https time app/name/id client:port``, or a health check's ``https time seconds``."""
    return _HEAD.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    """None for requests and health checks; the failure of a connection record.

    Raises:
        MalformedRecordError: a connection record is cut off.
    """
    failure = aws_alb_connection.read(record, said) if aws_alb_connection.claims(record.text) else None
    if failure is not None:
        failure.format = NAME
    return failure
