"""What streams.yaml may say, as types. Defaults stand here once; the shipped streams.yaml states them."""

from pathlib import Path
from typing import Final, Literal

import msgspec

from parsers.custom_format import CustomFormat
from parsers.names import address
from parsers.vocabulary import Hop


class Address(msgspec.Struct, frozen=True):
    """Where to listen."""

    host: str
    """An IP address without brackets, or a name."""
    port: int
    """0 lets the system choose."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in {"localhost", "::1"} or (address(self.host) or "").startswith("127.")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Secret(msgspec.Struct, frozen=True):
    """A text that must not be printed."""

    value: str

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__


class Service(msgspec.Struct, frozen=True):
    listen: Address = Address("127.0.0.1", 9844)
    data_dir: Path = Path("data")
    token: Secret | None = None
    """From the environment's HANDSPIKE_TOKEN, else from ``token_file``."""
    insecure: bool = False
    """True: may listen beyond loopback without a token."""
    names: tuple[str, ...] = ()
    """Further names under which this service is asked for (its Host headers), lower case."""


Start = Literal["beginning", "end"]
STARTS: Final[tuple[Start, ...]] = ("beginning", "end")
Transport = Literal["udp", "tcp", "tls"]
TRANSPORTS: Final[tuple[Transport, ...]] = ("udp", "tcp", "tls")
KafkaProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
KAFKA_PROTOCOLS: Final[tuple[KafkaProtocol, ...]] = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
KafkaMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
KAFKA_MECHANISMS: Final[tuple[KafkaMechanism, ...]] = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class FileSource(msgspec.Struct, frozen=True, tag="file"):
    path: str
    """Absolute; ``*``, ``?`` and ``[...]`` match several files, rotated ones too."""
    start: Start = "end"
    """Where to begin in files that are there at the very first start."""


class StdinSource(msgspec.Struct, frozen=True, tag="stdin"):
    pass


class KafkaSource(msgspec.Struct, frozen=True, tag="kafka"):
    brokers: tuple[str, ...]
    topic: str = ""
    group: str = "handspike"
    topics: tuple[str, ...] = ()
    """Instead of ``topic``. Of both: a name, or with ``^`` in front a pattern that whole names must match."""
    start: Start = "beginning"
    """Where to begin in topics that are there at the very first start."""
    protocol: KafkaProtocol = "PLAINTEXT"
    mechanism: KafkaMechanism | None = None
    username: str = ""
    password: Secret | None = None
    ca_file: Path | None = None
    """None: the system's authorities."""
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def wanted(self) -> tuple[str, ...]:
        """All names and patterns."""
        return (self.topic, *self.topics) if self.topic else self.topics


class SyslogSource(msgspec.Struct, frozen=True, tag="syslog"):
    listen: Address = Address("127.0.0.1", 5514)
    transport: Transport = "udp"


class PushSource(msgspec.Struct, frozen=True, tag="push"):
    pass


class JournaldSource(msgspec.Struct, frozen=True, tag="journald"):
    unit: str


class ScrapeSource(msgspec.Struct, frozen=True, tag="scrape"):
    url: str
    """Of a Prometheus exposition."""
    interval_seconds: float = 15.0


Source = FileSource | StdinSource | KafkaSource | SyslogSource | PushSource | JournaldSource | ScrapeSource

SOURCES_BUILT: Final = frozenset({"file", "kafka", "scrape", "stdin"})
"""The kinds that this version can read; the others' shape is checked, then they are refused."""


class Stream(msgspec.Struct, frozen=True):
    name: str
    hop: Hop
    source: Source
    format: str = "auto"
    timezone: str = "UTC"
    """IANA name, for timestamps that carry no zone."""
    hosts: dict[str, str] = {}
    """A server name for listeners whose records hold none."""
    clock_offset_seconds: float = 0.0
    """How far the clock behind this stream's timestamps runs ahead of true time; negative: behind."""
    follows: tuple[str, ...] = ()
    """Streams of the hops that this one calls."""


class Evidence(msgspec.Struct, frozen=True):
    raw: bool = True
    """False: no raw text is kept at all."""


class Detector(msgspec.Struct, frozen=True):
    window_seconds: float = 60.0
    """What people are shown as "now"."""
    false_alarms_per_week: float = 1.0
    """Wanted at most, over all keys of all streams."""
    least_failures: int = 5
    """Fewer than this are never a spike."""


class Store(msgspec.Struct, frozen=True):
    retention_seconds: float = 30 * 86_400.0
    max_bytes: int = 2 * 1024**3
    """Beyond this the oldest goes, whatever its age."""


WebhookFormat = Literal["json", "slack"]
WEBHOOK_FORMATS: Final[tuple[WebhookFormat, ...]] = ("json", "slack")


class Webhook(msgspec.Struct, frozen=True):
    url: Secret
    """A chat's address is its password."""
    secret: Secret | None = None
    """Signs what is sent; None: it is not signed."""
    format: WebhookFormat = "json"


class Alerts(msgspec.Struct, frozen=True):
    alertmanager: tuple[str, ...] = ()
    """Base URLs; every one is told."""
    webhooks: tuple[Webhook, ...] = ()
    resend_seconds: float = 60.0
    """How often an Alertmanager is told again of what goes on."""
    page: str | None = None
    """Under which URL people open this service; None: its listen address."""
    runbooks: str = "docs/runbooks"
    """What stands before ``/TLSHandshakeSpike.md`` in ``runbook_url``."""


class Config(msgspec.Struct, frozen=True):
    path: Path
    """The file it was read from."""
    service: Service
    streams: dict[str, Stream]
    """In the file's order; never empty."""
    evidence: Evidence
    detector: Detector
    store: Store
    alerts: Alerts
    formats: dict[str, CustomFormat] = {}
    """The user's own, by name."""
