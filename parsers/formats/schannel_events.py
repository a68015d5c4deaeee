"""Windows' System log, provider Schannel: as text, as XML, or as JSON of NXLog and Winlogbeat.

Events: Microsoft Learn, "Schannel events" (36870 to 36888) and "TLS - Schannel error codes". 36887 is an alert
received, 36888 one sent; both carry its number as ``AlertDesc``, so a message in any language is understood.
No event holds the far end's address, and only 36884 the name that was asked for.
"""

import re
from typing import Any, Final

from parsers import lexicon, names, timestamps
from parsers.formats.app_heard import NOT_MINE, Answer, Heard
from parsers.formats.app_leg import leg_of
from parsers.formats.app_view import View
from parsers.lexicon import judge
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import Direction, RejectedBy

_PROVIDER: Final = re.compile(
    rb"\"(?:SourceName|provider_name|ProviderName|Provider_Name|Name)\"\s?:\s?\"(?:Microsoft-Windows-)?Schannel(?:-Events)?\""
    rb"|<Provider Name=['\"](?:Microsoft-Windows-)?Schannel|fatal (?:alert|error) code is \d"
    rb"|(?:TLS|SSL)(?: \d\.\d)? (?:connection|server|client)[^\n]{0,200}\bremote (?:client application|server)"
)
_MARKS: Final = (b"Schannel", b"code is ", b"remote client application", b"remote server")
_SENTENCE: Final = re.compile(rb"fatal (?P<kind>alert|error) code is (?P<alert>\d{1,3})\b")
_EXPECTED: Final = re.compile(rb"server name we were expecting is (?P<name>[\w.*-]{1,253}?)\.? ")
_XML: Final = re.compile(rb"<EventID[^>\n]{0,60}>(?P<id>\d{1,6})</EventID>")
_XML_ALERT: Final = re.compile(rb"<Data Name=['\"]AlertDesc['\"]>(?P<alert>\d{1,3})</Data>")
_XML_TIME: Final = re.compile(rb"SystemTime=['\"](?P<time>[^'\"\n]{19,40})['\"]")
_XML_TARGET: Final = re.compile(
    rb"<Data Name=['\"](?:TargetName|ExpectedName|ServerName)['\"]>(?P<name>[^<\n]{1,253})</Data>"
)

_RECEIVED, _SENT = 36887, 36888
_EVENTS: Final[dict[int, tuple[Direction | None, str, RejectedBy]]] = {
    36871: ("upstream", "internal_error", "local"),
    36874: ("downstream", "no_shared_cipher", "local"),
    36876: ("upstream", "certificate_unknown", "local"),
    36877: ("downstream", "rejected", "local"),
    36881: ("upstream", "expired", "local"),
    36882: ("upstream", "unknown_issuer", "local"),
    36883: ("upstream", "revoked", "local"),
    36884: ("upstream", "hostname_mismatch", "local"),
    _RECEIVED: (None, "generic_failure", "peer"),
    _SENT: (None, "generic_failure", "local"),
}
_NO_HANDSHAKE: Final = frozenset((36864, 36865, 36866, 36867, 36868, 36869, 36870, 36878, 36880, 36885, 36886))
"""Start-up, credentials that could not be loaded, handshakes that succeeded (36880)."""


def hear(record: Record, seen: View, said: Said) -> Answer:
    """The failure in one event."""
    if (
        not any(mark in record.text for mark in _MARKS)
        or _PROVIDER.search(seen.text if not seen.fields else record.text, 0, 65_536) is None
    ):
        return NOT_MINE
    text = seen.text
    number = _event_id(seen, text)
    if number in _NO_HANDSHAKE:
        return None
    sentence = _SENTENCE.search(text)
    if number is None and sentence is not None:
        number = _SENT if sentence["kind"] == b"error" or b"sent to the remote" in text else _RECEIVED
    if number is not None and number not in _EVENTS:
        return NOT_MINE
    alert = _alert(seen, text, sentence)
    leg, reason, rejected_by = _EVENTS.get(number or 0, (None, "", "unknown"))
    if not reason:
        return NOT_MINE
    direction = leg or _direction(seen, said, record)
    if number in (_RECEIVED, _SENT) and alert is not None:
        entry = lexicon.load().alert(alert)
        if entry is not None:
            reason, rejected_by = judge(Said(entry.reason, rejected_by, 3, alert=alert), direction)
    expected = _EXPECTED.search(text) or _XML_TARGET.search(text)
    host = names.host(expected["name"]) if expected and direction == "upstream" else None
    return Heard(direction, _message(seen), None, host, reason, rejected_by, alert, _time(record))


def _direction(seen: View, said: Said, record: Record) -> Direction:
    """36887 and 36888 do not tell: the stream's hop does."""
    return leg_of(seen, said, record.settings.hop)


def _event_id(seen: View, text: bytes) -> int | None:
    written = seen.field("eventid", "winlog.event_id", "event_id", "event.code", "eventid.value")
    if written is None:
        found = _XML.search(text)
        written = found["id"].decode() if found else None
    return int(written) if written and written.isdigit() and len(written) < 7 else None


def _alert(seen: View, text: bytes, sentence: re.Match[bytes] | None) -> int | None:
    written: str | None = seen.field("alertdesc", "winlog.event_data.alertdesc")
    if written is None and sentence is not None:
        written = sentence["alert"].decode()
    if written is None and (found := _XML_ALERT.search(text)) is not None:
        written = found["alert"].decode()
    return int(written) if written and written.isdigit() and len(written) < 4 else None


def _message(seen: View) -> bytes:
    told = seen.field("message")
    text = told.encode("utf-8", "replace") if told else seen.text
    return text.replace(b"\r", b"").split(b"\n", 1)[0][:2000]


def _time(record: Record) -> float | None:
    """``EventTime`` (NXLog, local time of the host), ``@timestamp`` (Winlogbeat), ``SystemTime`` (XML)."""
    written: Any = None
    document = record.json()
    if document is not None:
        written = document.get("@timestamp") or document.get("EventTime") or document.get("UtcTime")
    elif (found := _XML_TIME.search(record.text)) is not None:
        written = found["time"].decode("ascii", "replace")
    if not isinstance(written, str):
        return None
    try:
        return timestamps.iso(written.encode("ascii", "replace"), record.settings.zone)
    except ValueError:
        return None
