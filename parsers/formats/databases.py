"""PostgreSQL, MySQL and MariaDB, Redis and Valkey, MongoDB: handshakes with their clients.

Texts: PostgreSQL 9 to 18, ``src/backend/libpq/be-secure-openssl.c``, ``auth.c``, ``src/backend/utils/error``; Redis 6
to 8 and Valkey, ``src/tls.c``, ``src/socket.c``; MongoDB 3.6 to 8, ``src/mongo/transport``, ``src/mongo/util/net``. A
MySQL server writes nothing of TLS. What their *clients* print (``psql: error: ...``) is read as any client's words.
"""

import re
from typing import Final

from parsers import names, timestamps
from parsers.formats.app_heard import NOT_MINE, Answer, Heard
from parsers.formats.app_view import View, view
from parsers.lexicon.said import Said
from parsers.record import Record, Settings

_ACCEPT: Final = re.compile(rb"could not accept SSL connection: (?P<why>[^\n\"]{0,300})")
_REQUIRED: Final = re.compile(
    rb"(?:^|[ \"\n])(?:FATAL:  |FATAL,28000,\")?(?P<why>connection requires a valid client certificate)"
)
_CLIENTS_WORDS: Final = re.compile(
    rb"connection to server at|^psql: |could not connect to server|OperationalError|PSQLException"
)
_SEVERITY: Final = re.compile(rb"(?P<severity>LOG|FATAL|DETAIL|HINT):  ")
_LINE_COUNT: Final = re.compile(rb"(?<=\[)\d{1,9}(?=-)")
_REMOTE: Final = re.compile(rb"(?P<ip>\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{3,45})\((?P<port>\d{1,5})\)")
_CLIENT: Final = re.compile(
    rb"\b(?:client|host|remote)=(?P<ip>\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{3,45})(?=[ ,)\]]|$)"
)
_CSV: Final = re.compile(rb',\d{1,10},"(?P<ip>\[?[0-9a-fA-F.:]{3,60}?\]?):(?P<port>\d{1,5})",')
_WAITS_FOR_DETAIL: Final = re.compile(rb"certificate verify failed|protocol|version|wrong ssl")

_REDIS: Final = re.compile(
    rb"Error accepting a client connection: (?P<why>[^\n]{0,500}?)"
    rb"(?: \(addr=(?P<far>[^\s)]{1,80})[^)\n]{0,200}\)| \(conn: [^)\n]{1,80}\))?\s*$",
    re.MULTILINE,
)
_REDIS_TIME: Final = re.compile(
    rb"(?:\d{1,10}:[A-Z] |\[\d{1,10}\] )(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)"
)
_MONGO_ENDING: Final = re.compile(
    rb"Error receiving request from client[:.] (?:Ending connection from remote"
    rb"|SSLHandshakeFailed: (?P<why>[^\n]{1,800}?)\. Ending connection from (?P<far>\S{3,80}) \()"
)
_MONGO_TLS: Final = re.compile(
    rb"SSLHandshakeFailed|SSL handshake|TLS handshake|SSL peer|SSL connections|error:[0-9A-F]{8}:SSL"
)
_MONGO_FAR: Final = re.compile(
    rb"\b(?:from|remote:) (?P<far>\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}|\[[0-9a-fA-F:]{2,45}\]:\d{1,5})"
)
_MONGO_NO_CERTIFICATE: Final = (23234, 23255)
_MONGO_REFUSED: Final = re.compile(rb'\{"t":[^\n]{0,200}?"id":(?:23234|23255),"ctx":"(?P<ctx>\w{1,40})"')
_MONGO_CONTEXT: Final = re.compile(rb'\{"t":[^\n]{0,200}?"id":\d{1,9},"ctx":"(?P<ctx>\w{1,40})"')
_MONGO_UPSTREAM: Final = re.compile(
    rb"(?i)server certificate does not match|Connection failed to |HostUnreachable|ASIO\b[^\n]{0,40}Failed to connect"
)
_MONGO_HOST: Final = re.compile(
    rb"(?:Hostname: (?P<name>[\w.-]{1,253}) does not match"
    rb"|(?:Failed to connect to|Error connecting to) (?P<dialed>[\w.-]{1,253}):(?P<port>\d{1,5}))"
)


def opens(line: bytes) -> bool:
    """Whether PostgreSQL's DETAIL or HINT may follow (not in CSV and JSON), or MongoDB's end of a refused client."""
    if _MONGO_REFUSED.search(line) is not None:
        return True
    found = _ACCEPT.search(line)
    return (
        found is not None and b"LOG:  could not accept" in line and _WAITS_FOR_DETAIL.search(found["why"]) is not None
    )


def joins(lines: list[bytes], line: bytes) -> bool:
    """MongoDB: the end of the same connection. PostgreSQL: a DETAIL or HINT with the same prefix, ``%l`` aside."""
    refused, ended = _MONGO_REFUSED.search(lines[0]), _MONGO_CONTEXT.search(line)
    if refused is not None:
        return ended is not None and ended["ctx"] == refused["ctx"] and b"SSLHandshakeFailed" in line
    before, after = _SEVERITY.search(lines[0]), _SEVERITY.search(line)
    if before is None or after is None or after["severity"] not in (b"DETAIL", b"HINT"):
        return False
    heads = [_LINE_COUNT.sub(b"", text[: found.start()]) for text, found in ((lines[0], before), (line, after))]
    return heads[0] == heads[1]


