"""Envoy, and what is built on it (Istio, Consul Connect, Contour): application log, access logs as text and JSON.

Shapes: Envoy 1.12 to 1.40, ``source/common/tls/ssl_socket.cc``, docs "Access logging" and "Response flags"; Istio's
``accessLogFormat`` template. Reasons in access logs have ``_`` for every space.

Invisible unless configured: handshake failures are *debug* in the application log (component ``connection``), and an
access log names them only where ``%UPSTREAM_TRANSPORT_FAILURE_REASON%`` or, in a listener's access log,
``%DOWNSTREAM_TRANSPORT_FAILURE_REASON%`` is written.
"""

from typing import Final

from parsers.failure import Failure
from parsers.formats import envoy_access, envoy_application, envoy_json
from parsers.lexicon.said import Said
from parsers.record import Record

NAME: Final = "envoy"
SEVERAL_LINES: Final = False

JOIN_SECONDS: Final = envoy_application.JOIN_SECONDS
joins = envoy_application.joins
complete = envoy_application.complete


def claims(text: bytes) -> bool:
    """An application log head, an access log's ``[time] "`` or a JSON object with an Envoy operator's key or value."""
    return envoy_application.claims(text) or envoy_access.claims(text) or envoy_json.claims(text)


def read(record: Record, said: Said) -> Failure | None:
    """The failure one record tells of; None for successes, plain connect errors and lines of other programs."""
    text = record.text
    if text[:1] == b"{":
        failure = envoy_json.read(record, said)
    elif envoy_application.claims(text):
        failure = envoy_application.read(record, said)
    else:
        failure = envoy_access.read(record, said)
    if failure is not None:
        failure.raw = text
        failure.format = NAME
    return failure
