"""AWS Network Load Balancer, access log of its TLS listeners.

Shape: AWS, "Access logs for your Network Load Balancer" (``tls`` records of version 2.0). A handshake that was not
completed has ``-`` for its duration; ``incoming_tls_alert`` is the alert *received* from the client, and there may be
one after a completed handshake too. Times have no zone and are UTC.
Invisible: why the load balancer itself refused (no alert it sent is logged), and handshakes with targets.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from parsers import lexicon, names
from parsers.failure import Failure
from parsers.formats import aws_fields
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Record
from parsers.vocabulary import RejectedBy

NAME: Final = "aws_nlb"
SEVERAL_LINES: Final = False

_ORDER: Final = (
    *("type", "version", "time", "elb", "listener", "client:port", "destination:port", "connection_time"),
    *("tls_handshake_time", "received_bytes", "sent_bytes", "incoming_tls_alert", "chosen_cert_arn"),
    *("chosen_cert_serial", "tls_cipher", "tls_protocol_version", "tls_keyexchange", "domain_name"),
    *("alpn_fe_protocol", "alpn_be_protocol", "alpn_client_preference_list", "tls_connection_creation_time"),
)
_JSON_ORDER: Final = (*_ORDER, "client_port", "client_ip")
_LEAST: Final = _ORDER.index("domain_name") + 1
"""Fields without which a record is cut off."""
_HEAD: Final = re.compile(rb"tls \d\.\d %b " % aws_fields.ISO)
_ALERT: Final = re.compile(rb"\d{1,3}\Z")


def claims(text: bytes) -> bool:
    """``tls 2.0 time``, or JSON with a ``tls_handshake_time`` and a ``chosen_cert_arn`` or alert."""
    if text[:1] != b"{":
        return _HEAD.match(text) is not None
    head = text[:4096]
    return b'"tls_handshake_time"' in head and (b'"incoming_tls_alert"' in head or b'"chosen_cert_arn"' in head)


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one TLS record tells of; None if the handshake was completed.

    Raises:
        MalformedRecordError: it is cut off before the server name.
    """
    document = record.json()
    is_json = document is not None
    if (_HEAD.match(record.text) is None) if document is None else (document.get("tls_handshake_time") != "-"):
        return None
    if not is_json and record.text[: aws_fields.MOST_BYTES].count(b" ") < _LEAST - 1:
        raise MalformedRecordError("aws_nlb: cut off")
    fields = aws_fields.named(record, _JSON_ORDER if is_json else _ORDER)
    if "tls_handshake_time" in fields:
        return None
    reason, rejected_by, alert = _told((fields.get("incoming_tls_alert") or b"")[:8])
    # the last field is when the connection began; the first, when it ended
    time, resolution = aws_fields.time_of(fields.get("time"))
    asked = fields.get("domain_name")
    # both fields are "-" where no valid client hello came: then nobody knows about SNI
    had_hello = asked is not None or "chosen_cert_arn" in fields
    host = names.host(unquote_to_bytes(asked[:1024])) if asked else None
    return Failure(
        time=time,
        direction="downstream",
        reason=reason,
        rejected_by=rejected_by,
        host=host or aws_fields.host_of_listener(record.settings, fields.get("listener"), fields.get("elb")),
        peer=_client(fields),
        sni_sent=asked is not None if had_hello else None,
        alert=alert,
        message=b"TLS handshake not completed" + (b", incoming_tls_alert %d" % alert if alert is not None else b""),
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


@lru_cache(maxsize=256)
def _told(written: bytes) -> tuple[str, RejectedBy, int | None]:
    """What the client's alert says; without one nobody knows who gave up."""
    if not _ALERT.match(written) or (number := int(written)) > 255:
        return "generic_failure", "unknown", None
    known = lexicon.load().alert(number)
    return (known.reason if known else "generic_failure"), "peer", number


def _client(fields: dict[str, bytes]) -> str | None:
    joined = fields.get("client:port") or fields.get("client_port", b"")
    return names.peer(joined) or names.peer(fields.get("client_ip", b""), joined)
