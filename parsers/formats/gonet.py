"""Go's ``net/http`` servers and what is built on them: Kubernetes components, etcd, Consul, Vault, Prometheus ...

Shape: ``net/http`` ``server.go`` (Go 1.0 to 1.25), in any wrapping: standard log, klog, logrus, zap and zerolog JSON,
hclog, slog. What such a program says as a *client* (``failed calling webhook ... Post "https://..."``) is read as `app`
reads it. Times of klog hold no year, those of the standard log no zone.
"""

import re
from typing import Final

from parsers.failure import Failure
from parsers.formats import app
from parsers.lexicon.said import Said
from parsers.record import Record

NAME: Final = "gonet"
SEVERAL_LINES: Final = False

_KLOG: Final = re.compile(rb"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6}\s+\d+ [\w.-]{1,80}:\d+\] ")


def claims(text: bytes) -> bool:
    """A Go server's own line anywhere in it, or a Kubernetes component's klog head."""
    return b"http: TLS handshake error from " in text[:4096] or _KLOG.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    """The failure one record tells of; None where a program merely speaks of TLS."""
    failure = app.read(record, said)
    if failure is not None:
        failure.format = NAME
    return failure
