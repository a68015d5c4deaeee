"""Where the service may listen, and by which names it may be called (against DNS rebinding and open ports)."""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def listening_problem(listen: str, token: str | None, insecure: bool) -> str | None:
    """Why handspike must not listen at ``listen`` (``host:port``) like this; None if it may.

    Whoever reaches the port reads log excerpts and may set change markers: so loopback, a token, or a clear word.

    >>> listening_problem("127.0.0.1:9844", None, False) is None
    True
    """
    try:
        host, _ = split_listen(listen)
    except ValueError as problem:
        return str(problem)
    if is_loopback(host) or token or insecure:
        return None
    return (
        f"listening at {listen} would let everyone who reaches it read log excerpts: set service.token_file, "
        "listen at 127.0.0.1, or, where something in front asks for a password, say service.insecure: true"
    )


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[v6]:port``; an empty host is every address.

    Raises:
        ValueError: it is neither.
    """
    host, colon, port = listen.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (":" in bare and bare == host):
        raise ValueError(f'"{listen}" is no address to listen at; write host:port such as 127.0.0.1:9844 or [::1]:9844')
    return bare or "0.0.0.0", int(port)  # noqa: S104 (asked for by an empty host, and judged by listening_problem)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``. A name counts only if it is ``localhost``: others may change."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class OurNames:
    """The Host headers that are ours.

    A page on the web can make a browser send requests here under a name of its own that resolves to our address
    (DNS rebinding), but never under ours, nor under an address. So behind a wildcard address any IP literal is fine.
    """

    def __init__(self, listen_host: str, configured: Iterable[str] = ()) -> None:
        host = _bare(listen_host)
        self.configured = frozenset(_bare(name) for name in configured)
        names = LOOPBACK_NAMES | self.configured | {host}
        self._any_address = _is_wildcard(host)
        if self._any_address:
            names |= {_bare(socket.gethostname())}
        self._names = names

    def include(self, host_header: str) -> bool:
        """Whether this Host header (with or without port) names us. The port is free: forwarded ports differ."""
        name = host_of(host_header)
        if name is None:
            return False
        return name in self._names or (self._any_address and _is_address(name))


def host_of(authority: str) -> str | None:
    """The host of ``host[:port]``, lower case, without brackets or trailing dot; None if it is malformed."""
    if not authority or len(authority) > 300:
        return None
    if authority.startswith("["):
        host, bracket, rest = authority[1:].partition("]")
        well_formed = bool(bracket) and _is_address(host) and (not rest or (rest[0] == ":" and rest[1:].isdigit()))
        return _bare(host) if well_formed else None
    host, colon, port = authority.partition(":")
    if colon and not port.isdigit():
        return None
    return _bare(host) or None


def _bare(host: str) -> str:
    name = host.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    return str(ipaddress.ip_address(name)) if _is_address(name) else name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_wildcard(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified
