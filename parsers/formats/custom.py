"""Formats that users write down in ``streams.yaml`` (`parsers.custom_format`): a pattern, or the keys of a JSON object.

Their texts are added to the screen and the lexicon of the streams that have this format, and of no others. The
pattern is a stranger's: it runs under the ``regex`` library with a time limit. A record on which it does not come to
an end is given up (`TimedOutError`), counted, and said; a pattern that does so again and again is only tried now and
then, so that it can't hold up the other streams.
"""

from functools import lru_cache
from typing import Any, Final

from parsers import lexicon, names, screen, timestamps
from parsers.custom_format import CustomFormat, OwnText, flags_of
from parsers.failure import Failure
from parsers.lexicon import Lexicon, judge
from parsers.lexicon.entry import Entry
from parsers.lexicon.said import Said
from parsers.record import MalformedRecordError, Record, Settings
from parsers.screen import Screen
from parsers.vocabulary import Direction, RejectedBy

TIMEOUT_SECONDS: Final = 0.005
"""Of processor time for one record."""
LONGEST_RECORD: Final = 16 * 1024
"""Bytes of a record that the pattern sees."""
PATIENCE: Final = 8
"""Time-outs in a row, after which records are passed over: as many as 2, 4, 8 ... up to `MOST_PASSED` at a time."""
MOST_PASSED: Final = 1_024
OWN_RANK: Final = 0
"""A user's text wins over every other: nobody knows the program better."""


class TimedOutError(MalformedRecordError):
    """The pattern did not come to an end on this record."""


class Custom:
    """One stream's own format; a `parsers.record.Format`. Not shared between streams: it counts."""

    SEVERAL_LINES = False

    def __init__(self, definition: CustomFormat) -> None:
        """``definition`` has passed `parsers.custom_format.check_pattern`."""
        self.NAME = definition.name
        self.screen, self.lexicon = _vocabulary(definition.name, definition.texts)
        self.timeouts = 0
        """Records given up since the caller last cleared it."""
        self._own = {entry.id: entry for entry in self.lexicon.entries if entry.rank == OWN_RANK}
        self._direction = definition.direction
        self._keys = {field: key.split(".") for field, key in (definition.json or {}).items()}
        self._pattern = None if definition.pattern is None else _compiled(definition.pattern)
        self._in_a_row = 0
        self._to_pass = 0

    def claims(self, text: bytes) -> bool:
        """Whether the record stands bare: nothing in ``text`` may be taken off as an envelope any more.

        JSON: an object that has the keys of every field but those that may be missing. A pattern never claims: it is
        searched for in what the envelopes leave.
        """
        if self._pattern is not None or text[:1] != b"{":
            return False
        document = Record(text, _ANY).json()
        return document is not None and all(
            _found(document, self._keys[field]) is not None for field in _TELLING if field in self._keys
        )

    def read(self, record: Record, said: Said) -> Failure | None:
        """The failure that one record tells of.

        Raises:
            MalformedRecordError: the fields are not there, or the time is none.
            TimedOutError: the pattern took too long.
        """
        fields = self._fields(record)
        own = [self._own[number] for number in said.ids if number in self._own]
        told = max(own, key=lambda entry: len(entry.text), default=None)
        leg = told.leg if told is not None and told.leg is not None else said.leg
        direction = self._leg(fields.get("direction"), leg, record.settings)
        reason, rejected_by = judge(said, direction) if told is None else (told.reason, told.rejected_by)
        time, resolution = _time(fields.get("time"), record.settings)
        return Failure(
            time=time,
            direction=direction,
            reason=reason,
            rejected_by=_SIDES.get(fields.get("rejected_by", b"").lower(), rejected_by),
            host=names.host(fields["host"]) if "host" in fields else None,
            peer=names.peer(fields["peer"], fields.get("peer_port")) if "peer" in fields else None,
            protocol=_shown(fields.get("protocol")),
            cipher=_shown(fields.get("cipher")),
            alert=_alert(fields.get("alert"), said.alert),
            code=_shown(fields.get("code")) or said.code,
            message=fields.get("message", record.text).split(b"\n")[0][:2000],
            raw=record.text,
            format=self.NAME,
            resolution=resolution,
        )

    def _fields(self, record: Record) -> dict[str, bytes]:
        if self._pattern is None:
            document = record.json()
            if document is None:
                raise MalformedRecordError(f"{self.NAME}: no JSON object")
            values = {field: _text(_found(document, keys)) for field, keys in self._keys.items()}
            return {field: value for field, value in values.items() if value}
        if self._to_pass:
            self._to_pass -= 1
            self.timeouts += 1
            raise TimedOutError(f"{self.NAME}: passed over, the pattern takes too long")
        try:
            match = self._pattern.search(record.text[:LONGEST_RECORD], timeout=TIMEOUT_SECONDS)
        except TimeoutError:
            self.timeouts += 1
            self._in_a_row += 1
            if self._in_a_row >= PATIENCE:
                self._to_pass = min(2 ** min(self._in_a_row - PATIENCE + 1, 20), MOST_PASSED)
            raise TimedOutError(f"{self.NAME}: the pattern takes too long") from None
        self._in_a_row = 0
        if match is None:
            raise MalformedRecordError(f"{self.NAME}: the pattern does not match")
        return {field: value for field, value in match.groupdict().items() if value}

    def _leg(self, written: bytes | None, said: Direction | None, settings: Settings) -> Direction:
        """The record's own word, then the text's, then the format's, then the hop's."""
        told = _LEGS.get(written.strip().lower()) if written is not None else None
        return told or said or self._direction or ("upstream" if settings.hop == "app" else "downstream")


