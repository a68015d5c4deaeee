"""streams.yaml: what it may say (`model`), how it is read (`load`), and every mistake with its line."""

from service.config.load import load
from service.config.model import (
    Address,
    Alerts,
    Config,
    Detector,
    Evidence,
    FileSource,
    JournaldSource,
    KafkaSource,
    PushSource,
    ScrapeSource,
    Service,
    Source,
    StdinSource,
    Store,
    Stream,
    SyslogSource,
    Webhook,
)

__all__ = [
    "Address",
    "Alerts",
    "Config",
    "Detector",
    "Evidence",
    "FileSource",
    "JournaldSource",
    "KafkaSource",
    "PushSource",
    "ScrapeSource",
    "Service",
    "Source",
    "StdinSource",
    "Store",
    "Stream",
    "SyslogSource",
    "Webhook",
    "load",
]
