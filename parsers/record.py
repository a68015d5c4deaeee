"""One record as a format sees it: the envelope is peeled, continuation lines are gathered."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import msgspec
import orjson

from parsers.failure import Change, Failure
from parsers.lexicon.said import Said
from parsers.vocabulary import Hop


class MalformedRecordError(ValueError):
    """The texts of a failure are there, the fields around them are not. Counted as ``unrecognized``."""


class Settings(msgspec.Struct):
    """What a stream's configuration tells its reader; the same for every record of the stream."""

    hop: Hop = "edge"
    zone: str = "UTC"
    """IANA name of the time zone for timestamps that carry none."""
    reference: float = 0.0
    """Epoch seconds near which records without a year lie: the file's mtime in a scan, the arrival time live."""
    hosts: dict[str, str] = {}
    """A server name for listeners whose records hold none: ``{"0.0.0.0:443": "shop.example"}``."""


class Record(msgspec.Struct, gc=False):
    """Text of one record, envelope peeled.

    ``text`` has no trailing newline; lines of a multi-line record are joined by ``\\n``.
    """

    text: bytes
    settings: Settings
    time: float | None = None
    """The envelope's time, epoch seconds; formats prefer their own, which says when it happened."""
    program: bytes = b""
    """Program name by the envelope (syslog tag, container name), where it tells one."""
    _json: Any = msgspec.UNSET

    def json(self) -> dict[str, Any] | None:
        """The text as a JSON object, parsed once; None if it is none."""
        if self._json is msgspec.UNSET:
            self._json = None
            if self.text[:1] == b"{":
                try:
                    parsed = orjson.loads(self.text)
                except orjson.JSONDecodeError:
                    parsed = None
                self._json = parsed if isinstance(parsed, dict) else None
        return self._json  # type: ignore[no-any-return]


@runtime_checkable
class Joining(Protocol):
    """A format that tells one failure in several records (an Apache AH pair) offers these two as well."""

    JOIN_SECONDS: float
    """Records further apart than this, by their own times, never belong together."""

    def joins(self, lines: list[bytes], line: bytes) -> bool:
        """Whether the candidate ``line`` goes on with the open record made of ``lines`` (all peeled)."""
        ...

    def complete(self, lines: list[bytes]) -> bool:
        """Whether nothing more needs to be waited for."""
        ...


class Format(Protocol):
    """What a module in ``parsers/formats`` offers. Modules satisfy it structurally: see ``nginx.py``.

    A format reads only records that the screen picked. ``claims`` is asked by ``auto`` alone.

    One without ``SEVERAL_LINES`` may offer ``read_line(text: bytes, said: Said, settings: Settings)`` too: `read`
    without a `Record` around the text, for lines that had no envelope. It spares the hot path an object a line.
    """

    NAME: str
    SEVERAL_LINES: bool
    """True if one record may span several lines (stack traces, AH pairs)."""

    def claims(self, text: bytes) -> bool:
        """Whether a record of this shape is this format's own; cheap, anchored at the start."""
        ...

    def read(self, record: Record, said: Said) -> "Failure | Change | None":
        """The failure that one record tells of; None when it is not one.

        Raises:
            MalformedRecordError: the texts are there, the fields around them are not.
        """
        ...


Read = Callable[[Record, Said], "Failure | Change | None"]
