"""Host and peer in an application's record: whom it called, or who called it, in the words of many runtimes."""

import re
from typing import Final

from parsers import names
from parsers.formats.app_view import View

_NAME: Final = rb"[A-Za-z0-9_\x80-\xff][A-Za-z0-9_.\x80-\xff-]{0,252}"
_IP: Final = (
    rb"(?:(?:::[fF]{4}:)?\d{1,3}(?:\.\d{1,3}){3}"
    rb"|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:\d{1,3}(?:\.\d{1,3}){3})?)"
)


def _pattern(text: bytes) -> re.Pattern[bytes]:
    return re.compile(text.replace(b"%NAME", _NAME).replace(b"%IP", _IP).replace(b"%PORT", rb"(?P<port>\d{1,5})"))


_SERVER_NAME: Final = _pattern(
    rb"(?:server_?name|server_hostname|\bsni|\bSNI|tls\.server_name|ServerName)[\"']?\s?[:=]\s?[\"']?(?P<host>%NAME)"
)

_TARGETS: Final = tuple(
    _pattern(text)
    for text in (
        rb"HTTPS?Connection(?:Pool)?\(host=['\"](?P<host>[^'\"\s]{1,253})['\"], port=%PORT",
        rb"Cannot connect to host (?P<host>[^\s:]{1,253}):%PORT",
        rb"Connected to (?P<host>%NAME|\(nil\)) \((?P<ip>%IP)\) port %PORT",
        rb"Established connection to (?P<host>%NAME) \((?P<ip>%IP) port %PORT\)",
        rb"connection to server at \"(?P<host>%NAME)\"(?: \((?P<ip>%IP)\))?, port %PORT",
        rb"(?:onnect(?:ion|ed|ing)?|ode -?\d{1,9}) (?:to )?(?:node -?\d{1,9} )?\(?(?P<host>%NAME)/(?P<ip>%IP):%PORT",
        rb"[Cc]onnect to (?:https://)?(?P<host>%NAME):%PORT(?: \[[^\]/\n]{0,253}/(?P<ip>%IP)\])?",
        rb"(?:connection|connect|connecting|dial|dialing)(?: tcp)? (?:to|for) \\?[\"']?(?P<host>%NAME):%PORT",
        rb"Addr: \\?\"(?P<host>%NAME):%PORT",
        rb"(?<![Mm]ore details here: )(?<![Ss]ee )(?<![Ss]ee: )\b(?:https|wss|grpcs|amqps|ldaps|mqtts|rediss|kafkas)://"
        rb"(?:[^\s/@\"']{1,200}@)?(?P<host>\[[0-9a-fA-F:.]{2,45}\]|%NAME)(?::%PORT)?(?=[/\s\"'):;,>?#]|$)",
        rb"\bhost: '(?P<host>%NAME)',(?:[^}]{0,200}?\bport: '?%PORT)?",
        rb"\bhostname: '(?P<host>%NAME)',",
        rb"Could not resolve host: (?P<host>%NAME)",
        rb"Verified peername: (?P<host>%NAME)",
    )
)
"""Most telling first: a pool's or connector's own words, then the URL, then loose properties."""

_MISMATCHES: Final = tuple(
    _pattern(text)
    for text in (
        rb"x509: certificate is valid for [^\n\"]{0,1000}, not (?P<host>%NAME)",
        rb"x509: certificate is not valid for any names, but wanted to match (?P<host>%NAME)",
        rb"No subject alternative DNS name matching (?P<host>%NAME) found",
        rb"No name matching (?P<host>%NAME) found",
        rb"certificate is not valid for '(?P<host>%NAME)'",
        rb"[Hh]ostname '(?P<host>%NAME)' doesn't match",
        rb"target host(?: ?name)? '(?P<host>%NAME)'",
        rb"requested host name [`'\"](?P<host>%NAME)",
        rb"altnames: Host: (?P<host>%NAME)\.? is not",
        rb"Certificate for <(?P<host>%NAME)> doesn't match",
        rb"[Hh]ost name '(?P<host>%NAME)' does not match",
        rb"Hostname (?P<host>%NAME) not verified",
        rb"does not match (?:target )?host ?name '?\"?(?P<host>%NAME)",
        rb"certificate not valid for name \"(?P<host>%NAME)\"",
    )
)

