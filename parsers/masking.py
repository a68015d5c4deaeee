"""Secrets out, and nothing that plays tricks on a terminal: what every stored or answered text goes through.

When in doubt more is masked, never less: a lost word in a log line is cheaper than a leaked session.
Keys stay (``?token=***``), because that a token was there is part of the evidence. Every pattern starts at a
literal and can't be made to backtrack, so a hostile line costs time in proportion to its length, which is bounded.
"""

import base64
import re
from typing import Final

LIMIT: Final = 8_192
"""Longest input that is looked at, in bytes (of a str: characters); the rest is cut off, and the cut is marked."""

_STARS: Final = "***"

_QUOTED: Final = r"""
        \[ (?: [^\]"] | "[^"\\]*(?:\\.[^"\\]*)*"? )* \]?    # a JSON array of values, as Caddy and Envoy log headers
      | \\+["'] [^"'\\]*(?:\\(?!["'])[^"'\\]*)*             # JSON inside JSON: to the next escaped quote
      | " [^"\\]*(?:\\.[^"\\]*)*                            # quoted, escapes skipped; unclosed: to the end
      | ' [^']*
"""
_SEPARATOR: Final = r"""(?:\\*["'])?[ \t]{0,8}(?:=>|[:=])[ \t]{0,8}"""

