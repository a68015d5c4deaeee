"""Server names and peer addresses as records write them, made comparable; placeholders become None.

A name is what a client asked for, so it may come from an attacker: it is bounded, checked, and lower case.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Final

import idna

from parsers.memo import remembered

_LABEL: Final = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_DNS_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
_PLACEHOLDERS: Final = frozenset({"", "-", "_", "*", "null", "none", "(null)", "(none)", "unknown", "localhost", '""'})
_MESH_SNI: Final = re.compile(r"(?:outbound|inbound)_\.\d*_\.[^_]*_\.(.+)\Z")


@remembered(16_384)
def host(text: bytes | str) -> str | None:
    """The server name in ``text``: lower case, punycode, no port, no trailing dot; None for what is no name.

    Addresses, wildcards and placeholders are no names (RFC 6066 section 3: SNI holds DNS names only). Istio's
    ``outbound_.8443_._.cart.shop.svc.cluster.local`` is the part after ``_._.``.

    >>> host(b"API.Shop.example.:8443"), host("[::1]:443"), host("0.0.0.0"), host("_"), host("bücher.example")
    ('api.shop.example', None, None, None, 'xn--bcher-kva.example')
    """
    name = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    name = name.strip().strip("\"'").lower()
    if len(name) > 320 or name in _PLACEHOLDERS or name.startswith("["):
        return None
    head, colon, port = name.rpartition(":")
    if colon:
        if ":" in head or not port.isdigit():
            return None
        name = head
    if name.startswith(("outbound_.", "inbound_.")) and (mesh := _MESH_SNI.match(name)):
        name = mesh[1]
    name = name.removesuffix(".")
    if name in _PLACEHOLDERS or name.startswith("*"):
        return None
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    if not _DNS_NAME.match(name) or address(name) is not None or name.rpartition(".")[2].isdigit():
        return None
    return name


def peer(text: bytes | str, port: bytes | str | None = None) -> str | None:
    """The peer in ``text``: ``ip``, ``ip:port``, ``[v6]:port`` or ``name:port``; None if it is neither.

    IPv4 addresses mapped into IPv6 come out as IPv4 (RFC 4291 section 2.5.5.2).

    >>> peer(b"192.0.2.7:51000"), peer("::ffff:192.0.2.7"), peer("2001:DB8::1", "443"), peer("unix:")
    ('192.0.2.7:51000', '192.0.2.7', '[2001:db8::1]:443', None)
    """
    if len(text) > 320:
        return None
    return _peer(text, port if port is None or len(port) <= 5 else None)


@lru_cache(maxsize=16_384)
def _peer(text: bytes | str, port: bytes | str | None) -> str | None:
    far = (text.decode("ascii", "replace") if isinstance(text, bytes) else text).strip()
    number = (port.decode("ascii", "replace") if isinstance(port, bytes) else port) or ""
    plain = address(far.removeprefix("[").removesuffix("]"))
    if plain is None:
        head, colon, tail = far.rpartition(":")
        if not colon or not tail.isdigit() or len(tail) > 5:
            return None
        number = tail
        plain = address(head.removeprefix("[").removesuffix("]")) or host(head)
        if plain is None:
            return None
    if not (number.isascii() and number.isdigit()) or number == "0":
        return plain
    return f"[{plain}]:{number}" if ":" in plain else f"{plain}:{number}"


@remembered(16_384)
def address(text: str) -> str | None:
    """``text`` as an IP address in its shortest form, or None."""
    if len(text) > 60:
        return None
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def is_safe_in_a_command(text: str) -> bool:
    """Whether a host or address may be shown inside a command to copy: a DNS name or an IP address, nothing else."""
    return address(text) is not None or _DNS_NAME.match(text) is not None