_FAR_END: Final = _pattern(rb"(?:read|write) tcp (?:%IP|\[%IP\]):\d{1,5}->(?P<far>\[?%IP\]?:\d{1,5})")
_CONNECTING_TO: Final = _pattern(rb"(?:\A|\n)Connecting to (?P<ip>%IP)(?=\s|\Z)")
_SUBJECT: Final = _pattern(rb"(?:\A|\n)(?:depth=0 | 0 s:)[^\n]{0,500}\bCN ?= ?(?P<host>%NAME)")
_DEFAULT_PORT: Final = "443"

_CALLERS: Final = tuple(
    _pattern(text)
    for text in (
        rb"\bfrom (?P<far>\[?%IP\]?(?::\d{1,5})?)",
        rb"\b(?:ip|client|rip|remote|peer|remote[_ -]?[aA]ddr(?:ess)?|client[_ -]?ip|remoteAddress)"
        rb"[\"']?[ =:]{1,3}[\"'/]?(?P<far>\[?%IP\]?(?::\d{1,5})?)",
        rb"IP address \[(?P<ip>%IP)\] and port \[%PORT\]",
        rb"R:/(?P<far>\[?%IP\]?:\d{1,5})",
        rb"\(addr=(?P<far>\[?%IP\]?:\d{1,5})",
        rb"peername=\('(?P<ip>%IP)', %PORT",
        rb"\b(?:peer|client|from) \('(?P<ip>%IP)', %PORT",
    )
)

_URL_FIELDS: Final = (
    "url",
    "uri",
    "http.url",
    "url.full",
    "request.url",
    "requesturl",
    "target",
    "endpoint",
    "baseurl",
)
_HOST_FIELDS: Final = (
    "server_name",
    "servername",
    "sni",
    "tls.server_name",
    "target_host",
    "targethost",
    "peer_host",
    "remote_host",
)
_CALLER_FIELDS: Final = (
    "remote-addr",
    "remote_addr",
    "remoteaddr",
    "remoteaddress",
    "client_ip",
    "client",
    "remote_ip",
    "peer",
)


def target(seen: View) -> tuple[str | None, str | None, bool | None]:
    """Host, peer and "was a server name sent" of the server that was called."""
    text = seen.spoken
    host, peer = _called(seen)
    named = _SERVER_NAME.search(text)
    name = seen.field(*_HOST_FIELDS) or (named["host"] if named else None)
    sent = names.host(name) if name else None
    if sent is None:
        sent = _first_host(_MISMATCHES, text) if host is None else None
    far = _FAR_END.search(text)
    if far is not None:
        peer = names.peer(far["far"])
    elif peer is None and (connecting := _CONNECTING_TO.search(text)) is not None:
        peer = names.peer(connecting["ip"])
    host = sent or host
    if host is None and (subject := _SUBJECT.search(text)) is not None and b"ostname mismatch" not in text:
        host = names.host(subject["host"])  # s_client prints no name it asked for; what it was shown comes nearest
    return host, peer, True if name and sent else None


def caller(seen: View) -> tuple[str | None, str | None, bool | None]:
    """Host asked for, peer and "was a server name sent" of the client that called."""
    named = _SERVER_NAME.search(seen.spoken)
    name = seen.field("server_name", "servername", "server-name", "sni", "tls.server_name") or (
        named["host"] if named else None
    )
    host = names.host(name) if name else None
    peer = None
    for pattern in _CALLERS:
        if (found := pattern.search(seen.spoken)) is not None:
            groups = found.groupdict()
            peer = names.peer(groups.get("far") or groups.get("ip") or b"", groups.get("port"))
            if peer is not None:
                break
    if peer is None and (field := seen.field(*_CALLER_FIELDS)) is not None:
        peer = names.peer(field)
    return host, peer, True if host else None


def _called(seen: View) -> tuple[str | None, str | None]:
    for text in (seen.spoken, (seen.field(*_URL_FIELDS) or "").encode()):
        for pattern in _TARGETS:
            for found in pattern.finditer(text, 0, 65_536):
                groups = found.groupdict()
                host = names.host(groups["host"])
                port = groups.get("port") or (
                    _DEFAULT_PORT.encode() if groups["host"] in found[0] and b"://" in found[0] else None
                )
                address = names.peer(groups.get("ip") or groups["host"], port)
                if host is None and address is None:
                    continue
                if address is None and host is not None and port:
                    address = names.peer(host.encode() + b":" + port)
                return host, address
    return None, None


def _first_host(patterns: tuple[re.Pattern[bytes], ...], text: bytes) -> str | None:
    for pattern in patterns:
        if (found := pattern.search(text)) is not None and (host := names.host(found["host"])) is not None:
            return host
    return None
