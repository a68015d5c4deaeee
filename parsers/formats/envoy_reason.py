"""What Envoy's failure reason means on a known leg: shared by application log, text and JSON access logs."""

import re
from typing import Final

from parsers import timestamps
from parsers.failure import Failure
from parsers.lexicon import judge
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import Direction, RejectedBy

TLS_REASON: Final = re.compile(
    rb"(?:TLS|SSL)[_ ]error[:|]|:OPENSSL_internal:|Secret[_ ]is[_ ]not[_ ]supplied[_ ]by[_ ]SDS"
)
"""A transport failure reason that came from TLS; ``delayed_connect_error:_111`` and the like are TCP's."""

_RESET: Final = re.compile(rb"upstream_reset_(?:before|after)_response_started\{(?P<why>[^}]{1,4000})\}?")
_HANDSHAKE_CUT: Final = frozenset({b"remote_connection_failure", b"connection_timeout"})
_ONLY_SERVERS_REFUSE: Final = frozenset(
    {
        "no_shared_cipher",
        "no_shared_sigalg",
        "inappropriate_fallback",
        "missing",
        "unrecognized_name",
        "sni_missing",
        "alpn_mismatch",
    }
)
_SERVER_SAW_HTTP: Final = re.compile(rb"HTTPS?_(?:PROXY_)?REQUEST")


def judged(
    said: Said, direction: Direction, *, time: float | None, host: str | None = None, peer: str | None, message: bytes
) -> Failure:
    """A failure with the lexicon's meaning for that leg; a TLS reason nobody knows is a generic failure."""
    reason, rejected_by = judge(said, direction)  # a reason nobody knows is (generic_failure, unknown) already
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=host,
        peer=peer,
        alert=said.alert,
        code=said.code,
        message=message,
    )


def when(record: Record) -> tuple[float | None, float]:
    """Time and resolution by the record's own head, else the envelope's time."""
    return timestamps.leading(record.text, record.settings) or (record.time, 1.0)


def cut_short(details: bytes) -> tuple[str, RejectedBy] | None:
    """Reason and side of an upstream handshake that ended without a TLS error, by ``%RESPONSE_CODE_DETAILS%``.

    Since Envoy 1.26 or so a failed TCP connect carries its errno (``delayed_connect_error``), and a plain connection
    counts as made once TCP is: ``remote_connection_failure`` with nothing behind it is a peer that hung up during the
    TLS handshake. ``connection_timeout`` covers TCP and TLS together and is told as the timeout it is.
    """
    reset = _RESET.match(details)
    if reset is None or reset["why"] not in _HANDSHAKE_CUT:
        return None
    return ("timeout", "local") if reset["why"] == b"connection_timeout" else ("generic_failure", "unknown")


def in_details(details: bytes) -> bytes | None:
    """The TLS reason inside ``upstream_reset_before_response_started{remote_connection_failure|TLS_error:...}``."""
    reset = _RESET.match(details)
    if reset is None:
        return None
    found = TLS_REASON.search(reset["why"])
    return reset["why"][found.start() :] if found else None


def server_rejects(said: Said, message: bytes) -> RejectedBy | None:
    """Which side is the server, by a refusal only servers utter: ``local`` (so are we), ``peer``; None if unclear."""
    if _SERVER_SAW_HTTP.search(message):
        return "local"
    if said.reason in _ONLY_SERVERS_REFUSE and said.rank <= 3 and said.rejected_by in ("local", "peer"):
        return said.rejected_by
    return None
