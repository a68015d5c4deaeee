"""A view that holds what a test puts into it, and a real HTTP server on a free loopback port around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from service.api.app import create_app
from service.api.server import HttpServer
from service.store.commit import Mark
from service.view import Counters, Readiness, StreamStatus, UnknownNameError


class FakeView:
    """Not a service: it answers what it was given."""

    def __init__(self, streams: list[StreamStatus] | None = None, queries: Any = None) -> None:
        self.status = streams if streams is not None else [StreamStatus("edge", "edge", "nginx", "reading")]
        self.counted = Counters()
        self.readiness = Readiness("ready")
        self.marks: list[Mark] = []
        self.queries = queries
        self.asked_to_explain: list[tuple[str, str | None, str | None]] = []

    def streams(self) -> list[StreamStatus]:
        return self.status

    def counters(self) -> Counters:
        return self.counted

    def ready(self) -> Readiness:
        return self.readiness

    def add_mark(self, mark: Mark) -> None:
        self.marks.append(mark)

    def explain(self, text: str, hop: str | None, format: str | None) -> list[dict[str, Any]]:
        if format not in (None, "nginx", "haproxy"):
            raise UnknownNameError(f'format: "{format}" is no format; there are nginx, haproxy')
        self.asked_to_explain.append((text, hop, format))
        return [{"failure": True, "message": line} for line in text.splitlines()]


@contextmanager
def serving(view: Any, *, head_seconds: float = 10.0, **options: Any) -> Iterator[httpx.Client]:
    """A client of a real server over ``view``."""
    with listening(create_app(view, **options), head_seconds=head_seconds) as client:
        yield client


@contextmanager
def listening(app: FastAPI, *, head_seconds: float = 10.0) -> Iterator[httpx.Client]:
    """A client of a real server that runs ``app``; exchange ``app.state.view`` to show it something else."""
    server = HttpServer(app, "127.0.0.1", 0, head_seconds=head_seconds)
    server.start()
    try:
        with httpx.Client(base_url=server.url, trust_env=False, timeout=10) as client:
            yield client
    finally:
        server.stop()
