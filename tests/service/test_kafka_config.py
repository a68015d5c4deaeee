"""The ``kafka`` source in streams.yaml."""

from pathlib import Path

import pytest

from service.config import load
from service.config.model import KafkaSource, Secret
from service.errors import ConfigError


def configured(folder: Path, kafka: str) -> KafkaSource:
    path = folder / "streams.yaml"
    path.write_text(f"streams:\n  edge:\n    source:\n      kafka: {kafka}\n")
    source = load(path).streams["edge"].source
    assert isinstance(source, KafkaSource)
    return source


def wrong(folder: Path, kafka: str) -> str:
    with pytest.raises(ConfigError) as caught:
        configured(folder, kafka)
    return str(caught.value)


def test_everything_can_be_said(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("x")
    (tmp_path / "password").write_text("with blanks in it\n")
    assert configured(
        tmp_path,
        "{brokers: [k1.example:9093, k2.example:9093], topics: [edge, ^lb-.*], group: tls, start: end,"
        " sasl: {mechanism: SCRAM-SHA-512, username: reader, password_file: password},"
        " tls: {ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}}",
    ) == KafkaSource(
        brokers=("k1.example:9093", "k2.example:9093"),
        topics=("edge", "^lb-.*"),
        group="tls",
        start="end",
        protocol="SASL_SSL",
        mechanism="SCRAM-SHA-512",
        username="reader",
        password=Secret("with blanks in it"),
        ca_file=tmp_path / "ca.pem",
        cert_file=tmp_path / "cert.pem",
        key_file=tmp_path / "key.pem",
    )


@pytest.mark.parametrize(
    ("more", "protocol"),
    [("", "PLAINTEXT"), (", tls: {}", "SSL"), (", security_protocol: SSL", "SSL")],
)
def test_the_protocol_is_what_the_rest_asks_for(tmp_path: Path, more: str, protocol: str) -> None:
    assert configured(tmp_path, "{brokers: 'k:9092', topic: t" + more + "}").protocol == protocol


@pytest.mark.parametrize(
    ("kafka", "said"),
    [
        ("{brokers: [k:9092]}", "kafka.topic: is missing"),
        ("{brokers: [k:9092], topic: a, topics: [b]}", "stands beside topic"),
        ("{brokers: [k:9092], topic: 'a b'}", "is no topic"),
        ("{brokers: [k:9092], topic: '^(a'}", "is no pattern"),
        ("{brokers: [k:9092], topic: a, tls: {ca_file: gone.pem}}", "gone.pem\" can't be read"),
        ("{brokers: [k:9092], topic: a, tls: {key_file: streams.yaml}}", "stands without cert_file"),
        ("{brokers: [k:9092], topic: a, sasl: {mechanism: PLAIN, username: u}}", "password_file: is missing"),
        ("{brokers: [k:9092], topic: a, sasl: {mechanism: GSSAPI}}", "GSSAPI"),
        ("{brokers: [k:9092], topic: a, security_protocol: SASL_SSL}", "needs sasl"),
        ("{brokers: [k:9092], topic: a, tls: {}, security_protocol: PLAINTEXT}", "leaves tls unused"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, kafka: str, said: str) -> None:
    assert said in wrong(tmp_path, kafka)
