"""F5 BIG-IP LTM, ``/var/log/ltm``: handshakes that failed on client SSL and server SSL profiles.

Shape: ``tmmN[PID]: CODE:SEVERITY: TEXT`` behind syslog (RFC 3164 by default, RFC 5424 where so configured). Codes and
texts: F5 K15292 (troubleshooting SSL/TLS handshakes), K14813 and K16700 (message ids), K12015 (peer verification).
The reason (01260009) and the addresses (01260013) of one failure are two records of one tmm: they are joined.

Invisible: which profile failed, the server name that was asked for, and, past the throttle (01260028), how often.
"""

import re
from typing import Final

from parsers import lexicon, names, timestamps
from parsers.failure import Failure
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Record
from parsers.vocabulary import Direction, RejectedBy

NAME: Final = "f5"
SEVERAL_LINES: Final = False

JOIN_SECONDS: Final = 1.0
"""Both halves are written while one connection is torn down; the log's times are whole seconds."""

_HEAD: Final = re.compile(
    rb"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\d{4}-\d\d-\d\dT\S{8,24} )?"
    rb"(?:[\w.:-]{1,255} )?(?:(?:emerg|alert|crit|err|warning|notice|info|debug) )?"
    rb"(?:tmm\d{0,3}(?:\[\d{1,10}\])?: )?(?P<code>0126[0-9a-f]{4}):(?P<severity>\d): "
)
_TMM: Final = re.compile(rb"\btmm\d{0,3}(?:\[\d{1,10}\])?(?=: 0126)")
_PAIR: Final = re.compile(
    rb"(?P<from>\[?[0-9a-fA-F.:]{2,45}\]?(?:%\d{1,5})?(?:[:.]\d{1,5})?) -> "
    rb"(?P<to>\[?[0-9a-fA-F.:]{2,45}\]?(?:%\d{1,5})?(?:[:.]\d{1,5})?)"
)
_ARROWS: Final = 4
_DOTTED: Final = re.compile(rb"peers (?P<from>[0-9a-fA-F.:]{2,60})[: ](?P<to>[0-9a-fA-F.:]{2,60})\.")
_PORT_AFTER_DOT: Final = re.compile(rb"((?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:]{2,45})\.(\d{1,5})\Z")
_ERROR: Final = re.compile(
    rb"Connection error: (?P<function>\w{1,80}):(?P<line>\d{1,7}): "
    rb"(?P<text>[^\n]{0,500}?)(?: ?\((?P<alert>\d{1,3})\))?\s*$",
    re.MULTILINE,
)
_RECEIVED: Final = re.compile(rb"alert ?\((?P<alert>\d{1,3})\)(?: received)?|received alert:? ?(?P<other>\d{1,3})")
_VERIFY: Final = re.compile(rb"Peer cert verify error: (?P<text>[^\n(]{1,300})")
_CALLS: Final = re.compile(rb"rx_?(?:srv|svr|server)|(?:srv|svr|server)_?(?:hello|keyxchg|cert)")
"""Functions that read what only a server sends, so a server SSL profile runs them."""
_SERVERS_WORDS: Final = re.compile(rb"server (?:certificate|hello)|server cert\b|peer name|server name mismatch")

_FAILED: Final = b"01260013"
_REASON: Final = b"01260009"
_VERIFIED: Final = b"01260006"
_NO_CIPHER: Final = b"01260026"
_TELLING: Final = frozenset((_FAILED, _REASON, _VERIFIED, _NO_CIPHER))

_TEXTS_AS_WRITTEN: Final[tuple[tuple[bytes, str, RejectedBy], ...]] = (
    (rb"not ssl\b|non-?ssl|http request", "not_tls", "local"),
    (rb"no (?:shared|matching) cipher|no cipher", "no_shared_cipher", "local"),
    (rb"no (?:shared|common) (?:curve|group)|unsupported (?:curve|group)", "no_shared_group", "local"),
    (rb"no (?:shared|matching) sig(?:nature)?|sigalg", "no_shared_sigalg", "local"),
    (rb"(?:unsupported|wrong|invalid|bad|no) (?:shared )?(?:protocol )?version", "version_mismatch", "local"),
    (rb"unknown server name|no matching sni|sni mismatch|unrecogni[sz]ed name", "unrecognized_name", "local"),
    (rb"(?:missing|no) (?:sni|server name)\b", "sni_missing", "local"),
    (rb"no (?:client |peer )?cert(?:ificate)?\b|peer did not (?:send|return)", "missing", "local"),
    (rb"cert(?:ificate)? (?:has )?expired|expired cert", "expired", "local"),
    (rb"not yet valid", "not_yet_valid", "local"),
    (rb"revoked", "revoked", "local"),
    (rb"self[- ]signed", "self_signed", "local"),
    (rb"unknown ca\b|untrusted|unable to get (?:local )?issuer|verify the first", "unknown_issuer", "local"),
    (rb"hostname|name mismatch|peer name", "hostname_mismatch", "local"),
    (rb"bad (?:client |server |peer )?cert|cert\w* verif|verif\w+ (?:failed|error)", "certificate_unknown", "local"),
    (rb"inappropriate fallback", "inappropriate_fallback", "local"),
    (rb"no (?:shared |matching )?(?:application protocol|alpn)", "alpn_mismatch", "local"),
    (rb"bad (?:record )?mac|decrypt|bad finished|finished mismatch", "decrypt_error", "local"),
    (rb"overflow|underflow|invalid|malformed|bad (?:length|size|hs|hello)|too (?:long|short|large)|unexpected m",
     "decode_error", "local"),
    (rb"time(?:d )?out|timer", "timeout", "local"),
    (rb"reset\b|rst\b", "reset", "peer"),
    (rb"\beof\b|closed|aborted", "closed_by_peer", "peer"),
    (rb"crypto|internal|no memory|out of mem", "internal_error", "local"),
)  # fmt: skip
_TEXTS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, rejected_by) for pattern, reason, rejected_by in _TEXTS_AS_WRITTEN
)