def complete(lines: list[bytes]) -> bool:
    """A failure has one of the two, never both."""
    return len(lines) > 1


def hear(record: Record, seen: View, said: Said) -> Answer:
    """The failure in one record, or in PostgreSQL's two, of any of these servers."""
    text = seen.text
    if b"could not accept SSL connection: " in text or b"connection requires a valid client certificate" in text:
        return _postgres(seen)
    if b"Error accepting a client connection: " in text:
        return _redis(record, text)
    if b"SSLHandshakeFailed" in text or (seen.fields and seen.field("c") == "NETWORK"):
        return _mongo(seen)
    if said.winner >= 0 and _SEVERITY.match(text[:200]) and b"HINT:  This may indicate that the client" in text:
        return None
    if b" HINT:  This may indicate that the client" in text:
        return None  # the LOG record before it has told
    return NOT_MINE


def _postgres(seen: View) -> Answer:
    text = seen.text
    if _CLIENTS_WORDS.search(text):
        return NOT_MINE
    peer = None
    host, port = seen.field("remote_host"), seen.field("remote_port")
    if host:
        peer = names.peer(host, port)
    else:
        for pattern in (_CSV, _REMOTE, _CLIENT):
            if (found := pattern.search(text, 0, 2000)) is not None:
                peer = names.peer(found["ip"], found.groupdict().get("port"))
                break
    time = _json_time(seen)
    required = _REQUIRED.search(text)
    if required is not None:
        return Heard("downstream", required["why"], peer, None, "missing", "local", time=time)
    accept = _ACCEPT.search(text)
    why = accept["why"] if accept else b"could not accept SSL connection"
    if why in (b"http request", b"wrong version number"):
        return Heard("downstream", why, peer, None, "not_tls", "local", time=time)
    if why == b"Success":
        return Heard("downstream", why, peer, None, "closed_by_peer", "peer", time=time)
    return Heard("downstream", why, peer, time=time)


def _redis(record: Record, text: bytes) -> Answer:
    found = _REDIS.search(text)
    if found is None:
        return NOT_MINE
    peer = names.peer(found["far"]) if found["far"] else None
    why = found["why"]
    time = _redis_time(record)
    if b"Connection reset by peer" in why:
        return Heard("downstream", why, peer, None, "reset", "peer", time=time)
    if why in (b"(null)", b""):
        return Heard("downstream", why or b"(null)", peer, None, "closed_by_peer", "peer", time=time)
    if b"error:" not in why and b"SSL" not in why:
        return None  # accept() itself failed: too many files, a closed socket
    return Heard("downstream", why, peer, time=time)


def _redis_time(record: Record) -> float | None:
    """``7231:M 21 Nov 2026 01:36:04.579``, local time."""
    found = _REDIS_TIME.match(record.text)
    if found is None:
        return None
    try:
        return timestamps.clf(b"%b/%b/%b:%b" % (found[1].zfill(2), found[2], found[3], found[4]), record.settings.zone)
    except ValueError:
        return None


def _json_time(seen: View) -> float | None:
    """jsonlog's ``2026-11-20 23:42:22.123 UTC``; other zones' names are ambiguous."""
    written = seen.field("timestamp") or ""
    try:
        return timestamps.iso(written.encode(), "UTC") if written.endswith(" UTC") else None
    except ValueError:
        return None


def _mongo(seen: View) -> Answer:
    if not seen.fields and b"\n{" in seen.text:  # the refusal, and what ended it: the end names the client
        seen = view(Record(seen.text.rpartition(b"\n")[2], Settings()))
    text = seen.text
    number = seen.field("id")
    no_certificate = b"o SSL certificate provided by peer" in text or (
        number is not None and number.isdigit() and int(number) in _MONGO_NO_CERTIFICATE
    )
    if not (_MONGO_TLS.search(text) or no_certificate):
        return NOT_MINE
    ending = _MONGO_ENDING.search(text)
    far = seen.field("attr.remote", "remote") or (ending["far"] if ending else None)
    if far is None and (named := _MONGO_FAR.search(text)) is not None:
        far = named["far"]
    why = seen.field("attr.error.errmsg", "errmsg") or (ending["why"] if ending else None)
    why = why or seen.field("msg")
    message = (why.encode() if isinstance(why, str) else why) or text.split(b"\n", 1)[0]
    called = _MONGO_HOST.search(text)
    if ending is None and (called is not None or _MONGO_UPSTREAM.search(text)):
        host = names.host(called["name"] or called["dialed"]) if called else None
        peer = names.peer(called["dialed"] + b":" + called["port"]) if called and called["dialed"] else None
        return Heard("upstream", message, peer, host)
    peer = names.peer(far) if far else None
    if b"only allow SSL connections" in text or b"started without SSL support" in text:
        return Heard("downstream", message, peer, None, "not_tls", "local")
    if no_certificate:
        return Heard("downstream", message, peer, None, "missing", "local")
    return Heard("downstream", message, peer)
