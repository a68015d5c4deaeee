"""Envoy's access log as text: the default format, Istio's, and listeners' ``"- - -" 0`` lines.

The format string belongs to the user, so values are known by their shape and neighbours, not by a column number:
the request comes first, byte counts follow the transport failure reason, request headers stand in one run of quoted
values (and are the client's own words: never a reason), addresses keep their order (upstream host quoted; downstream
local, downstream remote, then the requested server name).
"""

import re
from typing import Final

from parsers import names
from parsers.failure import Failure
from parsers.formats.envoy_reason import TLS_REASON, cut_short, in_details, judged, when
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Record
from parsers.vocabulary import Direction

_HEAD: Final = re.compile(
    rb"\[(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))\] "
    rb'"(?P<request>[^"\n]{0,8000})" '
)
_TOKEN: Final = re.compile(rb'"[^"\n]*"|[^\s"]+')
_MOST_TOKENS: Final = 64
_FLAGS: Final = re.compile(rb"-|[A-Z][A-Za-z]{1,7}(?:,[A-Z][A-Za-z]{1,7})*\Z")
_ADDRESS: Final = re.compile(rb"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}\Z")
_UPSTREAM_FLAGS: Final = frozenset({b"UF", b"URX", b"UC", b"UH", b"UT"})
_NO_REQUEST: Final = frozenset({b"- - -", b"-", b""})


def claims(text: bytes) -> bool:
    return _HEAD.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    head = _HEAD.match(record.text)
    if head is None:
        raise MalformedRecordError("no Envoy access log head")
    tokens = _TOKEN.findall(record.text, head.end(), min(len(record.text), head.end() + 32_768))[:_MOST_TOKENS]
    if len(tokens) < 2 or not tokens[0].isdigit() or not _FLAGS.match(tokens[1]):
        return None
    code, flags, rest = int(tokens[0]), frozenset(tokens[1].split(b",")), tokens[2:]
    listener = head["request"] in _NO_REQUEST
    if not listener and 0 < code < 500:
        return None
    details = rest[0] if rest else b""
    reason = _reason(rest)
    time, resolution = when(record)
    if listener and not flags & _UPSTREAM_FLAGS:
        direction: Direction = "downstream"
        peer, host = _remote(rest)
    else:
        direction = "upstream"
        # What stands in the record is the name asked of *us*, on the downstream leg; the upstream SNI is not logged.
        peer, host = _upstream_host(rest), None
    failure: Failure | None = None
    if reason is not None:
        failure = judged(said, direction, time=time, host=host, peer=peer, message=reason)
    elif listener and b"NR" in flags and _no_filter_chain(details, rest):
        failure = Failure(
            time=time,
            direction="downstream",
            reason="unrecognized_name" if host else "sni_missing",
            rejected_by="local",
            host=host,
            peer=peer,
            message=b"NR " + (details if details != b"-" else b"filter_chain_not_found"),
        )
    elif direction == "upstream" and b"UF" in flags and (cut := cut_short(details)) is not None:
        failure = Failure(
            time=time, direction="upstream", reason=cut[0], rejected_by=cut[1], peer=peer, message=details
        )
    if failure is not None:
        failure.sni_sent = _sni_sent(direction, host, rest)
        failure.resolution = resolution
        failure.channel = "access"
    return failure


def _reason(rest: list[bytes]) -> bytes | None:
    """The transport failure reason: its own column, else the one inside the response code details."""
    for place, token in enumerate(rest):
        value = token.strip(b'"')
        if not TLS_REASON.match(value):
            continue
        quoted_next = place + 1 < len(rest) and rest[place + 1].startswith(b'"')
        if not (token.startswith(b'"') and quoted_next):
            return value
    return in_details(rest[0]) if rest else None


def _no_filter_chain(details: bytes, rest: list[bytes]) -> bool:
    """``NR`` of a listener without a request: no filter chain matched; a TCP proxy's missing cluster is ``NR``, too."""
    if details == b"filter_chain_not_found":
        return True
    counts = [token for token in rest if token.isdigit()]
    return details == b"-" and counts[:2] == [b"0", b"0"]


def _remote(rest: list[bytes]) -> tuple[str | None, str | None]:
    """Downstream remote address (the last one not quoted) and the requested server name right after it."""
    for place in range(len(rest) - 1, -1, -1):
        token = rest[place].strip(b'"')
        if _ADDRESS.match(token):
            following = rest[place + 1] if place + 1 < len(rest) else b"-"
            return names.peer(token), names.host(following)
    return None, None


def _upstream_host(rest: list[bytes]) -> str | None:
    """The address before the cluster's name, else the last quoted one: headers come before it, our own ends after."""
    quoted = None
    for place, token in enumerate(rest):
        value = token.strip(b'"')
        if not _ADDRESS.match(value):
            continue
        if place + 1 < len(rest) and rest[place + 1].count(b"|") >= 3:
            return names.peer(value)
        if token.startswith(b'"'):
            quoted = value
    return names.peer(quoted) if quoted else None


def _sni_sent(direction: Direction, host: str | None, rest: list[bytes]) -> bool | None:
    """Only a listener line with the column shows it: a name, or ``-`` in the name's place."""
    if direction == "upstream":
        return None
    if host is not None:
        return True
    for place in range(len(rest) - 1, -1, -1):
        if _ADDRESS.match(rest[place].strip(b'"')):
            return False if rest[place + 1 : place + 2] in ([b"-"], [b'"-"']) else None
    return None
