"""Candidates that tell one failure together: an Apache AH line and its library line, a validator's and its socket's."""

from typing import Final

import msgspec

from parsers import timestamps
from parsers.continuation import BYTES
from parsers.record import Format, Joining, Record, Settings

OPEN_JOINS: Final = 64
"""Records that wait for another one at a time; the oldest gives way."""


class Candidate(msgspec.Struct, gc=False):
    """A record that the screen picked, whole: ``block[start:stop]``, though lines of others may stand between."""

    start: int
    stop: int
    record: Record
    ids: tuple[int, ...]
    format: Format
    resolution: float
    """Of the envelope's time."""


class Joins:
    """Candidates that wait for the other part of what they tell."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: list[_Open] = []

    def add(self, candidate: Candidate, origin: bytes, form: Joining) -> list[Candidate]:
        """What is complete by this candidate."""
        text = candidate.record.text
        time = timestamps.leading(text, self._settings)
        now = time[0] if time is not None else candidate.record.time
        done = self._expire(now, candidate.start)
        for held in self._open:
            if held.candidate.format is candidate.format and held.origin == origin and form.joins(held.texts, text):
                held.add(candidate, text, now)
                if form.complete(held.texts):
                    self._open.remove(held)
                    done.append(held.whole())
                return done
        held = _Open(candidate, origin, form, text, now)
        if form.complete(held.texts):
            done.append(candidate)
            return done
        self._open.append(held)
        if len(self._open) > OPEN_JOINS:
            done.append(self._open.pop(0).whole())
        return done

    def waiting(self, now: float | None, limit: int) -> list[int]:
        """Starts of those for which the other part may still come."""
        return [held.candidate.start for held in self._open if not held.is_over(now, limit)]

    def close(self) -> list[Candidate]:
        return [held.whole() for held in self._open]

    def _expire(self, now: float | None, at: int) -> list[Candidate]:
        over = [held for held in self._open if held.is_over(now, at)]
        if over:
            self._open = [held for held in self._open if held not in over]
        return [held.whole() for held in over]


class _Open:
    def __init__(self, candidate: Candidate, origin: bytes, form: Joining, text: bytes, time: float | None) -> None:
        self.candidate, self.origin, self._seconds, self._time = candidate, origin, form.JOIN_SECONDS, time
        self.texts = [text]

    def add(self, candidate: Candidate, text: bytes, time: float | None) -> None:
        self.texts.append(text)
        self.candidate.stop = max(self.candidate.stop, candidate.stop)
        self.candidate.ids += candidate.ids
        if time is not None:
            self._time = time

    def is_over(self, now: float | None, at: int) -> bool:
        if at - self.candidate.start >= BYTES:
            return True
        return now is not None and self._time is not None and now - self._time > self._seconds

    def whole(self) -> Candidate:
        if len(self.texts) > 1:
            record = self.candidate.record
            self.candidate.record = Record(b"\n".join(self.texts), record.settings, record.time, record.program)
        return self.candidate
