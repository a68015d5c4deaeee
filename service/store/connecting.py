"""Connections to the SQLite file: one that writes, several that only read; and what its errors mean to us."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from service.errors import StoreBusyError, StoreCorruptError, StoreError, StoreFullError

BUSY_TIMEOUT_SECONDS: Final = 2.0
"""How long a statement waits for a lock that somebody else holds."""
WAL_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""The write-ahead log is cut back to this after a checkpoint."""
READERS: Final = 4

_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def writer(file: Path) -> Engine:
    """The one connection that writes. Its transactions take the write lock at once, so they can't fail later for it.

    WAL, so that readers never wait; every commit is on the disk before it returns (``synchronous=FULL``).
    """

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(file, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)
        for pragma in (
            "auto_vacuum = INCREMENTAL",  # takes effect in a new file only, so before anything is written
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"journal_size_limit = {WAL_LIMIT_BYTES}",
            "cache_size = -16000",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def readers(file: Path) -> Engine:
    """Connections that can't write; each transaction is one snapshot. Safe from any thread."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=READERS, max_overflow=READERS)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Everything in it or nothing.

    Raises:
        StoreError: the narrowest one there is for what SQLite said.
    """
    with translated(), engine.begin() as connection:
        yield connection


@contextmanager
def translated() -> Iterator[None]:
    """SQLite's errors as ours; a bug (a wrong statement, a broken constraint) stays what it is."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error) and (known := meaning(error.orig)):
            raise known from error
        raise
    except sqlite3.Error as error:
        if known := meaning(error):
            raise known from error
        raise


def meaning(error: sqlite3.Error) -> StoreError | None:
    """What a failed statement means for the one who called; None if it is our own mistake."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    if code in _BUSY:
        return StoreBusyError(f"the store is locked by another program ({error}); it is tried again")
    if code in _FULL:
        return StoreFullError(f"the store can't write ({error}); free some space, it is tried again")
    if code in _CORRUPT:
        return StoreCorruptError(f"the store is damaged ({error}); restart handspike, which sets the file aside")
    return None
