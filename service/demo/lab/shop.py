"""A small shop on loopback whose load balancer can be broken: edge (nginx), lb (HAProxy), ingress (nginx), app.

::

    browsers --TLS--> edge --TLS, verified--> lb --TLS, verified--> ingress
    orders worker, partners --TLS, verified--> lb

Beside the traffic runs what every TLS port knows: TCP probes, a client of the last decade, plain HTTP.
"""

import shutil
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from service.demo.lab import clients
from service.demo.lab.certificates import Authority, Leaf
from service.demo.lab.haproxy import ERROR_LOG_FORMAT, HAProxy
from service.demo.lab.nginx import Nginx
from service.demo.lab.process import Program, find_program, free_port

WWW: Final = "www.shop.example"
API: Final = "api.shop.example"
INGRESS: Final = "ingress.shop.example"
STREAMS: Final = ("edge", "lb", "ingress", "app")

_PAGES: Final = ("/", "/cart", "/p/42", "/login", "/search?q=lamp")
_EDGE: Final = """\
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name {www};
    ssl_certificate {chain};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {{
      proxy_pass https://127.0.0.1:{lb_port};
      proxy_set_header Host {api};
      proxy_ssl_server_name on;
      proxy_ssl_name {api};
      proxy_ssl_verify on;
      proxy_ssl_verify_depth 3;
      proxy_ssl_trusted_certificate {root};
    }}
  }}
"""
_LB: Final = """\
frontend fe_https
  bind 127.0.0.1:{port} ssl crt {certificate}
  option httpslog
  error-log-format "{error_log_format}"
  default_backend be_ingress
backend be_ingress
  option httpchk GET /healthz
  default-server ssl verify required ca-file {root} sni str({ingress}) check check-sni {ingress} inter 2s
  server ing1 127.0.0.1:{ingress_port}
"""
_INGRESS: Final = """\
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name {ingress};
    ssl_certificate {chain};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    default_type text/plain;
    location / {{ return 200 "ok\\n"; }}
  }}
"""


class Shop:
    """Runs while its context lasts; writes ``logs``/{edge,lb,ingress,app}.log.

    ::

        with Shop(folder, logs) as shop:
            ...                 # healthy traffic
            shop.break_lb()     # from now on it serves a certificate that expired yesterday
            shop.repair_lb()
    """

    def __init__(self, folder: Path, logs: Path, python: str = sys.executable) -> None:
        """``folder``: a new one with a short path, for configurations and certificates; ``python`` runs the worker.

        Raises:
            HandspikeError: nginx, HAProxy or openssl is missing.
        """
        find_program("nginx", "haproxy", "openssl")
        folder.mkdir(parents=True, exist_ok=True)
        logs.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._logs = logs
        self._python = python
        self._running = ExitStack()
        self._ending = threading.Event()
        self._authority = Authority(folder / "tls")
        self._served = folder / "lb.pem"
        self._good = self._authority.leaf("lb", [API])
        self._expired = self._authority.leaf("lb-old", [API], timedelta(days=-91), timedelta(days=-1))
        self._lb: HAProxy | None = None

    def __enter__(self) -> Self:
        try:
            edge_port, lb_port = self._start_servers()
            self._start_clients(edge_port, lb_port)
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def break_lb(self) -> datetime:
        """A reload with the old certificate in place; when it was asked for."""
        return self._serve(self._expired)

    def repair_lb(self) -> datetime:
        return self._serve(self._good)

    def _serve(self, leaf: Leaf) -> datetime:
        shutil.copy(leaf.combined, self._served)
        now = datetime.now(UTC)
        if self._lb is not None:
            self._lb.reload()
        return now

    def _start_servers(self) -> tuple[int, int]:
        root = self._authority.root
        ports = {name: free_port() for name in ("edge", "lb", "ingress")}
        ingress = self._authority.leaf("ingress", [INGRESS])
        settings = _INGRESS.format(port=ports["ingress"], ingress=INGRESS, chain=ingress.chain, key=ingress.key)
        self._running.enter_context(
            Nginx(self._folder / "ingress", self._logs / "ingress.log", ports["ingress"], settings)
        )
        self._serve(self._good)
        settings = _LB.format(port=ports["lb"], certificate=self._served, error_log_format=ERROR_LOG_FORMAT,
                              ingress_port=ports["ingress"], root=root, ingress=INGRESS)  # fmt: skip
        self._lb = HAProxy(self._folder / "lb", self._logs / "lb.log", ports["lb"], settings)
        self._running.enter_context(self._lb)
        edge = self._authority.leaf("edge", [WWW])
        settings = _EDGE.format(port=ports["edge"], www=WWW, chain=edge.chain, key=edge.key, lb_port=ports["lb"],
                                api=API, root=root)  # fmt: skip
        self._running.enter_context(Nginx(self._folder / "edge", self._logs / "edge.log", ports["edge"], settings))
        return ports["edge"], ports["lb"]

    def _start_clients(self, edge_port: int, lb_port: int) -> None:
        root = self._authority.root
        pages, browsers = cycle(_PAGES), cycle(f"127.0.0.{number}" for number in range(11, 31))
        partners = cycle(f"127.0.0.{number}" for number in range(51, 57))
        # A copy: a trace names the file it ran from, and that should not be where handspike is installed.
        worker = Path(shutil.copy(Path(__file__).with_name("orders_worker.py"), self._folder / "orders_worker.py"))
        command = [self._python, str(worker), str(self._logs / "app.log"), str(lb_port), API, str(root), "0.5"]
        self._running.enter_context(Program(command, self._folder / "app.log", cwd=self._folder))
        self._every(0.25, lambda: clients.get(edge_port, WWW, next(pages), root, next(browsers)))
        self._every(0.7, lambda: clients.get(lb_port, API, "/v1/stock", root, next(partners), "partner-sync/1.1"))
        self._every(5.0, lambda: clients.connect_and_close(edge_port, "127.0.0.2"))
        self._every(7.0, lambda: clients.plain_http(lb_port, API, "127.0.0.3"))
        self._every(9.0, lambda: clients.old_tls(edge_port, WWW, "127.0.0.4"))
        self._running.callback(self._ending.set)  # the first thing to happen at the end

    def _every(self, seconds: float, call: Callable[[], object]) -> None:
        def repeat() -> None:
            while not self._ending.wait(seconds):
                call()

        thread = threading.Thread(target=repeat, name=f"lab-every-{seconds:g}s", daemon=True)
        thread.start()
        self._running.callback(thread.join, 6.0)
