"""Every error that handspike raises on purpose.

::

    HandspikeError
    ├── ConfigError             the configuration has mistakes, all of them listed at once
    └── StoreError              the store can't do what was asked
        ├── StoreBusyError      somebody else holds its lock: keep the commit, try again
        ├── StoreFullError      no room on the disk: keep the commit, stop intake, try again
        ├── StoreCorruptError   its file is damaged: open the store again, which sets the file aside
        ├── StoreInUseError     another handspike works on this data directory
        ├── StoreTooNewError    written by a newer handspike
        └── StoreUnusableError  the directory can't be written, or the file can't be read

A message is one or more whole lines for a person: the place, the value, what was expected, the way out.
"""

from dataclasses import dataclass


class HandspikeError(Exception):
    """Any of the above. The command line prints its text and exits with 1 (2 for usage and configuration)."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a configuration file."""

    file: str
    """As the user named it."""
    line: int | None
    """From 1; None if it is about the file as a whole."""
    key: str
    """Dotted: ``streams.edge.timezone``; empty where no key is to blame."""
    text: str
    """The value, what was expected, the way out."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


class ConfigError(HandspikeError):
    """The configuration can't be used. Its text is one line for each mistake, in the file's order."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda mistake: mistake.line or 0)
        super().__init__("\n".join(map(str, self.mistakes)))


class StoreError(HandspikeError):
    """Of the store. Nothing was half-written."""


class StoreBusyError(StoreError):
    """Another connection holds the database's lock for longer than the busy timeout."""


class StoreFullError(StoreError):
    """The disk (or a quota) has no room for what should be written."""


class StoreCorruptError(StoreError):
    """The database file is damaged; found while it was in use."""


class StoreInUseError(StoreError):
    """Another process holds the data directory."""


class StoreTooNewError(StoreError):
    """The database's schema is of a newer version than this program knows."""


class StoreUnusableError(StoreError):
    """The data directory or the database can't be opened for writing at all."""