_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN ([A-Z0-9 ]{0,40})PRIVATE KEY((?: BLOCK)?)-----"
    r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_HEADER: Final = re.compile(
    rf"""
    ( (?:authorization | cookie2? | x-(?:api-key|auth-token|amz-security-token|vault-token|forwarded-client-cert-key))
      {_SEPARATOR} )
    (?: {_QUOTED} | [^"\n]+ )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_BEARER: Final = re.compile(r"\b(bearer)(\s{1,8})[^\s\"',;]{4,}", re.IGNORECASE)
_SPNEGO: Final = re.compile(
    r"\b((?i:negotiate|ntlm)\s{1,8})(?:YI|oY|TlRM)[A-Za-z0-9+/=]{8,}"
)  # "negotiate protocol" is none
_KEY_LOG: Final = re.compile(
    r"\b(CLIENT_RANDOM|(?:CLIENT|SERVER|EXPORTER)_[A-Z_]{0,40}SECRET(?:_\d)?)(\s{1,8})[0-9a-fA-F]{8,}\s{1,8}[0-9a-fA-F]+"
)
_BASIC: Final = re.compile(r"\b(basic)(\s{1,8})([A-Za-z0-9+/_-]{4,}={0,2})", re.IGNORECASE)
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}")
_WELL_KNOWN: Final = re.compile(
    r"""
    \b(?: (?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA)[A-Z0-9]{16}   # AWS access key ids
      | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,}
      | glpat-[A-Za-z0-9_-]{16,} | xox[abeprs]-[A-Za-z0-9-]{10,}
      | [sr]k_(?:live|test)_[A-Za-z0-9]{10,} | AIza[A-Za-z0-9_-]{30,}
      | hvs\.[A-Za-z0-9_-]{20,} | npm_[A-Za-z0-9]{30,} | pypi-[A-Za-z0-9_-]{30,}
    )
    """,
    re.VERBOSE,
)
_USERINFO: Final = re.compile(r"""(?<=://)[^\s/"'<>?#]{1,512}@""")
_QUERY: Final = re.compile(r"""([?&\#][^=&\s"'?\#<>]{1,128}=)[^&\s"<>\#]+""")
_BARE_QUERY: Final = re.compile(r"""(?<=[\w/])\?[^\s"'&=<>]{8,256}(?![^\s"'&<>])""")
_PAIR: Final = re.compile(
    rf"""
    ( (?:pass(?:word|wd|phrase|code)|pwd|secret(?![_-]?names?\b)|token|api[_-]?key|access[_-]?key|private[_-]key
        |master[_-](?:key|secret)|resumption\ psk|credentials?(?=\\*[\"']|\s{{0,8}}=)|sess(?:ion)?[_-]?id)
      [\w.-]{{0,24}} {_SEPARATOR} )
    (?: {_QUOTED} | [^\s"&]+ )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_FLAG: Final = re.compile(
    r"""(--?[\w-]{0,40}?(?:password|passwd|token|secret|api-?key)\s{1,8})(?!-)(?:"[^"]*|'[^']*|\S+)""", re.IGNORECASE
)
_CURL_USER: Final = re.compile(r"""((?:\s|^)(?:-u|--user|--proxy-user)[\s=]{1,8})(?:"[^"]*|'[^']*|\S+)""")

_VISIBLE: Final = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)},
    0x0D: "\\r",
    # Bidirectional controls reorder what is read (CVE-2021-42574); separators and zero-width characters hide it.
    **{
        code: f"\\u{code:04x}"
        for code in (0x061C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
    },
}


def mask(text: str | bytes) -> str:
    r"""``text`` decoded, bounded, with secrets as ``***`` and control characters as ``\x1b``. Never raises.

    Line feeds and tabs stay. Bytes that are no UTF-8 are shown as ``\xff``.

    >>> mask(b"GET /a?token=s3cr3t&x=1 Cookie: sid=1; b=2")
    'GET /a?token=***&x=*** Cookie: ***'
    >>> mask("https://bob:hunter2@shop.example/ \x1b[31m")
    'https://***@shop.example/ \\x1b[31m'
    """
    given = len(text)
    text = text[:LIMIT]
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    elif not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")  # a lone surrogate can't be stored
    text = _hide(visible(text))
    return text if given <= LIMIT else f"{text} … [cut: {given} in all]"


def visible(text: str) -> str:
    """``text`` with control characters and bidirectional overrides spelt out; for names and short fields."""
    return text if text.isprintable() and text.isascii() else text.translate(_VISIBLE)


def _hide(text: str) -> str:
    """Order matters: what knows a secret's own shape goes before what only knows the key before it."""
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(r"-----BEGIN \1PRIVATE KEY\2-----***", text)
    text = _HEADER.sub(_keep_key, text)
    text = _BEARER.sub(r"\1\2***", text)
    text = _SPNEGO.sub(r"\1***", text)
    text = _KEY_LOG.sub(r"\1\2***", text)
    text = _BASIC.sub(_basic, text)
    text = _JWT.sub(_STARS, text)
    text = _WELL_KNOWN.sub(_STARS, text)
    if "://" in text:
        text = _USERINFO.sub("***@", text)
    if "?" in text or "&" in text or "#" in text:
        text = _QUERY.sub(r"\1***", text)
        text = _BARE_QUERY.sub("?***", text)
    text = _PAIR.sub(_keep_key, text)
    if "-" in text:
        text = _FLAG.sub(r"\1***", text)
        text = _CURL_USER.sub(r"\1***", text)
    return text


def _keep_key(found: re.Match[str]) -> str:
    """The key and the value's opening quote stay; a closing quote was never part of the match."""
    value = found[0][len(found[1]) :]
    opening = value[: len(value) - len(value.lstrip("\\"))]
    quote = value[len(opening) : len(opening) + 1]
    if quote == "[":
        return f'{found[1]}["{_STARS}"]'
    return f"{found[1]}{opening + quote if quote in _QUOTES else ''}{_STARS}"


_QUOTES: Final = frozenset("\"'")


def _basic(found: re.Match[str]) -> str:
    """RFC 7617 credentials decode to ``user:password``; "basic constraints" does not."""
    token = found[3].rstrip("=")
    try:
        decoded = base64.b64decode(
            token + "=" * (-len(token) % 4), altchars=b"-_" if "-" in token or "_" in token else None
        )
    except ValueError:
        decoded = b""
    return f"{found[1]}{found[2]}{_STARS}" if b":" in decoded else found[0]
