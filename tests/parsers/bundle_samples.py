"""Envelopes that hold several records in one line, built as their senders build them."""

import base64
import gzip
import json
from collections.abc import Callable

NANOSECONDS = 1795218142123456000
"""2026-11-20T23:42:22.123456Z."""
MILLISECONDS = NANOSECONDS // 1_000_000


def otlp(lines: list[str]) -> str:
    records = [{"timeUnixNano": str(NANOSECONDS), "body": {"stringValue": line}, "attributes": []} for line in lines]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {}, "logRecords": records}]}]})


def decoded(lines: list[str]) -> str:
    events = [{"id": str(at), "timestamp": MILLISECONDS, "message": line} for at, line in enumerate(lines)]
    return json.dumps(
        {
            "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/ecs/shop", "logStream": "a/b",
            "subscriptionFilters": ["all"], "logEvents": events,
        }
    )  # fmt: skip


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def subscription(lines: list[str]) -> str:
    return json.dumps({"awslogs": {"data": packed(decoded(lines))}})


def firehose(lines: list[str]) -> str:
    half = len(lines) // 2 + 1
    records = [{"data": packed(decoded(part))} for part in (lines[:half], lines[half:])]
    return json.dumps({"requestId": "ed4acda5", "timestamp": MILLISECONDS, "records": records})


def firehose_text(lines: list[str]) -> str:
    data = base64.b64encode("".join(line + "\n" for line in lines).encode()).decode()
    return json.dumps({"requestId": "ed4acda5", "timestamp": MILLISECONDS, "records": [{"data": data}]})


def one_after_another(lines: list[str]) -> str:
    """As Firehose writes into S3: nothing between the messages."""
    half = len(lines) // 2 + 1
    return decoded(lines[:half]) + decoded(lines[half:])


def loki(lines: list[str]) -> str:
    values = [[str(NANOSECONDS), line] for line in lines]
    return json.dumps({"streams": [{"stream": {"app": "shop", "pod": "p"}, "values": values}]})


def journald_bytes(line: str) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": str(MILLISECONDS * 1000), "MESSAGE": list(line.encode()), "_PID": "3"})


def docker(line: str) -> str:
    return json.dumps({"log": line + "\n", "stream": "stderr", "time": "2026-11-20T23:42:22.123456Z"})


def cri(line: str) -> str:
    return "2026-11-20T23:42:22.123456Z stderr F " + line


def cri_in_pieces(line: str) -> str:
    head = "2026-11-20T23:42:22.123456Z stderr "
    pieces = [line[at : at + 700] for at in range(0, len(line), 700)] or [""]
    return "".join(f"{head}P {piece}\n" for piece in pieces[:-1]) + f"{head}F {pieces[-1]}"


BUNDLES: dict[str, Callable[[list[str]], str]] = {
    "otlp": otlp,
    "decoded": decoded,
    "subscription": subscription,
    "firehose": firehose,
    "firehose text": firehose_text,
    "one after another": one_after_another,
    "loki": loki,
    "json array": lambda lines: json.dumps([json.loads(docker(line)) for line in lines]),
    "cri in otlp": lambda lines: otlp([cri(line) for line in lines]),
    "pieces in loki": lambda lines: loki([piece for line in lines for piece in cri_in_pieces(line).split("\n")]),
    "journald bytes in loki": lambda lines: loki([journald_bytes(line) for line in lines]),
    "otlp in docker": lambda lines: docker(otlp(lines)),
    "subscription in cri in pieces": lambda lines: cri_in_pieces(subscription(lines)),
    "loki in syslog": lambda lines: "<13>Nov 20 23:42:22 host prog[12]: " + loki(lines),
    "otlp in docker in subscription in loki": lambda lines: loki([subscription([docker(otlp(lines))])]),
}


def bundled(log: bytes, bundle: Callable[[list[str]], str], size: int) -> bytes:
    """``log`` with ``size`` lines in each bundle."""
    lines = log.decode().split("\n")[:-1]
    return "".join(bundle(lines[at : at + size]) + "\n" for at in range(0, len(lines), size)).encode()
