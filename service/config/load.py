"""Reads streams.yaml; every mistake is found in one go and told with its line."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from parsers import registry
from parsers.custom_format import CustomFormat
from service.config import values
from service.config.alerts import read_alerts
from service.config.model import (
    Config,
    Detector,
    Evidence,
    Secret,
    Service,
    Store,
)
from service.config.own_formats import named, read_formats
from service.config.streams import read_streams
from service.config.table import Mistakes, Table
from service.config.tree import MAX_BYTES, Node, UnreadableError, parse
from service.errors import ConfigError


def load(path: Path, *, runnable: bool = True) -> Config:
    """The configuration in ``path``. ``runnable=False`` lets pass what this version can't do yet.

    Its own formats take the place of those of the configuration loaded before, for the whole process.

    Raises:
        ConfigError: with every mistake there is, or the one that kept the file from being read.
    """
    mistakes = Mistakes(str(path))
    try:
        root, odd = parse(_text(path))
    except UnreadableError as error:
        mistakes.add(error.line, "", str(error))
        raise ConfigError(mistakes.found) from None
    for line, key, text in odd:
        mistakes.add(line, key, text)
    config = _Reader(path, mistakes, runnable).read(root)
    if mistakes.found:
        raise ConfigError(mistakes.found)
    _install(config.formats)
    return config


def _install(own: Mapping[str, CustomFormat]) -> None:
    if not own:
        registry.install({})
        return
    from parsers.formats.custom import Custom  # brings the matcher in, which most configurations do not need yet

    registry.install({name: partial(Custom, definition) for name, definition in own.items()})


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableError(None, "there is no such file; name another with -c") from None
    except OSError as error:
        raise UnreadableError(None, f"can't be read: {error.strerror or error}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(data.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from None


class _Reader:
    def __init__(self, path: Path, mistakes: Mistakes, runnable: bool) -> None:
        self.path = path
        self.folder = path.resolve().parent
        self.mistakes = mistakes
        self.runnable = runnable

    def read(self, root: Node) -> Config:
        top = Table(root, "", self.mistakes)
        own = read_formats(top.table("formats"))
        config = Config(
            path=self.path,
            service=self._service(top.table("service")),
            streams=read_streams(top.table("streams"), self.folder, self.runnable, named(root)),
            formats=own,
            evidence=self._evidence(top.table("evidence")),
            detector=self._detector(top.table("detector")),
            store=self._store(top.table("store")),
            alerts=read_alerts(top.table("alerts"), self._secret, self.mistakes),
        )
        top.close()
        return config

    def _service(self, table: Table) -> Service:
        listen = table.take("listen", values.listen_address, Service().listen)
        service = Service(
            listen=listen,
            data_dir=table.take("data_dir", self._file, self.folder / Service().data_dir),
            token=self._token(table),
            insecure=table.take("insecure", values.switch, False),
            names=table.several("names", values.server_name),
        )
        if not listen.is_loopback and service.token is None and not service.insecure and not table.holds("token_file"):
            table.wrong(
                f'"{listen}" can be reached from other machines: give it a token (token_file, or HANDSPIKE_TOKEN'
                " in the environment), or write insecure: true",
                "listen",
            )
        table.close()
        return service

    def _token(self, table: Table) -> Secret | None:
        from_file = table.take("token_file", self._secret, None)
        if given := os.environ.get("HANDSPIKE_TOKEN", "").strip():
            if not _is_token(given):
                table.wrong("HANDSPIKE_TOKEN in the environment holds blanks or odd characters")
            return Secret(given)
        return from_file

    def _secret(self, node: Node) -> Secret:
        path = self._file(node)
        try:
            with path.open("rb") as file:
                text = file.read(4097).decode("utf-8").strip()
        except OSError as error:
            raise values.Wrong(f'"{path}" can\'t be read: {error.strerror or error}') from None
        except UnicodeDecodeError:
            text = ""
        if not _is_token(text):
            raise values.Wrong(f'"{path}" holds no token: one line of 1 to 4096 printable characters without blanks')
        return Secret(text)

    def _file(self, node: Node) -> Path:
        return self.folder / Path(values.text(node)).expanduser()

    @staticmethod
    def _evidence(table: Table) -> Evidence:
        evidence = Evidence(raw=table.take("raw", values.switch, True))
        table.close()
        return evidence

    @staticmethod
    def _detector(table: Table) -> Detector:
        default = Detector()
        detector = Detector(
            window_seconds=table.take("window", lambda n: values.duration(n, 1, 3600), default.window_seconds),
            false_alarms_per_week=table.take("false_alarms_per_week", values.positive, default.false_alarms_per_week),
            least_failures=table.take("least_failures", lambda n: values.whole(n, 1), default.least_failures),
        )
        table.close()
        return detector

    @staticmethod
    def _store(table: Table) -> Store:
        default = Store()
        store = Store(
            retention_seconds=table.take("retention", lambda n: values.duration(n, 3600), default.retention_seconds),
            max_bytes=table.take("max_size", lambda n: values.size(n, 16 * 1024**2), default.max_bytes),
        )
        table.close()
        return store


def _is_token(text: str) -> bool:
    return 0 < len(text) <= 4096 and text.isascii() and text.isprintable() and " " not in text
