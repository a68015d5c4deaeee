"""Times as people and programs write them outside: RFC 3339 in UTC; inside they are epoch seconds."""

import re
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final

_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_RELATIVE: Final = re.compile(r"(?:now)?\s*([+-])\s*((?:\d{1,9}[smhdw]){1,5})\Z", re.ASCII)
_PART: Final = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_RFC3339: Final = re.compile(
    r"""
    (?P<date>\d{4}-\d\d-\d\d)
    [Tt\ ]
    (?P<clock>\d\d:\d\d:\d\d)
    (?:\.(?P<fraction>\d{1,12}))?
    (?P<zone>[Zz]|[+-]\d\d:\d\d)
    \Z
    """,
    re.VERBOSE | re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOWEST: Final = -62_135_596_800.0
_HIGHEST: Final = 253_402_300_799.999
ACCEPTED: Final = "an RFC 3339 time such as 2026-11-20T23:42:22Z, or relative to now: now, -15m, -1h, -7d, +1h30m"


def rfc3339(epoch: float) -> str:
    """Epoch seconds as UTC with milliseconds; what lies outside the years 1 to 9999 becomes their nearest end.

    >>> rfc3339(1795218142), rfc3339(1795218142.9996)
    ('2026-11-20T23:42:22.000Z', '2026-11-20T23:42:23.000Z')
    """
    epoch = min(max(epoch, _LOWEST), _HIGHEST) if isfinite(epoch) else 0.0
    moment = _EPOCH + timedelta(milliseconds=min(round(epoch * 1000), 253_402_300_799_999))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z".rjust(24, "0")


def parse(text: str, now: float) -> float:
    """Epoch seconds of an RFC 3339 time, or of one relative to ``now``.

    >>> parse("-1h30m", 10_000.0), parse("1970-01-01T01:00:00+01:00", 0.0)
    (4600.0, 0.0)

    Raises:
        ValueError: it is neither; the message says what is accepted.
    """
    given = text[:64].strip()
    if given == "now":
        return now
    if relative := _RELATIVE.match(given):
        seconds = sum(int(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(relative[2]))
        return now + seconds if relative[1] == "+" else now - seconds
    if absolute := _RFC3339.match(given):
        zone = absolute["zone"].upper().replace("Z", "+00:00")
        try:
            whole = datetime.fromisoformat(f"{absolute['date']}T{absolute['clock']}{zone}")
            return (whole - _EPOCH).total_seconds() + float(f"0.{absolute['fraction'] or 0}")
        except (ValueError, OverflowError):
            pass
    raise ValueError(f'"{given}" is no time; write {ACCEPTED}')
