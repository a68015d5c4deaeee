"""Opening a data directory: locked against a second process; its database checked, migrated, set aside if damaged."""

import fcntl
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from service.errors import StoreBusyError, StoreCorruptError, StoreError, StoreInUseError, StoreUnusableError
from service.store.connecting import BUSY_TIMEOUT_SECONDS, meaning, translated, writer
from service.store.migrate import migrate

DATABASE: Final = "handspike.db"
LOCK: Final = "handspike.lock"
_SIDECARS: Final = ("-wal", "-shm")


def lock(data_dir: Path) -> int:
    """Makes the directory if need be, and holds it for this process until the answered descriptor is closed.

    Raises:
        StoreInUseError: another process holds it.
        StoreUnusableError: it can't be made, or not written.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(data_dir, error.strerror or str(error)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        by = f" (process {holder})" if holder.isdigit() else ""
        raise StoreInUseError(
            f"{data_dir}: another handspike works on this data directory{by}; stop it, or give another data_dir"
        ) from error
    try:
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)  # only for the message above; the flock is what counts
        created = os.open(data_dir / DATABASE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.close(created)
    except OSError as error:
        os.close(descriptor)
        raise _unusable(data_dir, error.strerror or str(error)) from error
    return descriptor


def prepare(file: Path, now: float) -> Path | None:
    """Checks the whole file and brings its schema up to date; a damaged one is set aside and a new one begun.

    Answers where the damaged file is now, or None. Cost: reads the file once.

    Raises:
        StoreError: it is locked, of a newer version, or the disk doesn't let us.
    """
    try:
        _check(file)
        _migrate(file)
    except StoreCorruptError:
        aside = _set_aside(file, now)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        _migrate(file)
        return aside
    return None


def _check(file: Path) -> None:
    try:
        connection = sqlite3.connect(file, timeout=BUSY_TIMEOUT_SECONDS)
        try:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _opening(file, error) from error
    if found is None or found[0] != "ok":
        raise StoreCorruptError(f"{file}: {found[0] if found else 'no answer'}")


def _migrate(file: Path) -> None:
    engine = writer(file)
    try:
        with translated(), engine.begin() as connection:
            migrate(connection, file)
    finally:
        engine.dispose()


def _opening(file: Path, error: sqlite3.Error) -> StoreError:
    known = meaning(error)
    if isinstance(known, StoreCorruptError):
        return known
    if isinstance(known, StoreBusyError):
        return StoreBusyError(f"{file}: locked by another program ({error}); close it (a database browser, a backup)")
    return _unusable(file, str(error))


def _set_aside(file: Path, now: float) -> Path:
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S")
    aside = file.with_name(f"{file.name}.corrupt-{stamp}")
    number = 1
    while aside.exists():  # never over another one
        number += 1
        aside = file.with_name(f"{file.name}.corrupt-{stamp}-{number}")
    try:
        for suffix in ("", *_SIDECARS):
            part = file.with_name(file.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise _unusable(file, f"damaged, and can't be set aside: {error.strerror}") from error
    return aside


def _unusable(place: Path, why: str) -> StoreUnusableError:
    return StoreUnusableError(
        f"{place}: the store can't be written there ({why}); make it writable, or change data_dir"
    )
