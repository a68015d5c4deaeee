"""Any client or server runtime: Python, Java, Node, Go, .NET, Rust, Ruby, PHP, curl, ``openssl s_client`` ...

Such records share no layout: one line or a whole gathered trace, plain or JSON (logback, zap, pino, structlog ...).
The lexicon knows what the TLS stack said; here only leg, host and peer are read, by the words that runtimes put around
them (`app_leg`, `app_target`). Where no word tells the leg, an application's log (``hop: app``) speaks of its calls.
"""

import re
from typing import Final

from parsers import lexicon, timestamps
from parsers.failure import Failure
from parsers.formats import app_servers, gonet_line
from parsers.formats.app_heard import NOT_MINE, Heard
from parsers.formats.app_leg import leg_of
from parsers.formats.app_target import caller, target
from parsers.formats.app_unsaid import unsaid
from parsers.formats.app_view import View, view
from parsers.lexicon.said import Said
from parsers.record import Record
from parsers.vocabulary import Direction, RejectedBy

NAME: Final = "app"
SEVERAL_LINES: Final = True

JOIN_SECONDS: Final = app_servers.JOIN_SECONDS
joins = app_servers.joins
complete = app_servers.complete

_TRIGGER_RANK: Final = 9

_CLAIMS: Final = re.compile(
    rb"""
    \d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[,.]\d{3,6}\S{0,6}[ ]+(?:\[[^\]\n]{1,80}\][ ]+)?
        (?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)\b
  | Traceback[ ]\(most[ ]recent[ ]call[ ]last\)
  | (?:[\w$.]{1,200}\.)?[\w$]{1,100}(?:Error|Exception)\b
  | Exception[ ]in[ ]thread[ ]
  | curl:[ ]\(\d{1,3}\)[ ]
  | \*[ ]{1,3}(?:Trying|Host|Connected|Connecting|TLSv1|SSL|ALPN)
  | (?:CONNECTED\([0-9A-F]{8}\)|Connecting[ ]to[ ]|depth=\d+[ ]|verify[ ]error:num=|[0-9A-F]{12,16}:error:)
  | node:internal/|Unhandled[ ]exception\.|thread[ ]'[^'\n]{1,80}'[ ]
    """,
    re.VERBOSE,
)
_HEAD: Final = re.compile(
    rb"""
    (?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d[^\s\]]{0,16}(?:[ ][+-]\d{4})?\]?[ ]+)?
    (?:\[\d{1,10}\][ ]+)?
    (?:\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)\]?:?[ ]+)?
    (?:\[[\w.\-/$]{1,80}\][ ]+)?
    """,
    re.VERBOSE,
)

_REQUEST: Final = re.compile(rb'"[A-Z]{3,10} [^"\n]{1,8000} HTTP/\d(?:\.\d)?"[ ,]{1,2}[1-4]\d\d\b')
_TLS_WORD: Final = re.compile(rb"(?i)ssl|tls|handshake|verif(?:y|ication)|x\.?509|https://|\berror: ")


def claims(text: bytes) -> bool:
    """The usual head of an application's logger, an exception, or pasted command output."""
    return _CLAIMS.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    """The failure one record tells of; None where nothing failed, or nothing says that it was TLS."""
    if not said.is_failure:
        return None
    seen = view(record)
    if _is_access_line(seen):
        return None
    heard = app_servers.hear(record, seen, said)
    if heard != NOT_MINE:
        return None if heard is None else _of_a_server(record, said, heard)
    if not _speaks_of_tls(seen, said):
        return None
    if gonet_line.find(seen.text) is not None:
        return gonet_line.read(record, said, seen.text)
    if said.rank >= _TRIGGER_RANK:
        told = unsaid(seen.text)
        if told is None:
            return None
        reason, rejected_by, leg = told
        direction = leg or leg_of(seen, said, record.settings.hop)
    else:
        direction = leg_of(seen, said, record.settings.hop)
        reason, rejected_by = _judged(said, direction)
        if said.rank >= 4 and (told := unsaid(seen.text)) is not None and said.reason == "generic_failure":
            reason, rejected_by, _ = told
    host, peer, asked = target(seen) if direction == "upstream" else caller(seen)
    time, resolution = timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    return Failure(
        time=time,
        direction=direction,
        reason=reason,
        rejected_by=rejected_by,
        host=host,
        peer=peer,
        sni_sent=asked,
        alert=said.alert,
        code=said.code,
        message=_message(seen, said),
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


def _of_a_server(record: Record, said: Said, heard: Heard) -> Failure:
    """The lexicon's meaning, on the leg and with the far end that the server's own record tells."""
    reason, rejected_by = _judged(said, heard.direction)
    time, resolution = timestamps.leading(record.text, record.settings) or (record.time, 1.0)
    return Failure(
        time=time if heard.time is None else heard.time,
        direction=heard.direction,
        reason=heard.reason or reason,
        rejected_by=heard.rejected_by or rejected_by,
        host=heard.host,
        peer=heard.peer,
        alert=said.alert if heard.alert is None else heard.alert,
        code=said.code,
        message=heard.message.strip()[:2000],
        raw=record.text,
        format=NAME,
        resolution=resolution,
    )


def _is_access_line(seen: View) -> bool:
    """A served request: URL, referrer and agent are the client's words, and an answer proves that TLS worked."""
    if seen.fields:
        status = seen.field("status", "status_code", "response_code") or ""
        return status[:1] in "1234" and len(status) == 3 and seen.field("method", "request", "http.method") is not None
    return b"\n" not in seen.text and _REQUEST.search(seen.text, 0, 16_384) is not None


def _speaks_of_tls(seen: View, said: Said) -> bool:
    """X.509's own texts are plain English, and a certificate's life is no handshake: they want a word of TLS near."""
    entries = lexicon.load().entries
    if any(entries[number].stack != "openssl_verify" for number in said.ids):
        return True
    return _TLS_WORD.search(seen.text) is not None


def _judged(said: Said, direction: Direction) -> tuple[str, RejectedBy]:
    """As `lexicon.judge`; some clients' texts name an alert as what it means to a client, here it may be a server's."""
    reason, rejected_by = lexicon.judge(said, direction)
    if direction == "downstream" and rejected_by == "peer" and reason == "rejected" and said.alert is not None:
        alert = lexicon.load().alert(said.alert)
        if alert is not None:
            return alert.reason, rejected_by
    return reason, rejected_by


def _message(seen: View, said: Said) -> bytes:
    """The line on which the deciding text stands, without its logger's head."""
    entries = lexicon.load().entries
    lines = seen.text.split(b"\n")
    chosen = next((line for line in lines if line.strip()), b"")
    if 0 <= said.winner < len(entries):
        text = max(entries[said.winner].text.split("…"), key=len).encode()
        chosen = next((line for line in lines if text in line), chosen)
    head = _HEAD.match(chosen)
    return (chosen[head.end() :] if head else chosen).strip()[:2000]
