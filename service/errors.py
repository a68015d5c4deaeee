"""Every error that handspike raises on purpose.

::

    HandspikeError
    └── StoreError              the store can't do what was asked
        ├── StoreBusyError      somebody else holds its lock: keep the commit, try again
        ├── StoreFullError      no room on the disk: keep the commit, stop intake, try again
        ├── StoreCorruptError   its file is damaged: open the store again, which sets the file aside
        ├── StoreInUseError     another handspike works on this data directory
        ├── StoreTooNewError    written by a newer handspike
        └── StoreUnusableError  the directory can't be written, or the file can't be read

A message is one or more whole lines for a person: the place, the value, what was expected, the way out.
"""


class HandspikeError(Exception):
    """Any of the above. The command line prints its text and exits with 1 (2 for usage and configuration)."""


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
