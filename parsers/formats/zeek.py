"""Zeek's ``ssl.log``: handshakes that a sensor saw on the wire and that were never established.

Shape: ``zeek/zeek`` ``scripts/base/protocols/ssl/main.zeek``, as TSV in the columns' default order (2.4 to 8.1; the
first fourteen have not changed) or as JSON. Alerts by name: ``consts.zeek``. Only ``established`` tells success: a
sensor sees no reason that no alert names. It stands beside the wire; the leg is told as the server would.
``ssl_history`` has a letter for each message, capital for the client's: whose the last ``l`` is, gave up.
Invisible: handshakes on ports and protocols that Zeek does not take for TLS; alerts that are encrypted (TLS 1.3).
"""

import re
from typing import Any, Final

import msgspec

from parsers import names, timestamps
from parsers.failure import Failure
from parsers.lexicon import Said, judge
from parsers.lexicon import load as load_lexicon
from parsers.record import Record, Settings
from parsers.vocabulary import RejectedBy

NAME: Final = "zeek"
SEVERAL_LINES: Final = False

_VERSION: Final = rb"(?:-|D?TLSv[\w.-]{1,20}|SSLv\d{1,2}|unknown-\d{1,6})"
_TSV: Final = re.compile(
    rb"\d{1,10}\.\d{1,9}\t\w{8,24}\t[0-9A-Fa-f.:]{2,45}\t\d{1,5}\t[0-9A-Fa-f.:]{2,45}\t\d{1,5}\t" + _VERSION + rb"\t"
)
_JSON: Final = re.compile(rb'\{[^{}\n]{0,300}"uid": ?"\w{8,24}", ?"id\.orig_h": ?"')
_HISTORY: Final = re.compile(r"[A-Za-z^]{1,128}\Z")
_FILE_ID: Final = re.compile(r"F[0-9A-Za-z]{13,20}\Z")
"""What stands in the fifteenth column before Zeek 4.1, where there was no history."""
_ALERTS: Final = {
    "close_notify": 0, "unexpected_message": 10, "bad_record_mac": 20, "decryption_failed": 21, "record_overflow": 22,
    "decompression_failure": 30, "handshake_failure": 40, "no_certificate": 41, "bad_certificate": 42,
    "unsupported_certificate": 43, "certificate_revoked": 44, "certificate_expired": 45, "certificate_unknown": 46,
    "illegal_parameter": 47, "unknown_ca": 48, "access_denied": 49, "decode_error": 50, "decrypt_error": 51,
    "export_restriction": 60, "protocol_version": 70, "insufficient_security": 71, "internal_error": 80,
    "inappropriate_fallback": 86, "user_canceled": 90, "no_renegotiation": 100, "unsupported_extension": 110,
    "certificate_unobtainable": 111, "unrecognized_name": 112, "bad_certificate_status_response": 113,
    "bad_certificate_hash_value": 114, "unknown_psk_identity": 115, "certificate_required": 116,
    "no_application_protocol": 120, "ech_required": 121,
}  # fmt: skip
_KEYS: Final = (
    *("ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"),
    *("version", "cipher", "server_name", "last_alert"),
)
_JUST_CLOSED: Final = frozenset((0, 90))


def claims(text: bytes) -> bool:
    """The first columns of ``ssl.log``, or a JSON object that begins as Zeek's do and says ``established``."""
    if text[:1] == b"{":
        return _JSON.match(text) is not None and b'"established":' in text[:8192]
    return _TSV.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    """The failure that one line tells of; None for established connections and for Zeek's other logs."""
    line = _from_json(record) if record.text[:1] == b"{" else _from_tsv(record.text)
    if line is None or line.established:
        return None
    alert = _ALERTS.get(line.last_alert)
    reason, rejected_by = _meaning(alert, line)
    time, resolution = timestamps.leading(record.text, record.settings) or _own_time(line.ts, record.settings)
    host = names.host(line.server_name)
    given = record.settings.hosts.get(f"{line.server}:{line.server_port}")
    return Failure(
        time=time if time is not None else record.time,
        direction="downstream",
        reason=reason,
        rejected_by=rejected_by,
        host=host or (names.host(given) if given else None),
        peer=names.peer(line.client, line.client_port),
        sni_sent=_sni_sent(line),
        protocol=_protocol(line.version),
        cipher=line.cipher[:64] or None,
        alert=alert,
        message=_message(line),
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


class _Line(msgspec.Struct):
    """The fields that count; empty where the log has ``-``."""

    established: bool
    history: str
    ts: str
    client: str
    client_port: str
    server: str
    server_port: str
    version: str
    cipher: str
    server_name: str
    last_alert: str


def _from_tsv(text: bytes) -> _Line | None:
    if _TSV.match(text) is None:
        return None
    cells = [cell.decode("utf-8", "replace") for cell in text[:16_384].split(b"\t", 15)]
    if len(cells) < 14 or cells[10] not in ("T", "F") or cells[13] not in ("T", "F"):
        return None
    cells = ["" if cell in ("-", "(empty)") else cell for cell in cells]
    history = cells[14] if len(cells) > 14 and _HISTORY.match(cells[14]) and not _FILE_ID.match(cells[14]) else ""
    values = [cells[0], *cells[2:8], cells[9], cells[11]]
    return _Line(cells[13] == "T", history, *values)


def _from_json(record: Record) -> _Line | None:
    document = record.json()
    if document is None:
        return None
    established = document.get("established")
    if not isinstance(established, bool) or "id.orig_h" not in document or "id.resp_p" not in document:
        return None
    values = [_text(document.get(key)) for key in _KEYS]
    history = _text(document.get("ssl_history"))
    return _Line(established, history if _HISTORY.match(history) else "", *values)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value[:400]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _own_time(ts: str, settings: Settings) -> tuple[float | None, float]:
    try:
        return timestamps.epoch(ts.encode())
    except ValueError:
        return None, 1.0


def _meaning(alert: int | None, line: _Line) -> tuple[str, RejectedBy]:
    """By the alert, seen from the server: the client's is received, its own is sent."""
    sender = next((letter for letter in reversed(line.history) if letter in "Ll"), "")
    rejected_by: RejectedBy = "unknown" if alert is None or not sender else "peer" if sender == "L" else "local"
    if alert is None:
        return "generic_failure", "unknown"
    if alert in _JUST_CLOSED:
        return ("generic_failure" if rejected_by == "local" else "closed_by_peer"), rejected_by
    entry = load_lexicon().alert(alert)
    if entry is None:
        return "generic_failure", rejected_by
    return judge(Said(entry.reason, rejected_by, entry.rank, alert), "downstream")


def _sni_sent(line: _Line) -> bool | None:
    """A hello that Zeek read holds the name or holds none; without history nobody knows whether there was one."""
    if line.server_name:
        return names.host(line.server_name) is not None or None
    return False if "C" in line.history else None


def _protocol(version: str) -> str | None:
    """``TLSv12`` as others write it: ``TLSv1.2``."""
    family, v, number = version.partition("v")
    if not v or not number[:2].isdigit():
        return version or None
    return f"{family}v{number[0]}.{number[1]}"


def _message(line: _Line) -> bytes:
    return f"established=F last_alert={line.last_alert or '-'} ssl_history={line.history or '-'}".encode()
