"""Citrix NetScaler (ADC), ``ns.log`` and its syslog: ``SSLLOG SSL_HANDSHAKE_FAILURE``.

Shape: NetScaler syslog message reference, SSLLOG; docs.netscaler.com, "Selective SSL logging". The record's own time
stands after the syslog head, in GMT unless the appliance logs local time, month first unless configured otherwise.

Invisible: back-end handshakes before 12.1, the server name, and everything unless the SSL log profile has
``sslLogHSfailures`` (or the audit level holds debug). Successes share the shape and stay silent.
"""

import re
from typing import Final

from parsers import names, timestamps
from parsers.failure import Failure
from parsers.lexicon import judge
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Record
from parsers.vocabulary import Direction, RejectedBy

NAME: Final = "netscaler"
SEVERAL_LINES: Final = False

_EVENT: Final = re.compile(rb"\bSSLLOG SSL_HANDSHAKE_FAILURE \d{1,12} \d{1,3} ?: ")
_SSLLOG: Final = re.compile(rb"[^\n]{0,400}?\d{1,3}-PPE-\d{1,3} : (?:\S{1,64} )?SSLLOG SSL_HANDSHAKE_")
_TIME: Final = re.compile(
    rb"(?:(?P<year>\d{4})/(?P<m>\d\d)/(?P<d>\d\d)|(?P<first>\d\d)/(?P<second>\d\d)/(?P<last>\d{4}))"
    rb":(?P<clock>\d\d:\d\d:\d\d)(?P<gmt> GMT)?"
)
_FIELD: Final = re.compile(rb'\b(\w{2,40}) (?:"([^"\n]{0,400})"|(\S{1,200}))(?= -|\s*$)')
_REASONS_AS_WRITTEN: Final[tuple[tuple[bytes, str, RejectedBy], ...]] = (
    (rb"no (?:shared|common|matching) cipher|cipher mismatch", "no_shared_cipher", "local"),
    (rb"(?:protocol|ssl|tls) version|unsupported (?:version|proto)|version mismatch", "version_mismatch", "local"),
    (rb"no (?:client )?cert|cert\w* (?:not (?:sent|received|present)|missing)", "missing", "local"),
    (rb"not yet valid", "not_yet_valid", "local"),
    (rb"expired", "expired", "local"),
    (rb"revoked", "revoked", "local"),
    (rb"ocsp|crl", "revocation_check_failed", "local"),
    (rb"unknown ca\b|issuer|untrusted", "unknown_issuer", "local"),
    (rb"common ?name|host ?name", "hostname_mismatch", "local"),
    (rb"bad cert|cert\w* (?:verif|unknown|invalid)|invalid cert|client auth", "certificate_unknown", "local"),
    (rb"sni\b|unrecogni[sz]ed name", "unrecognized_name", "local"),
    (rb"fallback", "inappropriate_fallback", "local"),
    (rb"decrypt|bad (?:record )?mac|finished", "decrypt_error", "local"),
    (rb"decode|illegal|unexpected|malformed|invalid", "decode_error", "local"),
    (rb"time(?:d )?out", "timeout", "local"),
    (rb"reset\b", "reset", "peer"),
    (rb"fin\b|closed|close notify|aborted", "closed_by_peer", "peer"),
    (rb"internal error", "internal_error", "local"),
)  # fmt: skip
_REASONS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, rejected_by) for pattern, reason, rejected_by in _REASONS_AS_WRITTEN
)
_RECEIVED: Final = re.compile(
    rb"(?i)alert (?:was )?received|received [\w ]{0,30}alert|alert from (?:client|server|peer)"
)


def claims(text: bytes) -> bool:
    """``... 0-PPE-0 : default SSLLOG SSL_HANDSHAKE_``."""
    return b"SSLLOG SSL_HANDSHAKE_" in text[:400] and _SSLLOG.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one record tells of; None for every other SSLLOG event.

    Raises:
        MalformedRecordError: it is cut off before its fields.
    """
    event = _EVENT.search(record.text, 0, 600)
    if event is None:
        return None
    body = record.text[event.end() :][:4000]
    fields = {found[1].lower(): found[2] or found[3] or b"" for found in _FIELD.finditer(body)}
    if b"clientip" not in fields and b"serverip" not in fields:
        raise MalformedRecordError("netscaler: a handshake failure without addresses")
    is_upstream = body.lstrip().startswith(b"Backend ") or b"clientip" not in fields
    direction: Direction = "upstream" if is_upstream else "downstream"
    side = b"server" if is_upstream else b"client"
    why = fields.get(b"reason", b"")
    reason, rejected_by = _meaning(why, direction)
    time, resolution = _time(record)
    listener = fields.get(b"vserverserviceip", b"") + b":" + fields.get(b"vserverserviceport", b"")
    given = record.settings.hosts.get(listener.decode("ascii", "replace")) if not is_upstream else None
    host = names.host(given) if given else None
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=host,
        peer=names.peer(fields.get(side + b"ip", b""), fields.get(side + b"port")),
        protocol=_named(fields.get(b"clientversion") or fields.get(b"protocolversion")),
        message=b"Reason: " + why if why else b"SSL_HANDSHAKE_FAILURE",
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


def _time(record: Record) -> tuple[float | None, float]:
    """The record's own time, else the envelope's."""
    found = _TIME.search(record.text, 0, 300)
    if found is None:
        return timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    if found["year"]:
        year, month, day = found["year"], found["m"], found["d"]
    else:
        year, month, day = found["last"], found["first"], found["second"]
        if int(month) > 12:
            month, day = day, month
    written = b"%b-%b-%b %b" % (year, month, day, found["clock"])
    try:
        return timestamps.local(written, "UTC" if found["gmt"] else record.settings.zone), 1.0
    except ValueError:
        return record.time, 1.0


def _meaning(why: bytes, direction: Direction) -> tuple[str, RejectedBy]:
    for pattern, reason, rejected_by in _REASONS:
        if pattern.search(why):
            who: RejectedBy = "peer" if _RECEIVED.search(why) else rejected_by
            return judge(Said(reason, who, 2), direction)
    return "generic_failure", "unknown"


def _named(version: bytes | None) -> str | None:
    text = (version or b"").decode("ascii", "replace")
    return text if re.fullmatch(r"(?:TLS|SSL)v\d(?:\.\d)?", text) else None
