"""``kill -9`` at any moment: every count comes out exact, and the incidents are those of an uninterrupted run."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.service.live import LiveService

STREAMS = """
  edge: {hop: edge, format: nginx, source: {file: {path: edge.log, start: beginning}}}
  web: {hop: ingress, format: apache, source: {file: {path: web.log, start: beginning}}}
  mesh: {hop: mesh, format: auto, source: {file: {path: mesh.log, start: beginning}}}
  app: {hop: app, format: app, follows: [edge], source: {file: {path: app.log, start: beginning}}}
"""


def edge_log(start: float, rng: random.Random) -> list[bytes]:
    """nginx: healthy access lines, probes, and from the middle on an expired certificate upstream."""
    lines = []
    for second in range(120):
        at = time.gmtime(start + second)
        head = time.strftime("%Y/%m/%d %H:%M:%S", at)
        for _ in range(5):
            clf = time.strftime("%d/%b/%Y:%H:%M:%S +0000", at)
            lines.append(f'192.0.2.{rng.randrange(250)} - - [{clf}] "GET /handshake HTTP/1.1" 200 3 "-" "-"')
        if second % 5 == 0:
            lines.append(
                f"{head} [info] 7#7: *{second} client closed connection while SSL handshaking,"
                " client: 192.0.2.9, server: 0.0.0.0:443"
            )
        if 60 <= second < 90:
            lines += [
                f"{head} [error] 7#7: *{second} upstream SSL certificate verify error: (10:certificate has expired)"
                " while SSL handshaking to upstream, client: 192.0.2.8, server: www.shop.example,"
                ' request: "GET / HTTP/1.1", upstream: "https://198.51.100.7:443/", host: "www.shop.example"'
            ] * 3
    return [line.encode() + b"\n" for line in lines]


def web_log(start: float) -> list[bytes]:
    """Apache: pairs of an AH line and the library's line, interleaved between two threads."""
    lines = []
    for second in range(120):
        stamp = time.strftime("%a %b %d %H:%M:%S", time.gmtime(start + second))
        year = time.strftime("%Y", time.gmtime(start + second))
        for thread in (1, 2):
            lines.append(
                f"[{stamp}.{thread}00000 {year}] [ssl:info] [pid 5:tid {thread}] [client 192.0.2.{thread}:{40000 + second}]"
                " AH02008: SSL library error 1 in handshake (server www.shop.example:443)"
            )
        for thread in (1, 2):
            lines.append(
                f"[{stamp}.{thread}00100 {year}] [ssl:info] [pid 5:tid {thread}] SSL Library Error:"
                " error:0A000418:SSL routines::tlsv1 alert unknown ca (SSL alert number 48)"
            )
    return [line.encode() + b"\n" for line in lines]


def mesh_log(start: float) -> list[bytes]:
    """Envoy's listener access log in a container's file, some of its lines split into CRI pieces."""
    lines = []
    for second in range(120):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(start + second))
        said = (
            f'[{stamp}.250Z] "- - -" 0 - - "TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:'
            f'TLS_error_end" 0 0 2 192.0.2.4:8443 192.0.2.77:{41000 + second} api.shop.example'
        )
        quiet = f'[{stamp}.300Z] "- - -" 0 - - "-" 10 20 2 192.0.2.4:8443 192.0.2.78:{42000 + second} api.shop.example'
        cut = said.index("VERIFY")
        lines += [
            f"{stamp}.250000001Z stdout P {said[:cut]}",
            f"{stamp}.250000001Z stderr F not of this record",
            f"{stamp}.250000002Z stdout F {said[cut:]}",
            f"{stamp}.300000000Z stdout F {quiet}",
        ]
    return [line.encode() + b"\n" for line in lines]


