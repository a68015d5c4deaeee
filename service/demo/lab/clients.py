"""Clients that call the lab's servers: good ones, and the kinds of noise every TLS port knows."""

import socket
import ssl
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Final

_TIMEOUT: Final = 5.0
_USER_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64)"


def get(
    port: int, host: str, path: str, trusted: Path, source: str = "127.0.0.1", user_agent: str = _USER_AGENT
) -> int | None:
    """The status that ``https://host:port/path`` answers; None where the handshake or the exchange failed.

    ``source`` is the client's own address; only Linux has all of 127.0.0.0/8.
    """
    context = ssl.create_default_context(cafile=str(trusted))
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {user_agent}\r\nConnection: close\r\n\r\n"
    try:
        with _connect(port, source) as plain, context.wrap_socket(plain, server_hostname=host) as secured:
            secured.sendall(request.encode())
            answer = secured.makefile("rb").readline(200).split(b" ")
            return int(answer[1]) if len(answer) > 1 else None
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        return None


def connect_and_close(port: int, source: str = "127.0.0.1") -> None:
    """A load balancer's TCP health probe."""
    with suppress(OSError):
        _connect(port, source).close()


def plain_http(port: int, host: str, source: str = "127.0.0.1") -> None:
    """``http://`` spoken to a TLS port."""
    with suppress(OSError), _connect(port, source) as plain:
        plain.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        plain.recv(1024)


def old_tls(port: int, host: str, source: str = "127.0.0.1") -> None:
    """A client that speaks TLS 1.0 and 1.1 only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options &= ~(ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with suppress(OSError), _connect(port, source) as plain, context.wrap_socket(plain, server_hostname=host):
        pass


def _connect(port: int, source: str) -> socket.socket:
    bind = (source, 0) if sys.platform.startswith("linux") else None
    return socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT, source_address=bind)
