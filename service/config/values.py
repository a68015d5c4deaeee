"""How one value is read: a text or number in, the thing meant out, or `Wrong` with what was expected."""

import re
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from parsers import names
from service.config.model import Address
from service.config.tree import Node

Word = TypeVar("Word", bound=str)


class Wrong(Exception):  # noqa: N818 - reads as a verdict, and never leaves this package
    """The value is not usable; the text says which it is, what was expected, and the way out."""


def shown(value: Any) -> str:
    """A value as a message shows it, at most 60 characters."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        clean = "".join(c if c.isprintable() else "?" for c in value)
        return f'"{clean[:57]}..."' if len(clean) > 60 else f'"{clean}"'
    return str(value)[:60]


def text(node: Node) -> str:
    if not isinstance(node.value, str):
        quotes = "; put it in quotes" if isinstance(node.value, int | float) else ""
        raise Wrong(f"{shown(node.value)} is no text{quotes}")
    if not node.value.strip():
        raise Wrong("is empty; write a text, or leave the key out")
    if not node.value.isprintable():
        raise Wrong(f"{shown(node.value)} holds characters that can't be printed")
    return node.value


def switch(node: Node) -> bool:
    """YAML 1.2 knows true and false only; on, off, yes and no are texts there, but meant the same."""
    if isinstance(node.value, bool):
        return node.value
    known = {"on": True, "off": False, "yes": True, "no": False}
    if isinstance(node.value, str) and node.value.lower() in known:
        return known[node.value.lower()]
    raise Wrong(f"{shown(node.value)} is neither on nor off")


def one_of(node: Node, allowed: tuple[Word, ...]) -> Word:
    for word in allowed:
        if node.value == word:
            return word
    raise Wrong(f"{shown(node.value)} is unknown; write {listed(allowed)}{did_you_mean(node.value, allowed)}")


def whole(node: Node, least: int) -> int:
    if isinstance(node.value, bool) or not isinstance(node.value, int) or not least <= node.value <= 2**31:
        raise Wrong(f"{shown(node.value)} is no whole number of {least} or more")
    return node.value


def positive(node: Node) -> float:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1e9:
        raise Wrong(f"{shown(value)} is no number above 0")
    return float(value)


_DURATION: Final = re.compile(r"(?P<sign>[+-]?)(?P<parts>(?:\d{1,9}(?:\.\d{1,6})?(?:ms|[smhdw])){1,6})\Z", re.ASCII)
_DURATION_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|[smhdw])", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def duration(node: Node, least: float = 0.001, most: float = 1e9) -> float:
    """Seconds in ``60s``, ``1h30m``, ``30d``, ``500ms``; negative ones only where ``least`` allows them."""
    match = _DURATION.match(node.value) if isinstance(node.value, str) else None
    if match is None:
        raise Wrong(f"{shown(node.value)} is no duration; write one such as 60s, 90m, 12h or 30d")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(match["parts"]))
    seconds = -seconds if match["sign"] == "-" else seconds
    if not least <= seconds <= most:
        raise Wrong(f"{shown(node.value)} is out of range; from {brief(least)} to {brief(most)}")
    return seconds


_SIZE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)\s?([KMGT]i?)?B\Z", re.ASCII)
_POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def size(node: Node, least: int) -> int:
    """Bytes in ``2GiB``, ``500MB``, ``4096B``."""
    match = _SIZE.match(node.value) if isinstance(node.value, str) else None
    if match is None:
        raise Wrong(f"{shown(node.value)} is no size; write one such as 500MiB or 2GiB")
    unit = match[2] or ""
    count = int(float(match[1]) * (1024 if unit.endswith("i") else 1000) ** _POWERS[unit[:1]])
    if not least <= count <= 2**60:
        raise Wrong(f"{shown(node.value)} is too small or too large; at least {least // 1024**2}MiB")
    return count


def listen_address(node: Node) -> Address:
    """``host:port``, ``[v6]:port``, or ``:port`` for every address of this machine."""
    given = node.value if isinstance(node.value, str) else ""
    host, _, port = given.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else -1
    if host.startswith("["):
        host = host[1:-1] if host.endswith("]") else ""
        good = ":" in host and names.address(host) is not None
    elif given.startswith(":"):
        host, good = "0.0.0.0", True  # noqa: S104 - what the user asked for; the caller wants a token then
    else:
        is_v4 = ":" not in host and names.address(host) is not None
        good = is_v4 or host == "localhost" or names.host(host) is not None
    if not good or not 0 <= number <= 65_535:
        raise Wrong(f"{shown(node.value)} is no address to listen on; write one such as 127.0.0.1:9844 or [::1]:9844")
    return Address(host, number)


def broker(node: Node) -> str:
    peer = names.peer(node.value) if isinstance(node.value, str) else None
    if peer is None and isinstance(node.value, str) and re.match(r"localhost:\d{1,5}\Z", node.value, re.ASCII):
        peer = node.value
    if peer is None or not peer.rpartition(":")[2].isdigit() or ":" not in peer:
        raise Wrong(f"{shown(node.value)} is no broker; write host:port")
    return peer


def server_name(node: Node) -> str:
    name = names.host(node.value) if isinstance(node.value, str) else None
    if name is None:
        raise Wrong(f"{shown(node.value)} is no server name; write one such as shop.example")
    return name


def url(node: Node, wrong: str = "is no address of a receiver; write one such as http://127.0.0.1:9093") -> str:
    given = text(node)
    try:
        parts = urlsplit(given)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise Wrong(f"{shown(given)} {wrong}")
    if parts.username is not None or parts.password is not None:
        raise Wrong("holds a user name or password; secrets don't belong into this file")
    return given


def zone(node: Node) -> str:
    from zoneinfo import ZoneInfo

    given = text(node)
    try:
        ZoneInfo(given)
    except (ValueError, OSError, KeyError):
        raise Wrong(f"{shown(given)} is no time zone; write one such as Europe/Berlin") from None
    return given


def listed(allowed: tuple[str, ...]) -> str:
    return allowed[0] if len(allowed) == 1 else f"{', '.join(allowed[:-1])} or {allowed[-1]}"


def did_you_mean(given: object, allowed: tuple[str, ...]) -> str:
    """`` (did you mean "edge"?)``, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(given[:60].lower(), allowed, 1, 0.7) if isinstance(given, str) else []
    return f' (did you mean "{close[0]}"?)' if close else ""


def brief(seconds: float) -> str:
    """Seconds in the largest unit that divides them.

    >>> brief(86_400), brief(90), brief(-3600), brief(0.001)
    ('1d', '90s', '-1h', '1ms')
    """
    for unit in ("d", "h", "m", "s"):
        if seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:g}{unit}"
    return f"{seconds * 1000:g}ms"
