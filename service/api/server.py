"""Runs the HTTP application: uvicorn in a thread of its own, so signals and the main loop stay the caller's."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS: Final = 256
"""Beyond these a request is answered 503 at once."""
HEAD_SECONDS: Final = 10.0
"""A connection that has not sent a whole request head by then is closed (slow-loris clients)."""
LARGEST_HEAD: Final = 32 * 1024
"""Bytes of an unfinished request head; one that came whole may be longer by one read of the socket (256 KiB)."""
GRACE_SECONDS: Final = 5


class HttpServer:
    """One listening socket and its thread.

    Listens (but does not answer) as soon as it is made, so a taken port is told at the start.

    Raises:
        OSError: the address is taken or not ours.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, *, head_seconds: float = HEAD_SECONDS) -> None:
        self._socket = _listen(host, port)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        protocol = type("BoundedProtocol", (_BoundedProtocol,), {"head_seconds": head_seconds})
        # uvicorn's own log lines add nothing to ours: only what is an error may come through.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._thread = threading.Thread(target=self._run, name="handspike-http", daemon=True)

    @property
    def url(self) -> str:
        """Where a person looks: a wildcard address is shown as loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 (only shown)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """Answers from here on."""
        self._thread.start()

    def stop(self) -> None:
        """Lets running answers finish (at most `GRACE_SECONDS`), then closes."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(GRACE_SECONDS + 5)
        self._socket.close()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._server.run(sockets=[self._socket])


def run(
    app: ASGIApp,
    host: str,
    port: int,
    stop_event: threading.Event,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serves until ``stop_event`` is set, then closes gracefully. Port 0: any free one; ``on_listening`` gets the URL.

    Raises:
        OSError: the address is taken or not ours.
        RuntimeError: the server ended by itself.
    """
    server = HttpServer(app, host, port)
    server.start()
    try:
        if on_listening is not None:
            on_listening(server.url)
        while not stop_event.wait(0.5):
            if not server.is_alive:
                raise RuntimeError(f"the HTTP server at {server.url} ended by itself; the log says why")
    finally:
        server.stop()


class _BoundedProtocol(H11Protocol):
    """uvicorn's protocol with a deadline for the request head, which uvicorn itself does not have."""

    head_seconds: float = HEAD_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """A request under way needs no deadline; without one, the first that was set stays."""
        if self._is_answering():
            self._forget()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.head_seconds, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        if not self._is_answering() and not self.transport.is_closing():
            self.transport.close()

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete


def _listen(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=128)
