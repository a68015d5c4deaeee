"""What a format makes of a record: a failure, or a change that may precede one."""

from typing import Any

import msgspec

from parsers.vocabulary import FAMILY_OF, Direction, Family, RejectedBy


class Failure(msgspec.Struct, gc=False):
    """One handshake that did not complete, as one record tells it.

    Built once per failing record on the hot path, so text stays bytes here; ``service.evidence``
    decodes and masks the few that are kept.
    """

    time: float | None
    """Seconds since 1970 UTC; None where neither the record nor its envelope holds a time."""
    direction: Direction
    """The leg that failed, seen from the hop that logged it."""
    reason: str
    rejected_by: RejectedBy
    host: str | None = None
    """Server name asked for on the failed leg: lower case, punycode, no port; None if not in the record."""
    peer: str | None = None
    """Far end of the leg that failed: ``ip:port``, ``[v6]:port``, ``ip`` or ``name:port``."""
    sni_sent: bool | None = None
    protocol: str | None = None
    cipher: str | None = None
    alert: int | None = None
    """TLS alert number (RFC 8446 section 6), sent or received."""
    code: str | None = None
    """The TLS library's own code, as written: ``0A000418``, ``268435581``."""
    message: bytes = b""
    """The error text alone, one line."""
    raw: bytes = b""
    """The whole record, envelope peeled, as it stood; not yet masked."""
    format: str = ""
    resolution: float = 1.0
    """How exact ``time`` is, in seconds: 1.0, 0.001, 60.0 ..."""
    channel: str = ""
    """Which of one server's logs told it (``error``, ``access``); lets `parsers.twins` count a failure once."""
    count: int = 1
    """How many failures it stands for: alike but for their peers and raw text, or told as a number by the record."""
    other_peers: dict[str, int] | None = None
    """Peer -> failures among the others that it stands for, as far as they are told apart."""

    @property
    def family(self) -> Family:
        return FAMILY_OF[self.reason]


class Change(msgspec.Struct, gc=False):
    """Something a record tells that is no failure but may precede one: a reload, a served default certificate."""

    time: float | None
    kind: str
    """``reload``, ``certificate``, ``deployment`` ..."""
    what: str
    host: str | None = None


def to_json(
    failure: Failure, *, stream: str, hop: str, time: str | None, message: str, raw: str | None
) -> dict[str, Any]:
    """The contract's Failure object; ``time``, ``message`` and ``raw`` come decoded, bounded and masked."""
    return {
        "time": time,
        "stream": stream,
        "hop": hop,
        "host": failure.host,
        "sni_sent": failure.sni_sent,
        "peer": failure.peer,
        "direction": failure.direction,
        "family": failure.family,
        "reason": failure.reason,
        "rejected_by": failure.rejected_by,
        "protocol": failure.protocol,
        "cipher": failure.cipher,
        "alert": failure.alert,
        "code": failure.code,
        "message": message,
        "raw": raw,
        "format": failure.format,
    }
