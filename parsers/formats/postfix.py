"""Postfix: ``smtpd`` and its clients (``SSL_accept``), ``smtp`` and the servers it delivers to (``SSL_connect``).

Texts: Postfix 2.x to 3.10, ``src/tls/tls_server.c``, ``tls_client.c``, ``tls_misc.c``, ``src/smtpd/smtpd.c``,
``src/smtp/smtp_proto.c``. The event names the far end; the reason stands on the ``TLS library problem`` line after it,
of the same process. A certificate that fails verification is logged whether or not that matters: where ``Untrusted TLS
connection established`` follows, it did not, until ``not verified``, ``not trusted`` or ``abort: TLS`` says otherwise.
"""

import re
from typing import Final

from parsers import names
from parsers.formats.app_heard import NOT_MINE, Answer, Heard
from parsers.lexicon.said import Said
from parsers.vocabulary import RejectedBy

_FAR: Final = rb"(?P<name>[^\s\[\]]{1,255})\[(?P<ip>[0-9a-fA-F.:]{2,45}|unknown)\](?::(?P<port>\d{1,5}))?"
_EVENT: Final = re.compile(rb"SSL_(?P<call>accept|connect) error (?:from|to) " + _FAR + rb": (?P<why>[^\n]{0,300})")
_LIBRARY: Final = re.compile(rb"TLS library problem: (?P<why>[^\n]{1,1000})")
_VERIFIED: Final = re.compile(
    rb"(?P<side>client |server |)certificate verification failed for " + _FAR + rb": (?P<why>[^\n]{0,300})"
)
_ABORT: Final = re.compile(rb"abort: TLS from " + _FAR + rb": (?P<why>[^\n]{0,100})")
_DEFERRED: Final = re.compile(
    rb"relay="
    + _FAR
    + rb"[^\n]{0,200}status=(?:deferred|bounced|undeliverable) \((?P<why>Server certificate not (?:verified|trusted)"
    rb"|Cannot start TLS: [^\n)]{1,80})"
)
_ESTABLISHED: Final = b"Untrusted TLS connection established"
_MARKS: Final = (b"SSL_accept error from ", b"SSL_connect error to ", b"certificate verification failed for ")
_ALL: Final = (*_MARKS, b"TLS library problem: ", b"abort: TLS from ", b"relay=", _ESTABLISHED)
_ERRNO: Final[tuple[tuple[bytes, str, RejectedBy], ...]] = (
    (b"lost connection", "closed_by_peer", "peer"),
    (b"Connection reset", "reset", "peer"),
    (b"Broken pipe", "closed_by_peer", "peer"),
    (b"timeout", "timeout", "local"),
    (b"Connection timed out", "timeout", "local"),
    (b"0", "closed_by_peer", "peer"),
)


def opens(line: bytes) -> bool:
    """Whether more records of the failure that ``line`` tells of may follow."""
    event = _EVENT.search(line)
    if event is not None:
        return event["call"] == b"connect" or event["why"] in (b"-1", b"0")
    return b"certificate verification failed for " in line


def joins(lines: list[bytes], line: bytes) -> bool:
    """Whether ``line`` goes on with them; both are of one process."""
    if any(mark in line for mark in _MARKS):
        return False
    first = lines[0]
    if b"TLS library problem: " in line:
        return _EVENT.search(first) is not None
    if _DEFERRED.search(line):
        return b"SSL_connect error to " in first or b"certificate verification failed for " in first
    return b"certificate verification failed for " in first and (_ESTABLISHED in line or b"abort: TLS from " in line)


def complete(lines: list[bytes]) -> bool:
    """Whether the reason is there, and the last word on it."""
    last = lines[-1]
    if b"SSL_accept error from " in lines[0]:
        return b":SSL routines:" in last
    return _DEFERRED.search(last) is not None or b"abort: TLS from " in last


def hear(text: bytes, said: Said) -> Answer:
    """The failure in one record or several joined ones."""
    if not any(mark in text for mark in _ALL):
        return NOT_MINE
    event = _EVENT.search(text)
    library = _LIBRARY.search(text)
    if event is not None:
        why = event["why"]
        reason: str | None = None
        rejected_by: RejectedBy | None = None
        if library is None:
            reason, rejected_by = next(
                ((told, who) for words, told, who in _ERRNO if why.startswith(words)), ("generic_failure", "unknown")
            )
        return Heard(
            direction="downstream" if event["call"] == b"accept" else "upstream",
            message=library["why"] if library else event[0],
            peer=_peer(event),
            host=names.host(event["name"]) if event["call"] == b"connect" else None,
            reason=reason,
            rejected_by=rejected_by,
        )
    verified, abort, deferred = _VERIFIED.search(text), _ABORT.search(text), _DEFERRED.search(text)
    if abort is not None:
        reason = "missing" if abort["why"].startswith(b"No client certificate") else "rejected"
        return Heard("downstream", verified["why"] if verified else abort["why"], _peer(abort), None, reason, "local")
    if deferred is not None:
        far = verified or deferred
        known = verified is not None and said.rank <= 2
        is_cut = deferred["why"].startswith(b"Cannot start")
        reason = None if known else ("generic_failure" if is_cut else "certificate_unknown")
        who: RejectedBy = "unknown" if is_cut else "local"
        message = verified["why"] if verified else deferred["why"]
        return Heard("upstream", message, _peer(far), names.host(far["name"]), reason, who)
    if verified is not None:
        return None  # nothing came of it: mail is delivered over TLS all the same
    if library is not None:
        return Heard("upstream" if said.leg == "upstream" else "downstream", library["why"])
    return None if _ESTABLISHED in text else NOT_MINE


def _peer(found: re.Match[bytes]) -> str | None:
    return names.peer(found["ip"], found["port"])