_ANY: Final = Settings()
_TELLING: Final = ("message", "peer", "host")
_downstream: Final[Direction] = "downstream"
_upstream: Final[Direction] = "upstream"
_DOWN: Final = (b"downstream", b"client", b"inbound", b"incoming", b"in", b"accept", b"frontend")
_UP: Final = (b"upstream", b"backend", b"origin", b"server", b"outbound", b"outgoing", b"out", b"connect")
_LEGS: Final[dict[bytes, Direction]] = {**dict.fromkeys(_DOWN, _downstream), **dict.fromkeys(_UP, _upstream)}
_SIDES: Final[dict[bytes, RejectedBy]] = {b"local": "local", b"peer": "peer", b"remote": "peer", b"unknown": "unknown"}


class _Both(Screen):
    """The screen over the lexicon and a small one over a user's texts, as one."""

    def __init__(self, whole: Screen, own: Screen) -> None:
        self._both = whole, own

    def hits(self, block: bytes | memoryview) -> list[screen.Hit]:
        """As `Screen.hits`; a second pass, for streams of this format alone."""
        whole, own = self._both
        found = own.hits(block)
        return sorted(whole.hits(block) + found) if found else whole.hits(block)


@lru_cache(maxsize=256)
def _vocabulary(name: str, texts: tuple[OwnText, ...]) -> tuple[Screen, Lexicon]:
    """The whole lexicon with ``texts``, and the screen that finds them."""
    known = lexicon.load()
    if not texts:
        return screen.load(), known
    source = "formats in streams.yaml"
    entries = tuple(
        Entry(number, name, "text", one.text, one.reason, one.rejected_by, OWN_RANK, one.direction, "-", source)
        for number, one in enumerate(texts, len(known.entries))
    )
    return _Both(screen.load(), Screen.compile(entries)), Lexicon(known.entries + entries)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import regex

    return regex.compile(pattern.encode(), flags_of(pattern))


def _found(document: dict[str, Any], keys: list[str]) -> Any:
    """The value under a dotted key; a key that holds dots itself is found too."""
    whole = ".".join(keys)
    if whole in document:
        return document[whole]
    value: Any = document
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _text(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return str(value).encode() if isinstance(value, int | float) and not isinstance(value, bool) else b""


def _time(written: bytes | None, settings: Settings) -> tuple[float | None, float]:
    """Any shape that `timestamps` reads, or seconds (milli-, micro-, nanoseconds) since 1970."""
    if written is None:
        return None, 1.0
    stamp = written.strip()[:64]
    if (told := timestamps.leading(stamp, settings)) is not None:
        return told
    try:
        return timestamps.epoch(stamp)
    except ValueError as error:
        raise MalformedRecordError(f"no time: {error}") from None


def _shown(value: bytes | None) -> str | None:
    return None if value is None else value[:100].decode("utf-8", "replace")


def _alert(written: bytes | None, said: int | None) -> int | None:
    if written is not None and written.isdigit() and len(written) <= 3 and int(written) < 256:
        return int(written)
    return said
