"""Servers whose records `app` reads with help: what each says around its TLS library's words, and what goes together.

A server's reader is asked in turn and says what it heard, that nothing failed, or that the record is not its own.
"""

import re
from typing import Final, Protocol

from parsers.formats import app_proxies, brokers, daemons, databases, mail_servers, postfix, schannel_events
from parsers.formats.app_heard import NOT_MINE, Answer
from parsers.formats.app_view import View
from parsers.lexicon.said import Said
from parsers.record import Record

JOIN_SECONDS: Final = 3.0
"""A server tells of one handshake in one go, in whole seconds; an origin's last record is known to be it after 2."""
LOOK: Final = 6144
"""Bytes of a record that a server's reader looks at: its words stand in front, and each byte costs several searches."""


class _Joining(Protocol):
    """What a server's reader offers if it tells one failure in several records."""

    def opens(self, line: bytes) -> bool: ...

    def joins(self, lines: list[bytes], line: bytes) -> bool: ...

    def complete(self, lines: list[bytes]) -> bool: ...


_FAMILIAR: Final = re.compile(
    rb"SSL_(?:accept|connect) error |certificate verification failed for |TLS library problem: |abort: TLS from "
    rb"|status=(?:deferred|bounced|undeliverable) \(|Untrusted TLS connection|could not accept SSL connection: "
    rb"|HINT:  |DETAIL:  Client cert|TLS :?(?:server|client): In state |>  - [{\w]|VERIFY (?:\w{1,12} )?ERROR: "
    rb'|"id":(?:23234|23255|22988),'
    rb"|OpenSSL: error:|TLS_ERROR: |TLS Error: | at depth: \d"
    rb"|SSL_ERROR_\w{1,10} Error in '|nsd_ossl:|net_ossl:|nsd_gtls:|gnutls returned error on|GnuTLS handshake retry"
    rb"|not permitted to talk to |netstream session 0x|failed to process incoming connection"
)
"""A record without any of these waits for no other and goes on with none: one search instead of a dozen."""
_JOINING: Final[tuple[_Joining, ...]] = (postfix, databases, brokers, daemons)


def joins(lines: list[bytes], line: bytes) -> bool:
    """Whether ``line`` goes on with the open record made of ``lines``, of the same process or file."""
    line = line[:LOOK]
    if _FAMILIAR.search(line) is None:
        return False
    first = lines[0][:LOOK]
    for server in _JOINING:
        if server.opens(first):
            return server.joins([text[:LOOK] for text in lines], line)
    return False


def complete(lines: list[bytes]) -> bool:
    """Whether nothing more needs to be waited for; true of nearly every record there is."""
    first = lines[0][:LOOK]
    if _FAMILIAR.search(first) is None:
        return True
    for server in _JOINING:
        if server.opens(first):
            return server.complete([text[:LOOK] for text in lines])
    return True


def hear(record: Record, seen: View, said: Said) -> Answer:
    """What the server that wrote the record says of the failure."""
    if len(seen.text) > LOOK:
        seen = View(seen.text[:LOOK], seen.spoken[:LOOK], seen.fields)
    text = seen.text
    heard = postfix.hear(text, said)
    if heard == NOT_MINE:
        heard = mail_servers.hear(text, said)
    if heard == NOT_MINE:
        heard = databases.hear(record, seen, said)
    if heard == NOT_MINE:
        heard = brokers.hear(seen, said)
    if heard == NOT_MINE:
        heard = daemons.hear(text, said, record.settings.hop)
    if heard == NOT_MINE:
        heard = schannel_events.hear(record, seen, said)
    if heard == NOT_MINE:
        heard = app_proxies.hear(text, record.settings, said)
    return heard
