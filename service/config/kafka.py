"""The ``kafka`` kind of a stream's source."""

import re
from pathlib import Path
from typing import Final

from service.config import values
from service.config.model import (
    KAFKA_MECHANISMS,
    KAFKA_PROTOCOLS,
    STARTS,
    KafkaMechanism,
    KafkaProtocol,
    KafkaSource,
    Secret,
)
from service.config.table import Table
from service.config.tree import Node

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}\Z", re.ASCII)
_LONGEST_PATTERN: Final = 249
_MOST_PASSWORD_BYTES: Final = 4096


def read_kafka(table: Table, folder: Path) -> KafkaSource | None:
    """None after a mistake that leaves nothing to read; relative paths are taken from ``folder``."""
    brokers = table.several("brokers", values.broker)
    if not table.holds("brokers"):
        table.wrong("brokers is missing; write a list such as [127.0.0.1:9092]")
    topics = table.several("topics", _topic)
    if table.holds("topics"):
        topic = table.take("topic", _topic, "")
        if topic:
            table.wrong("stands beside topic; keep one of them", "topics")
    else:
        topic = table.need("topic", _topic, "the topic's name") or ""
    group = table.take("group", values.text, "handspike")
    start = table.take("start", lambda node: values.one_of(node, STARTS), STARTS[0])
    mechanism, username, password = _sasl(table.table("sasl"), table.holds("sasl"), folder)
    ca_file, cert_file, key_file = _tls(table.table("tls"), folder)
    protocol = _protocol(table)
    table.close()
    if not brokers or not (topic or topics):
        return None
    return KafkaSource(
        brokers=brokers,
        topic=topic,
        group=group,
        topics=topics,
        start=start,
        protocol=protocol,
        mechanism=mechanism,
        username=username,
        password=password,
        ca_file=ca_file,
        cert_file=cert_file,
        key_file=key_file,
    )


def _topic(node: Node) -> str:
    given = values.text(node)
    if given.startswith("^"):
        try:
            re.compile(given[:_LONGEST_PATTERN])
        except re.error as error:
            raise values.Wrong(f"{values.shown(given)} is no pattern: {error}") from None
        if len(given) > _LONGEST_PATTERN:
            raise values.Wrong(
                f"{values.shown(given)} is too long for a pattern; at most {_LONGEST_PATTERN} characters"
            )
    elif _TOPIC.match(given) is None:
        raise values.Wrong(
            f"{values.shown(given)} is no topic; write a name (letters, digits, - _ .), or a pattern that begins with ^"
        )
    return given


def _protocol(table: Table) -> KafkaProtocol:
    """As written; else what ``sasl`` and ``tls`` ask for."""
    has_sasl, has_tls = table.holds("sasl"), table.holds("tls")
    meant: KafkaProtocol = (
        ("SASL_SSL" if has_tls else "SASL_PLAINTEXT") if has_sasl else ("SSL" if has_tls else "PLAINTEXT")
    )
    protocol = table.take("security_protocol", lambda node: values.one_of(node, KAFKA_PROTOCOLS), meant)
    if protocol.startswith("SASL") and not has_sasl:
        table.wrong(f"{protocol} needs sasl: {{mechanism, username, password_file}}", "security_protocol")
    elif has_sasl and not protocol.startswith("SASL"):
        table.wrong(f"goes unused with {protocol}; write SASL_SSL, or leave sasl out", "security_protocol")
    elif has_tls and "SSL" not in protocol:
        table.wrong(f"leaves tls unused with {protocol}; write {protocol}_SSL or SSL", "security_protocol")
    return protocol


def _sasl(table: Table, is_there: bool, folder: Path) -> tuple[KafkaMechanism | None, str, Secret | None]:
    if not is_there:
        return None, "", None
    mechanism = table.need(
        "mechanism", lambda node: values.one_of(node, KAFKA_MECHANISMS), values.listed(KAFKA_MECHANISMS)
    )
    username = table.need("username", values.text, "the user's name") or ""
    password = table.need(
        "password_file", lambda node: _password(node, folder), "the path of a file that holds the password"
    )
    table.close()
    return mechanism, username, password


def _tls(table: Table, folder: Path) -> tuple[Path | None, Path | None, Path | None]:
    """Absent files: the system's authorities, and no certificate of ours."""
    ca_file = table.take("ca_file", lambda node: _file(node, folder), None)
    cert_file = table.take("cert_file", lambda node: _file(node, folder), None)
    key_file = table.take("key_file", lambda node: _file(node, folder), None)
    if key_file is not None and not table.holds("cert_file"):
        table.wrong("stands without cert_file; name both", "key_file")
    table.close()
    return ca_file, cert_file, key_file


def _file(node: Node, folder: Path) -> Path:
    path = folder / Path(values.text(node)).expanduser()
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise values.Wrong(f'"{path}" can\'t be read: {error.strerror or error}') from None


def _password(node: Node, folder: Path) -> Secret:
    """The file's first and only line; blanks belong to it."""
    path = _file(node, folder)
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_PASSWORD_BYTES + 1).decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        text = ""
    if not 0 < len(text) <= _MOST_PASSWORD_BYTES or not text.isprintable():
        raise values.Wrong(f'"{path}" holds no password: one line of printable characters')
    return Secret(text)
