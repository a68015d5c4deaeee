"""Records the incident that ``handspike demo`` replays: real nginx, HAProxy and clients on loopback, really broken.

    python -m tests.record_demo [FOLDER]        # default: service/demo/recording; takes a minute and a half

What it writes is what the programs wrote, byte for byte, but for one thing: HAProxy logs to a syslog daemon only, so
`service.demo.lab.haproxy` receives its datagrams and appends them to lb.log without their ``<PRI>``, as rsyslog would.
Times are UTC.
"""

import argparse
import json
import ssl
import subprocess
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import service.demo
from service.demo.lab import Shop, find_program
from service.demo.lab.process import version
from service.demo.lab.shop import API, STREAMS

HEALTHY_SECONDS, BROKEN_SECONDS, REPAIRED_SECONDS = 20.0, 40.0, 20.0
RECORDING = Path(service.demo.__file__).with_name("recording")


def record(into: Path, healthy: float, broken: float, repaired: float) -> dict[str, Any]:
    """Runs the shop and writes ``into``/{edge,lb,ingress,app}.log and truth.json; gives the truth."""
    python = system_python()
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        logs = Path(folder) / "logs"
        with Shop(Path(folder) / "run", logs, python) as shop:
            started = datetime.now(UTC)
            time.sleep(healthy)
            broke = shop.break_lb()
            time.sleep(broken)
            mended = shop.repair_lb()
            time.sleep(repaired)
            ended = datetime.now(UTC)
        into.mkdir(parents=True, exist_ok=True)
        for stream in STREAMS:
            (into / f"{stream}.log").write_bytes((logs / f"{stream}.log").read_bytes())
    truth = {
        "about": "One incident, logged by real programs on loopback. All times are UTC, those in the logs too.",
        "recorded": started.date().isoformat(),
        "programs": versions(python),
        "window": {"start": stamp(started), "end": stamp(ended)},
        "origin": {"stream": "lb", "hop": "lb", "host": API, "family": "certificate", "reason": "expired"},
        "events": [
            {
                "at": stamp(broke),
                "stream": "lb",
                "what": "HAProxy was reloaded with a certificate that had expired the day before",
            },
            {"at": stamp(mended), "stream": "lb", "what": "HAProxy was reloaded with a valid certificate"},
        ],
        "streams": {
            "edge": "nginx, error log (info) and access log in one file; verifies lb",
            "lb": "HAProxy, option httpslog and error-log-format; syslog datagrams written to a file without <PRI>",
            "ingress": "nginx, error log (info) and access log in one file",
            "app": "a Python worker that calls lb, with tracebacks",
        },
        "noise": [
            {"stream": "edge", "every_seconds": 5, "what": "TCP probe: connects and closes"},
            {"stream": "lb", "every_seconds": 7, "what": "plain HTTP on the TLS port"},
            {"stream": "edge", "every_seconds": 9, "what": "a client with TLS 1.0 and 1.1 only"},
        ],
    }
    (into / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    return truth


def versions(python: str) -> dict[str, str]:
    library = subprocess.run(
        [python, "-c", "import platform, ssl; print(platform.python_version(), 'with', ssl.OPENSSL_VERSION)"],
        capture_output=True,
        check=True,
        text=True,
    )
    return {
        "nginx": version("nginx", "-v"),
        "haproxy": version("haproxy", "-v"),
        "openssl": version("openssl", "version"),
        "python": library.stdout.strip() or ssl.OPENSSL_VERSION,
    }


def system_python() -> str:
    """The distribution's, whose traces name the usual folders; else the one that runs this."""
    import sys

    usual = Path("/usr/bin/python3")
    with suppress(OSError, subprocess.CalledProcessError):
        subprocess.run([usual, "-c", "import ssl, http.client"], check=True, capture_output=True)
        return str(usual)
    return sys.executable


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    parser = argparse.ArgumentParser(description="Records the incident that `handspike demo` replays.")
    parser.add_argument("folder", nargs="?", type=Path, default=RECORDING)
    arguments = parser.parse_args()
    find_program("nginx", "haproxy", "openssl")
    truth = record(arguments.folder, HEALTHY_SECONDS, BROKEN_SECONDS, REPAIRED_SECONDS)
    for event in truth["events"]:
        print(event["at"], event["stream"], event["what"])


if __name__ == "__main__":
    main()