def app_log(start: float) -> list[bytes]:
    """A Python worker: one line when it works, a traceback with two causes when it does not."""
    lines = []
    for second in range(120):
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(start + second))
        lines.append(f"{stamp},100 INFO [orders] GET https://api.shop.example/v1 -> 200 in 7 ms")
        if second % 2:
            lines += [
                f"{stamp},500 ERROR [orders] sync failed",
                "Traceback (most recent call last):",
                '  File "/usr/lib/python3.11/ssl.py", line 1383, in do_handshake',
                "    self._sslobj.do_handshake()",
                "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:"
                " certificate has expired (_ssl.c:1006)",
                "",
                "During handling of the above exception, another exception occurred:",
                "",
                "Traceback (most recent call last):",
                '  File "/srv/orders.py", line 8, in <module>',
                "    session.get(url)",
                "requests.exceptions.SSLError: HTTPSConnectionPool(host='api.shop.example', port=443): Max retries"
                " exceeded with url: /v1 (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]"
                " certificate verify failed: certificate has expired (_ssl.c:1006)')))",
            ]
    return [line.encode() + b"\n" for line in lines]


def write_in_pieces(files: dict[Path, bytes], rng: random.Random, between: Any) -> None:
    """Appends all files side by side in pieces that end anywhere, and calls ``between`` after each round."""
    done = dict.fromkeys(files, 0)
    while any(done[path] < len(text) for path, text in files.items()):
        for path, text in files.items():
            size = rng.randrange(1, max(len(text) // 40, 2))
            with path.open("ab") as file:
                file.write(text[done[path] : done[path] + size])
            done[path] += size
        between()


def scanned(folder: Path) -> dict[str, Any]:
    """What one uninterrupted scan of the finished files finds."""
    command = [str(Path(sys.executable).with_name("handspike")), "scan", "-c", str(folder / "streams.yaml"), "--json"]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return result


def spikes(incidents: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    fields = ("stream", "host", "direction", "reason", "onset", "detected_at", "failures", "peak_per_second")
    return {tuple(spike[field] for field in fields) for incident in incidents for spike in incident["spikes"]}


def told(incidents: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {
        (incident["first"]["stream"], incident["first"]["onset"], incident["verdict"]["fix_at"], incident["failures"])
        for incident in incidents
    }


def run_with_kills(folder: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    start = float(int(time.time()) - 300)
    files = {
        folder / "edge.log": b"".join(edge_log(start, rng)),
        folder / "web.log": b"".join(web_log(start)),
        folder / "mesh.log": b"".join(mesh_log(start)),
        folder / "app.log": b"".join(app_log(start)),
    }
    service = LiveService(folder, STREAMS)
    left = kills

    def between() -> None:
        nonlocal left
        if left and rng.random() < 0.5:
            left -= 1
            service.start(wait=rng.random() < 0.8)
            time.sleep(rng.random() * 0.4)
            service.kill()

    write_in_pieces(files, rng, between)
    while left:
        between()
    service.start()
    try:
        expected = scanned(folder)
        wanted = {name: found["lines"] for name, found in expected["streams"].items()}
        service.wait_for(
            lambda: {name: counts["lines"] for name, counts in service.counts().items()} == wanted, "all lines counted"
        )
        time.sleep(1.0)
        for name, counts in service.counts().items():
            found = expected["streams"][name]
            assert {field: counts[field] for field in found} == found, name
        assert {name: found["failures"] for name, found in expected["streams"].items()} == {
            "edge": 24 + 90,
            "web": 240,
            "mesh": 120,
            "app": 60,
        }
        incidents = service.get("/api/v1/incidents")["items"]
        assert spikes(incidents) == spikes(expected["incidents"])
        assert told(incidents) == told(expected["incidents"])
        assert service.text("/metrics").count("handspike_handshake_failures_total{") > 0
    finally:
        service.stop()


@pytest.mark.timeout(120)
def test_five_kills_in_the_middle_of_traces_pairs_and_pieces_lose_and_double_nothing(tmp_path: Path) -> None:
    run_with_kills(tmp_path, kills=5, seed=1)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2, 7))
def test_fifty_kills(tmp_path: Path, seed: int) -> None:
    """Ten kills each, other moments and other pieces."""
    run_with_kills(tmp_path, kills=10, seed=seed)