def claims(text: bytes) -> bool:
    """``01260009:4: `` behind what syslog leaves; 0126 is the SSL component of the BIG-IP."""
    return _HEAD.match(text) is not None


def joins(lines: list[bytes], line: bytes) -> bool:
    """Whether ``line`` is the other half: 01260013 after 01260009 (or another reason) of the same tmm."""
    if len(lines) != 1:
        return False
    before, after = _HEAD.match(lines[0]), _HEAD.match(line)
    if before is None or after is None or after["code"] != _FAILED or before["code"] == _FAILED:
        return False
    if _tmm(lines[0]) != _tmm(line):
        return False
    first, second = _pair(lines[0]), _pair(line)
    return first is None or second is None or first["from"] == second["from"]


def complete(lines: list[bytes]) -> bool:
    """01260013 ends a failure: alone, or as the second half."""
    last = _HEAD.match(lines[-1])
    return last is None or last["code"] == _FAILED or last["code"] not in _TELLING or len(lines) > 1


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one record, or two joined ones, tell of; None for the SSL component's other messages.

    Raises:
        MalformedRecordError: the code is there, its text is not.
    """
    head = _HEAD.match(record.text)
    if head is None or head["code"] not in _TELLING:
        return None
    text = record.text[head.end() :][:4000]
    if not text.strip():
        raise MalformedRecordError("f5: a code without its text")
    near, far = _addresses(text)
    direction = _leg(text, record)
    reason, rejected_by, alert = _meaning(head["code"], text, direction)
    time, resolution = timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    listener = near if direction == "upstream" else far
    given = record.settings.hosts.get(listener or "") if direction == "downstream" else None
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=names.host(given) if given else None,
        peer=far if direction == "upstream" else near,
        alert=alert,
        message=text.split(b"\n", 1)[0][:2000],
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


def _tmm(line: bytes) -> bytes:
    found = _TMM.search(line, 0, 400)
    return found[0] if found else b""


def _addresses(text: bytes) -> tuple[str | None, str | None]:
    """Who opened the connection, and to whom."""
    found = _pair(text) or _DOTTED.search(text)
    if found is None:
        return None, None
    return _peer(found["from"]), _peer(found["to"])


def _peer(written: bytes) -> str | None:
    """``IP:PORT``, ``IP.PORT`` and ``IP%ROUTE_DOMAIN:PORT``."""
    address, percent, rest = written.partition(b"%")
    if percent:
        port = re.search(rb"[:.](\d{1,5})\Z", rest)
        return names.peer(address, port[1] if port else None)
    dotted = _PORT_AFTER_DOT.match(written)
    if dotted is not None:
        return names.peer(dotted[1], dotted[2])
    return names.peer(written)


def _leg(text: bytes, record: Record) -> Direction:
    """Server SSL profiles call; only the function's name, the words or the listener (``hosts``) tell them apart."""
    error = _ERROR.search(text)
    if error is not None and (_CALLS.search(error["function"]) or _SERVERS_WORDS.search(error["text"])):
        return "upstream"
    return "downstream"


def _meaning(code: bytes, text: bytes, direction: Direction) -> tuple[str, RejectedBy, int | None]:
    """Reason, who gave up and the alert, sent or received."""
    if code == _NO_CIPHER:
        return "no_shared_cipher", "local", None
    verified = _VERIFY.search(text)
    if verified is not None:
        if direction == "downstream":
            return "rejected", "local", None
        return _by_text(verified["text"]) or "certificate_unknown", "local", None
    error = _ERROR.search(text)
    if error is None:
        return "generic_failure", "unknown", None
    received = _RECEIVED.search(error["text"])
    if received is not None:
        number = int(received["alert"] or received["other"])
        return (*_by_alert(number, "peer", direction), number)
    sent = int(error["alert"]) if error["alert"] else None
    for pattern, reason, rejected_by in _TEXTS:
        if pattern.search(error["text"]):
            return _ours(reason, direction), rejected_by, sent
    if sent:
        return (*_by_alert(sent, "local", direction), sent)
    return "generic_failure", "unknown", None


def _by_text(text: bytes) -> str | None:
    return next((reason for pattern, reason, _ in _TEXTS if pattern.search(text)), None)


def _by_alert(number: int, who: RejectedBy, direction: Direction) -> tuple[str, RejectedBy]:
    """An alert's meaning for the one who reads this log."""
    entry = lexicon.load().alert(number)
    if entry is None:
        return "other", who
    if who == "peer":
        said = Said(entry.reason, "peer", 3, alert=number)
        return lexicon.judge(said, direction)
    return _ours(entry.reason, direction), who


def _ours(reason: str, direction: Direction) -> str:
    """A certificate that we refuse is, downstream, the client's."""
    said = Said(reason, "local", 2)
    return lexicon.judge(said, direction)[0]


def _pair(text: bytes) -> re.Match[bytes] | None:
    """``FROM -> TO``, looked for around the first arrows: an address may begin anywhere in a long line."""
    arrow = -1
    for _ in range(_ARROWS):
        arrow = text.find(b" -> ", arrow + 1)
        if arrow < 0:
            break
        if (found := _PAIR.search(text, max(0, arrow - 60), arrow + 64)) is not None:
            return found
    return None
