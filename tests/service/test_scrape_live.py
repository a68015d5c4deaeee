"""A real Envoy whose counters tell of failed handshakes, read by a real service that is killed in between."""

import socket
import ssl
import sys
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from tests.lab import Authority, Program, clients, free_port
from tests.service.live import LiveService

pytestmark = pytest.mark.server("envoy")


class Envoy(Program):
    """Listens with TLS 1.2 and up; a second listener wants a client's certificate."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.admin, self.plain, self.mutual = free_port(), free_port(), free_port()
        self.authority = Authority(folder / "ca")
        leaf = self.authority.leaf("shop.example", ["shop.example"])
        certificate = {"certificate_chain": {"filename": str(leaf.chain)}, "private_key": {"filename": str(leaf.key)}}
        trusted = {"trusted_ca": {"filename": str(self.authority.root)}}
        config = {
            "admin": {"address": _address(self.admin)},
            "static_resources": {
                "listeners": [
                    _listener("plain", self.plain, {"tls_certificates": [certificate]}, False),
                    _listener(
                        "mutual", self.mutual, {"tls_certificates": [certificate], "validation_context": trusted}, True
                    ),
                ],
            },
        }
        path = folder / "envoy.json"
        path.write_bytes(orjson.dumps(config))
        command = [str(Path(sys.executable).with_name("envoy")), "-c", str(path), "--concurrency", "1", "-l", "error"]
        super().__init__([*command, "--use-dynamic-base-id"], folder / "output.log", self.mutual)


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(name: str, port: int, tls: dict[str, object], wants: bool) -> dict[str, object]:
    types = "type.googleapis.com/envoy.extensions"
    context = {
        "@type": f"{types}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": tls,
        "require_client_certificate": wants,
    }
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    http = {
        "@type": f"{types}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{types}.filters.http.router.v3.Router"}},
        ],
    }
    chain = {
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context},
        "filters": [{"name": "http", "typed_config": http}],
    }
    return {"name": name, "address": _address(port), "filter_chains": [chain]}


def without_certificate(port: int) -> None:
    """Speaks TLS 1.2, so that the refusal is part of the handshake."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain):
        pass


def test_envoys_counters_become_failures_exactly_over_kill_9(tmp_path: Path) -> None:
    """What came before the first look is nobody's; all else is counted once, by reason, whoever was running."""
    with Envoy(tmp_path / "envoy") as envoy:
        clients.old_tls(envoy.plain, "shop.example")  # before anybody looked
        url = f"http://127.0.0.1:{envoy.admin}/stats/prometheus"
        streams = f"  mesh: {{hop: mesh, hosts: {{'127.0.0.1:{envoy.plain}': shop.example}}, source: {{scrape: {{url: '{url}', interval: 1s}}}}}}\n"
        service = LiveService(tmp_path, streams)
        service.start()
        try:
            service.wait_for(lambda: service.counts()["mesh"]["lines"] >= 1, "the baseline")
            for _ in range(6):
                clients.old_tls(envoy.plain, "shop.example")
            service.wait_for(lambda: service.counts()["mesh"]["failures"] >= 6, "6 failures")
            service.kill()
            for _ in range(4):
                without_certificate(envoy.mutual)
            service.start()
            service.wait_for(lambda: service.counts()["mesh"]["failures"] >= 10, "10 failures")
            lines = service.counts()["mesh"]["lines"]
            service.wait_for(lambda: service.counts()["mesh"]["lines"] >= lines + 2, "two more looks")
            assert service.counts()["mesh"]["failures"] == 10
            assert service.counts()["mesh"]["unrecognized"] == 0
            metrics = service.text("/metrics")
            reasons = {
                line.split('reason="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1])
                for line in metrics.splitlines()
                if line.startswith("handspike_handshake_failures_total{") and not line.endswith(" 0.0")
            }
            assert reasons == {"generic_failure": 6.0, "missing": 4.0}
            assert 'handspike_host_handshake_failures_total{host="shop.example",stream="mesh"}' in metrics
        finally:
            service.stop()
