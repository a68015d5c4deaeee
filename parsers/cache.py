"""Bytes that are costly to make and the same for every start, kept in the user's cache folder.

A cache never fails: what is missing, damaged, or could have been written by someone else is as good as absent.
"""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_MAGIC: Final = b"handspike1\n"
_DIGEST_BYTES: Final = 32
_LARGEST: Final = 64 << 20


def get(name: str) -> bytes | None:
    """What `put` kept under ``name``; None if nothing is there that is whole and ours alone."""
    try:
        folder = _folder()
        if folder is None:
            return None
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode) or not _ours(about) or about.st_size > _LARGEST:
                return None
            content = file.read()
    except (OSError, RuntimeError):
        return None
    start = len(_MAGIC) + _DIGEST_BYTES
    if not content.startswith(_MAGIC) or content[len(_MAGIC) : start] != _digest(content[start:]):
        return None
    return content[start:]


def put(name: str, content: bytes) -> None:
    """Keeps ``content`` under ``name`` (a plain file name), whole or not at all."""
    with suppress(OSError, RuntimeError):
        folder = _folder(make=True)
        if folder is None:
            return
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + _digest(content) + content)
            Path(temporary).replace(folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def forget_others(prefix: str, keep: str) -> None:
    """Removes what older versions kept under names that begin with ``prefix``."""
    with suppress(OSError, RuntimeError):
        folder = _folder()
        if folder is not None:
            for path in folder.glob(prefix + "*"):
                if path.name != keep:
                    path.unlink(missing_ok=True)


def _folder(*, make: bool = False) -> Path | None:
    """``$XDG_CACHE_HOME/handspike``, by default ``~/.cache/handspike``; None if others could write to it."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "handspike"
    if make:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.stat()
    return folder if stat.S_ISDIR(about.st_mode) and _ours(about) else None


def _ours(about: os.stat_result) -> bool:
    return about.st_uid == os.geteuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
