"""What the figures were measured on: processor and versions; no names, no folders."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path


def describe() -> list[str]:
    """Lines of a Markdown list."""
    return [
        f"- {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}"
        f" {platform.machine()}",
        f"- Python {platform.python_version()}, handspike {version('handspike')}, hyperscan {version('hyperscan')}",
        f"- {_first_line('mtail', '--version')}",
        f"- {_first_line('rg', '--version')}",
    ]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def _first_line(*command: str) -> str:
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)
    words = (said.stdout or said.stderr).splitlines()
    return " ".join(words[0].split()[:3]) if words else f"{command[0]}: no version"
