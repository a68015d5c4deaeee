"""``handspike serve``: configuration in, a running service out, ended without loss by Ctrl-C or SIGTERM."""

import gc
import hashlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from service.alerts import Alerting
from service.analysis import Analysis
from service.api.app import create_app
from service.api.listening import listening_problem
from service.api.server import HttpServer
from service.config.model import Config, FileSource, KafkaSource, ScrapeSource, Stream
from service.correlator import StreamInfo
from service.detector import DetectorOptions
from service.engine.engine import Engine
from service.engine.runner import Runner
from service.engine.view import EngineView
from service.errors import HandspikeError
from service.sources.file import FileSource as FileReader
from service.sources.source import Source
from service.sources.stdin import StdinSource
from service.sources.wake import Waker
from service.store.store import Store

DRAIN_SECONDS: Final = 10.0
"""At a stop everything read is stored within this time."""


class Service:
    """All parts of one running service; `start`, then `stop`. Tests and the demo use it as ``serve`` does."""

    def __init__(self, config: Config, stdin_stream: str | None = None) -> None:
        """Opens the store and the listening socket.

        Raises:
            HandspikeError: the store or the address can't be used; the message says what to do.
        """
        listen = config.service.listen
        token = None if config.service.token is None else config.service.token.value
        if problem := listening_problem(str(listen), token, config.service.insecure):
            raise HandspikeError(problem)
        self.config = config
        self.waker = Waker()
        self.store = Store.open(
            config.service.data_dir,
            retention_seconds=config.store.retention_seconds,
            max_bytes=config.store.max_bytes,
        )
        try:
            analysis = Analysis(
                [StreamInfo(stream.name, stream.hop, stream.follows) for stream in config.streams.values()],
                DetectorOptions(
                    window=config.detector.window_seconds,
                    false_alarms_per_week=config.detector.false_alarms_per_week,
                    least_failures=config.detector.least_failures,
                ),
            )
            runners = [
                Runner(stream, self._source(stream, stdin_stream), analysis, config.evidence.raw)
                for stream in config.streams.values()
            ]
            self.alerting = Alerting(config.alerts, f"http://{listen}")
            self.engine = Engine(config, self.store, analysis, runners, self.waker, alerting=self.alerting)
            self.view = EngineView(config, self.engine)
            app = create_app(self.view, listen_host=listen.host, token=token, allowed_hosts=config.service.names)
            self.http = HttpServer(app, listen.host, listen.port)
        except OSError as error:
            self.store.close()
            raise HandspikeError(f"cannot listen on {listen}: {error.strerror or error}; see service.listen") from error
        except BaseException:
            self.store.close()
            raise

    @property
    def url(self) -> str:
        return self.http.url

    def start(self) -> None:
        self.http.start()
        self.engine.start()
        self.alerting.start()

    def stop(self) -> None:
        """Everything read is stored, then the doors close."""
        self.alerting.stop()  # before the engine, so that what was delivered is stored
        self.engine.stop(DRAIN_SECONDS)
        self.http.stop()
        self.waker.close()
        self.store.close()

    def _source(self, stream: Stream, stdin_stream: str | None) -> Source:
        if stream.name != stdin_stream and isinstance(stream.source, KafkaSource):
            from service.sources.kafka import KafkaSource as KafkaReader  # its library is large: only where it is used

            place = f"{self.config.service.data_dir.resolve()}/{stream.name}".encode()
            instance = f"handspike-{socket.gethostname()}-{hashlib.sha256(place).hexdigest()[:16]}"
            return KafkaReader(stream.source, wake=self.waker.wake, instance=instance)
        if stream.name != stdin_stream and isinstance(stream.source, ScrapeSource):
            from service.sources.scrape import ScrapeSource as Scraper

            return Scraper(stream.source.url, stream.source.interval_seconds, wake=self.waker.wake)
        if stream.name == stdin_stream or not isinstance(stream.source, FileSource):
            return StdinSource(wake=self.waker.wake)
        reader = FileReader(stream.source.path, stream.source.start)
        reader.attach(self.waker, stream.name)
        return reader


def serve(config: Config, stdin_stream: str | None = None, told: Callable[[Service], None] | None = None) -> None:
    """Runs until SIGINT or SIGTERM, or until the reading thread dies (then exits with that error).

    Raises:
        HandspikeError: it cannot start.
    """
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    service = Service(config, stdin_stream)
    settle_memory()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        service.start()
        _announce(service)
        if told is not None:
            told(service)
        while not stopping.wait(1.0):
            if service.engine.crashed is not None:
                break
    finally:
        service.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    if service.engine.crashed is not None:
        raise service.engine.crashed


def settle_memory() -> None:
    """What is loaded by now stays for good: the collector needn't walk through it again and again.

    Reading Kafka makes many small objects; without this the walks took half of its CPU time.
    """
    gc.collect()
    gc.freeze()


def _announce(service: Service) -> None:
    streams = ", ".join(f"{stream.name} ({stream.hop})" for stream in service.config.streams.values())
    print(f"handspike reads {streams}", file=sys.stderr)
    print(f"page     {service.url}/", file=sys.stderr)
    print(f"metrics  {service.url}/metrics", file=sys.stderr)
    print(f"store    {os.fspath(service.config.service.data_dir)}", file=sys.stderr, flush=True)
