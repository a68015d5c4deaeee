"""The running service as metrics, API and page see it."""

import time
from typing import Any, Final

import msgspec

from service.config.model import Config
from service.engine.engine import Engine
from service.explain import explain
from service.store.commit import Mark, StreamCounts
from service.store.queries import Queries
from service.view import Counters, Readiness, StreamStatus

LAGGING_BYTES: Final = 1


class EngineView:
    """Implements `service.view.View` on committed values."""

    def __init__(self, config: Config, engine: Engine) -> None:
        self._config = config
        self._engine = engine
        self.queries = Queries(engine.store.readers, {name: stream.hop for name, stream in config.streams.items()})

    def streams(self) -> list[StreamStatus]:
        shown = self._engine.shown
        return [self._status(runner, shown) for runner in self._engine.runners]

    def counters(self) -> Counters:
        return self._engine.shown

    def ready(self) -> Readiness:
        engine = self._engine
        if engine.crashed is not None:
            return Readiness("store_unusable", f"the reading thread stopped: {engine.crashed}; restart the service")
        return Readiness(engine.phase, engine.text)

    def add_mark(self, mark: Mark) -> None:
        self._engine.add_mark(mark)

    def explain(self, text: str, hop: str | None, format: str | None) -> list[dict[str, Any]]:
        return explain(text, hop, format)

    def _status(self, runner: Any, shown: Counters) -> StreamStatus:
        stream = runner.stream
        health = runner.latest_health
        counts = shown.streams.get(stream.name) or StreamCounts()
        lag = 0.0 if health.lag_bytes < LAGGING_BYTES else None
        if lag is None and counts.last_record_at is not None:
            lag = max(time.time() - counts.last_record_at, 0.0)
        return StreamStatus(
            name=stream.name,
            hop=stream.hop,
            format=stream.format,
            state=health.state,
            text=health.text,
            lag_seconds=lag if health.state == "reading" else None,
            last_record_at=counts.last_record_at,
            clock_offset_seconds=runner.shown_clock_offset,
            position={"files": health.parts, "unread_bytes": health.lag_bytes},
            counts=msgspec.structs.replace(counts),
        )
