"""HAProxy with a configuration of our own, its log written to a file as rsyslog would.

HAProxy never opens a log file itself: it sends datagrams to a syslog daemon. Here a thread of ours listens on a unix
datagram socket and appends what comes, word for word, without the ``<PRI>`` in front that a daemon removes too.
"""

import re
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from service.demo.lab.process import Program, find_program

_GLOBAL: Final = """\
global
  log {socket} len 4096 format rfc3164 local0 info
  log-send-hostname lb1
  hard-stop-after 2s
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  log global
  timeout connect 5s
  timeout client 10s
  timeout server 10s
  timeout http-request 5s
"""
ERROR_LOG_FORMAT: Final = (
    "%ci:%cp [%tr] %ft %ac/%fc %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] "
    "%[ssl_fc_sni]/%sslv/%sslc"
)
"""Of HAProxy's manual, section 8.2.6 ("error log format"), with ``ssl_fc_err`` for its older name."""
_PRIORITY: Final = re.compile(rb"\A<\d{1,3}>")


class HAProxy(Program):
    """In master-worker mode, so that `reload` is the reload of a real installation."""

    def __init__(self, folder: Path, log: Path, port: int, sections: str) -> None:
        """``sections``: frontends and backends; one of them listens on ``port``. ``folder`` needs a short path."""
        folder.mkdir(parents=True, exist_ok=True)
        self._datagrams = _Datagrams(folder / "log", log)
        config = folder / "haproxy.cfg"
        config.write_text(_GLOBAL.format(socket=folder / "log") + sections)
        command = [find_program("haproxy")["haproxy"], "-W", "-db", "-f", str(config)]
        super().__init__(command, folder / "output.log", port)

    def __enter__(self) -> Self:
        self._datagrams.start()
        try:
            return super().__enter__()
        except BaseException:
            self._datagrams.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._datagrams.stop()

    def reload(self) -> None:
        """Reads configuration and certificates anew (``systemctl reload haproxy``)."""
        self.signal(signal.SIGUSR2)


class _Datagrams:
    """What a syslog daemon does: socket in, file out."""

    def __init__(self, path: Path, log: Path) -> None:
        self._path = path
        self._log = log
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(str(self._path))
        receiver.settimeout(0.2)
        self._socket = receiver
        self._thread = threading.Thread(target=self._receive, args=(receiver,), name="lab-syslog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        receiver, self._socket = self._socket, None
        if receiver is None:
            return
        if self._thread is not None:
            self._thread.join()
        receiver.close()
        with suppress(FileNotFoundError):
            self._path.unlink()

    def _receive(self, receiver: socket.socket) -> None:
        with self._log.open("ab", buffering=0) as log:
            while True:
                try:
                    datagram = receiver.recv(65536)
                except TimeoutError:
                    if self._socket is None:
                        return
                    continue
                log.write(_PRIORITY.sub(b"", datagram).rstrip(b"\n\x00") + b"\n")
