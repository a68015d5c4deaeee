"""nginx with a configuration of our own, as the current user."""

import os
import pwd
from pathlib import Path
from typing import Final

from service.demo.lab.process import Program, find_program

_MAIN: Final = """\
daemon off;
{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log {log} info;
events {{ worker_connections 256; }}
http {{
  access_log {log} combined;
  server_tokens off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{servers}
}}
"""


class Nginx(Program):
    """Error log (level info) and access log go to one file, as many sites have it."""

    def __init__(self, folder: Path, log: Path, port: int, servers: str) -> None:
        """``servers``: what stands inside ``http { }``; one of them listens on ``port``."""
        folder.mkdir(parents=True, exist_ok=True)
        # As root, workers would run as nobody and could not enter a folder of mode 700.
        user = f"user {pwd.getpwuid(0).pw_name};\n" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        config.write_text(_MAIN.format(user=user, folder=folder, log=log, servers=servers))
        command = [
            find_program("nginx")["nginx"],
            "-p",
            str(folder),
            "-c",
            str(config),
            "-e",
            str(folder / "start.log"),
        ]
        super().__init__(command, folder / "output.log", port)
