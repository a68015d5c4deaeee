"""API gateways on OpenResty: what the Lua code of APISIX and Kong writes into nginx's error log.

Texts: ``apache/apisix`` ``apisix/init.lua``, ``apisix/ssl/router/radixtree_sni.lua``; ``Kong/kong``
``kong/runloop/certificate.lua``. Lua chooses the certificate, so it knows the name that nginx does not print.
"""

import re
from typing import Final

from parsers import names

_LUA: Final = re.compile(
    rb"\[(?:lua|kong)\] [\w./-]{1,80}:\d{1,6}:? (?:[\w.<>:/ ]{1,80}\(\): |in function <[^>]{1,80}>: )?"
    rb"(?P<text>[^\n]{0,2000})"
)
_CONTEXT: Final = re.compile(rb", context: [^\n]*\Z")
_ASKED: Final = re.compile(rb"(?:certificate by SNI: |certificate for '|failed to fetch ')(?P<name>[^\s,']{1,253})")
_OF_HANDSHAKES: Final = (b"SNI", b"client certificate ", b"SSL certificate")


def take_apart(message: bytes) -> tuple[bytes, str | None] | None:
    """What Lua says without its place in the code, and the name it says it of; None if it does not speak of TLS."""
    if not message.startswith((b"[lua] ", b"[kong] ")):
        return None
    line = _LUA.match(message)
    if line is None or not any(word in line["text"] for word in _OF_HANDSHAKES):
        return None
    text = _CONTEXT.sub(b"", line["text"])
    asked = _ASKED.search(text)
    return text, names.host(asked["name"]) if asked else None
