"""The temporary folder of a demo: a streams.yaml, four empty logs, a place for the store."""

import socket
from pathlib import Path
from typing import Final

from service.demo.recording import STREAMS

PORT: Final = 9844
_STREAMS_YAML: Final = """\
service: {{listen: "127.0.0.1:{port}", data_dir: data}}
streams:
  edge:
    hop: edge
    format: nginx
    source: {{file: {{path: logs/edge.log, start: beginning}}}}
  lb:
    hop: lb
    format: haproxy
    source: {{file: {{path: logs/lb.log, start: beginning}}}}
  ingress:
    hop: ingress
    format: nginx
    source: {{file: {{path: logs/ingress.log, start: beginning}}}}
  app:
    hop: app
    format: app
    follows: [lb]
    source: {{file: {{path: logs/app.log, start: beginning}}}}
"""


def prepare(folder: Path) -> Path:
    """Writes the configuration and makes the logs in ``folder``/logs; the configuration's path."""
    (folder / "logs").mkdir(parents=True)
    for stream in STREAMS:
        (folder / "logs" / f"{stream}.log").touch()
    config = folder / "streams.yaml"
    config.write_text(_STREAMS_YAML.format(port=_port()))
    return config


def _port() -> int:
    """handspike's own, or a free one where something listens on that already."""
    try:
        with socket.create_server(("127.0.0.1", PORT)):
            return PORT
    except OSError:
        from service.demo.lab.process import free_port

        return free_port()
