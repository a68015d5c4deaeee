"""Times as logs write them, as epoch seconds.

Logs repeat themselves: thousands of lines share a second, so whole seconds are memoised (bounded) and a
known one costs two dict look-ups. A leap second (``:60``) is the second after ``:59``.

Every function raises `ValueError` on nonsense, but `leading`, which answers None. A zone that does not
exist is a `ValueError` too. A local time that comes twice (end of summer time) is the first of the two.
"""

import re
from calendar import timegm
from datetime import UTC, datetime
from functools import lru_cache
from time import gmtime
from typing import Final
from zoneinfo import ZoneInfo

from parsers.record import Settings

_MEMO_SIZE: Final = 8192
_DAY: Final = 86_400.0
_MONTHS: Final = {name: n for n, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}

_seconds: dict[str, dict[bytes, float]] = {}
"""zone -> whole second as written -> epoch seconds."""
_minutes: dict[tuple[bytes, str], float] = {}
"""(whole minute as written, zone) -> epoch seconds of its start."""
_yearless: dict[tuple[bytes, str, int], tuple[float, ...]] = {}
"""(written, zone, newest year) -> the epoch seconds it may mean, newest first."""


def local(text: bytes, zone: str) -> float:
    """``2026/11/20 23:42:22``, with ``-`` or ``.`` for ``/``, ``T`` for the space, and ``.123`` or ``,123`` after it.

    >>> local(b"2026/11/20 23:42:22", "UTC"), local(b"2026-11-20 23:42:22,5", "Europe/Berlin")
    (1795218142.0, 1795214542.5)
    """
    head = text[:19]
    try:
        second = _seconds[zone][head]
    except KeyError:
        second = _remember(zone, head, _numeric(head, zone))
    return second if len(text) == 19 else second + _fraction(text[19:])


def clf(text: bytes, zone: str) -> float:
    """``20/Nov/2026:23:42:22 +0000``; without an offset (HAProxy: ``...:22.123``) local in ``zone``.

    >>> clf(b"20/Nov/2026:23:42:22 +0100", "UTC"), clf(b"20/Nov/2026:23:42:22.250", "UTC")
    (1795214542.0, 1795218142.25)
    """
    try:
        return _seconds[zone][text]
    except KeyError:
        pass
    if len(text) == 26 and text[20:21] == b" ":
        return _remember(zone, text, _clf_second(text[:20], "UTC") - _offset(text[21:]))
    head = text[:20]
    second = _seconds.get(zone, {}).get(head)
    if second is None:
        second = _remember(zone, head, _clf_second(head, zone))
    if len(text) == 20:
        return second
    fraction, space, offset = text[20:].partition(b" ")
    if space:
        return _clf_second(head, "UTC") + _fraction(fraction) - _offset(offset)
    return second + _fraction(fraction)


def iso(text: bytes, zone: str) -> float:
    """RFC 3339 and ISO 8601: ``T`` or a space, any fraction, ``Z``, ``+00:00``, ``+0000``, or none: local in ``zone``.

    >>> iso(b"2026-11-20T23:42:22.123456789Z", "UTC"), iso(b"2026-11-21 00:42:22 +0100", "UTC")
    (1795218142.1234567, 1795218142.0)
    """
    if text[-1:] == b"Z" and (known := _seconds.get("UTC")) is not None:
        second = known.get(text[:19])
        if second is not None:
            return second + _fraction(text[19:-1])
    parts = _ISO.fullmatch(text)
    if parts is None:
        raise ValueError(f"no ISO 8601 time: {text[:64]!r}")
    head, fraction, offset = parts.groups()
    if offset is None:
        return local(head, zone) + (_fraction(fraction) if fraction else 0.0)
    second = local(head, "UTC")
    if offset not in (b"Z", b"z", b"UTC"):
        second -= _offset(offset)
    return second + _fraction(fraction) if fraction else second


def apache(text: bytes, zone: str) -> float:
    """``Fri Nov 20 23:28:43.834838 2026``, with or without the fraction; also C's ``ctime``.

    >>> apache(b"Fri Nov 20 23:42:22.5 2026", "UTC")
    1795218142.5
    """
    parts = _APACHE.fullmatch(text)
    if parts is None:
        raise ValueError(f"no ctime: {text[:64]!r}")
    month, day, clock, fraction, year = parts.groups()
    head = month + day + clock + year
    second = _seconds.get(zone, {}).get(head)
    if second is None:
        second = _remember(zone, head, _epoch(int(year), _month(month), int(day), clock, zone))
    return second + _fraction(fraction) if fraction else second


def syslog(text: bytes, zone: str, reference: float) -> float:
    """``Nov 20 23:42:22`` or ``Nov  1 ...`` (a fraction may follow), in the year nearest before ``reference``.

    That is the newest year in which the time is not more than a day after ``reference``: clocks differ, and a log of
    31 December is read on 1 January. 29 February goes back to the last leap year.

    >>> syslog(b"Dec 31 23:59:59", "UTC", 1798761600.0), syslog(b"Jan  1 00:00:01", "UTC", 1798761600.0)
    (1798761599.0, 1798761601.0)
    """
    head = text[:15]
    newest = _year_of(reference // _DAY) + 1
    key = (head, zone, newest)
    candidates = _yearless.get(key)
    if candidates is None:
        parts = _SYSLOG.fullmatch(head)
        if parts is None:
            raise ValueError(f"no syslog time: {text[:64]!r}")
        candidates = _years(key, _month(parts[1]), int(parts[2]), parts[3])
    second = _nearest_before(candidates, reference)
    return second if len(text) == 15 else second + _fraction(text[15:])


def klog(text: bytes, zone: str, reference: float) -> float:
    """``1120 23:42:22.123456`` of Kubernetes components (after the level's letter); the year as in `syslog`."""
    head = text[:13]
    key = (head, zone, _year_of(reference // _DAY) + 1)
    candidates = _yearless.get(key)
    if candidates is None:
        parts = _KLOG.fullmatch(head)
        if parts is None:
            raise ValueError(f"no klog time: {text[:64]!r}")
        candidates = _years(key, int(parts[1]), int(parts[2]), parts[3])
    second = _nearest_before(candidates, reference)
    return second if len(text) == 13 else second + _fraction(text[13:])


def epoch(text: bytes) -> tuple[float, float]:
    """Epoch seconds and resolution of a number that counts s, ms, us or ns since 1970, told apart by its size.

    >>> epoch(b"1795218142.25"), epoch(b"1795218142250"), epoch(b"1795218142250000000")
    ((1795218142.25, 0.01), (1795218142.25, 0.001), (1795218142.25, 1e-06))
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"no epoch time: {text[:64]!r}")
    whole, _, fraction = text.partition(b".")
    for digits, unit in ((11, 1.0), (14, 1e3), (17, 1e6)):
        if len(whole) <= digits:
            resolution = _RESOLUTIONS[min(len(fraction), 6)] if unit == 1.0 else 1 / unit
            return float(text) / unit, resolution
    return int(whole) / 10**9, 1e-6


def leading(text: bytes, settings: Settings) -> tuple[float, float] | None:
    """Time and resolution, in seconds, of any log line that tells its time at its start or under a usual JSON key.

    The fallback where a format does not know its own; None if there is none in the first 512 bytes (JSON: 8 KiB).
    """
    first = text[:1]
    try:
        if first == b"{":
            return _in_json(text, settings)
        if first.isdigit() or first == b"[":
            found = _STAMP.match(text)
            if found is not None:
                return _numeric_stamp(found, settings)
        elif first in b"IWEF" and _KLOG.match(text, 1):
            found = _KLOG_HEAD.match(text)
            if found is not None:
                return klog(found[1], settings.zone, settings.reference), _resolution(found[2])
        found = _SYSLOG_HEAD.match(text)
        if found is not None:
            return syslog(found[1], settings.zone, settings.reference), _resolution(found[2])
    except (ValueError, OverflowError):
        return None
    return _anywhere(text[:512], settings)


def resolution_of(text: bytes) -> float:
    """How exact a time is by the digits of its fraction, in seconds: 1.0, 0.1 ... 1e-06.

    >>> resolution_of(b"23:42:22"), resolution_of(b"23:42:22.123+01:00"), resolution_of(b"23:42:22,123456")
    (1.0, 0.001, 1e-06)
    """
    found = _FRACTION_AT.search(text)
    return _RESOLUTIONS[min(len(found[1]), 6)] if found else 1.0


_RESOLUTIONS: Final = (1.0, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6)
_FRACTION_AT: Final = re.compile(rb":\d\d[.,](\d{1,12})")
_ISO: Final = re.compile(rb"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,12}))?(?: ?(Z|z|UTC|[+-]\d\d:?\d\d))?")
_APACHE: Final = re.compile(rb"(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,12}))? (\d{4})")
_SYSLOG: Final = re.compile(rb"([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d)")
_KLOG: Final = re.compile(rb"(\d\d)(\d\d) (\d\d:\d\d:\d\d)")
_NUMBER: Final = re.compile(rb"\d{1,19}(?:\.\d{1,9})?")

_DATE_TIME: Final = (
    rb"(?P<date>\d{4}[-/.]\d\d[-/.]\d\d[T \t]\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,12}))?"
    rb"(?: ?(?P<offset>Z\b|[+-]\d\d:?\d\d(?![\d-])))?"
)
_CLF_TIME: Final = (
    rb"(?P<clf>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)(?:\.(?P<parts>\d{1,12}))?(?: (?P<shift>[+-]\d{4}))?"
)
_CTIME: Final = rb"(?P<ctime>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,12})? \d{4})"
_STAMP: Final = re.compile(
    rb"\[?(?:%b|%b|%b|(?P<epoch>\d{13}|\d{10}(?:\.\d{1,9})?)(?=[ \]\t]))" % (_DATE_TIME, _CLF_TIME, _CTIME)
)
_ANYWHERE: Final = re.compile(rb"(?<!\d)(?:%b|%b)|\[%b" % (_DATE_TIME, _CLF_TIME, _CTIME))
_SYSLOG_HEAD: Final = re.compile(rb"(?:<\d{1,3}>)?([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(\.\d{1,12})?)\b")
_KLOG_HEAD: Final = re.compile(rb"[IWEF](\d{4} \d\d:\d\d:\d\d(\.\d{1,12})?)")
_JSON_TIME: Final = re.compile(
    rb'"(?:time|ts|@timestamp|timestamp|start_time|date|datetime|\$date|eventTime|__REALTIME_TIMESTAMP'
    rb'|timeStamp|Timestamp|EdgeStartTimestamp|TimeGenerated|eventTimestamp|timestamp\(ms\))"'
    rb'\s{0,4}:\s{0,4}(?:"([^"\\]{10,40})"|(\d{10,19}(?:\.\d{1,9})?))'
)
_JSON_DATE_AND_TIME: Final = re.compile(
    rb'"date"\s{0,4}:\s{0,4}"(\d{4}-\d\d-\d\d)"\s{0,4},\s{0,4}"time"\s{0,4}:\s{0,4}"(\d\d:\d\d:\d\d)"'
)
"""CloudFront's JSON."""


def _in_json(text: bytes, settings: Settings) -> tuple[float, float] | None:
    """The first usual key whose value is a time; a value of another kind (``"date": "today"``) is passed over."""
    for found in _JSON_TIME.finditer(text, 0, 8192):
        written, number = found.groups()
        try:
            if number is not None or _NUMBER.fullmatch(written):
                return epoch(number or written)
            stamp = _STAMP.fullmatch(written)
            if stamp is not None:
                return _numeric_stamp(stamp, settings)
        except (ValueError, OverflowError):
            continue
    apart = _JSON_DATE_AND_TIME.search(text, 0, 8192)
    try:
        return (local(apart[1] + b" " + apart[2], settings.zone), 1.0) if apart is not None else None
    except ValueError:
        return None


def _anywhere(text: bytes, settings: Settings) -> tuple[float, float] | None:
    """A time further on: after ``ip - user [``, a level, ``time="``."""
    for found in _ANYWHERE.finditer(text):
        try:
            return _numeric_stamp(found, settings)
        except (ValueError, OverflowError):
            continue
    return None


def _numeric_stamp(found: re.Match[bytes], settings: Settings) -> tuple[float, float]:
    parts = found.groupdict()
    zone = settings.zone
    if (date := parts["date"]) is not None:
        fraction, offset = parts["fraction"], parts["offset"]
        second = local(date, zone) if offset is None else local(date, "UTC") - _offset(offset)
    elif (date := parts["clf"]) is not None:
        fraction, offset = parts["parts"], parts["shift"]
        second = clf(date, zone) if offset is None else clf(date + b" " + offset, zone)
    elif (date := parts["ctime"]) is not None:
        return apache(date, zone), resolution_of(date)
    else:
        return epoch(parts["epoch"])
    if not fraction:
        return second, 1.0
    return second + _fraction(fraction), _RESOLUTIONS[min(len(fraction), 6)]


def _resolution(fraction: bytes | None) -> float:
    return _RESOLUTIONS[min(len(fraction) - 1, 6)] if fraction else 1.0


def _numeric(head: bytes, zone: str) -> float:
    if len(head) != 19 or head[4] not in b"-/." or head[7] not in b"-/." or head[10] not in b" T_\t":
        raise ValueError(f"no date and time: {head[:64]!r}")
    minute, colon, second = head[:16], head[16:17], head[17:]
    start = _minutes.get((minute, zone))
    if start is None:
        start = _epoch(_number(head[:4]), _number(head[5:7]), _number(head[8:10]), head[11:17] + b"00", zone)
        if len(_minutes) >= _MEMO_SIZE:
            _minutes.clear()
        _minutes[minute, zone] = start
    if colon != b":" or not second.isdigit() or second > b"60":
        raise ValueError(f"no time of day: {head[11:]!r}")
    return start + int(second)


def _clf_second(head: bytes, zone: str) -> float:
    if len(head) != 20 or head[2:3] != b"/" or head[6:7] != b"/" or head[11:12] != b":":
        raise ValueError(f"no CLF time: {head[:64]!r}")
    return _epoch(_number(head[7:11]), _month(head[3:6]), _number(head[:2]), head[12:], zone)


def _epoch(year: int, month: int, day: int, clock: bytes, zone: str) -> float:
    if len(clock) != 8 or clock[2:3] != b":" or clock[5:6] != b":":
        raise ValueError(f"no time of day: {clock[:64]!r}")
    hour, minute, second = _number(clock[:2]), _number(clock[3:5]), _number(clock[6:])
    if second > 60:
        raise ValueError(f"no time of day: {clock!r}")
    if zone == "UTC":
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
        return float(timegm(moment.utctimetuple()) + second)
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=_zone(zone))
        return moment.timestamp() + second
    except OverflowError as error:
        raise ValueError(f"out of range: {year}") from error


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone; write one such as Europe/Berlin") from error


def _number(digits: bytes) -> int:
    if not digits.isdigit():
        raise ValueError(f"no number: {digits!r}")
    return int(digits)


def _month(name: bytes) -> int:
    month = _MONTHS.get(name)
    if month is None:
        raise ValueError(f"no month: {name!r}")
    return month


def _fraction(text: bytes) -> float:
    """``.123``, ``,123`` or ``123`` as a part of a second; nothing is 0."""
    digits = text[1:] if text[:1] in (b".", b",") else text
    if not digits:
        return 0.0
    if len(digits) > 12 or not digits.isdigit():
        raise ValueError(f"no fraction of a second: {text[:64]!r}")
    return int(digits) / _TENS[len(digits)]


_TENS: Final = tuple(float(10**n) for n in range(13))


def _offset(text: bytes) -> float:
    """``+0130``, ``+01:30``, ``Z`` as seconds east of UTC."""
    if text in (b"Z", b"z"):
        return 0.0
    digits = text[1:].replace(b":", b"")
    if len(digits) != 4 or text[:1] not in (b"+", b"-"):
        raise ValueError(f"no offset: {text[:64]!r}")
    seconds = _number(digits[:2]) * 3600 + _number(digits[2:]) * 60
    return float(-seconds if text[:1] == b"-" else seconds)


def _remember(zone: str, written: bytes, second: float) -> float:
    memo = _seconds.get(zone)
    if memo is None:
        if len(_seconds) >= 64:
            _seconds.clear()
        memo = _seconds[zone] = {}
    elif len(memo) >= _MEMO_SIZE:
        memo.clear()
    memo[written] = second
    return second


def _years(key: tuple[bytes, str, int], month: int, day: int, clock: bytes) -> tuple[float, ...]:
    """The time in up to three years from the newest back; 29 February looks back as far as 1896..1904 asks for."""
    _, zone, newest = key
    found: list[float] = []
    for year in range(newest, newest - 18, -1):
        try:
            found.append(_epoch(year, month, day, clock, zone))
        except ValueError:
            continue
        if len(found) == 3:
            break
    if not found:
        raise ValueError(f"no day of any year: {key[0]!r}")
    if len(_yearless) >= _MEMO_SIZE:
        _yearless.clear()
    _yearless[key] = tuple(found)
    return _yearless[key]


def _nearest_before(candidates: tuple[float, ...], reference: float) -> float:
    latest = reference + _DAY
    for second in candidates:
        if second <= latest:
            return second
    return candidates[-1]


@lru_cache(maxsize=64)
def _year_of(day: float) -> int:
    """The UTC year of a day counted from 1970."""
    try:
        return gmtime(day * _DAY).tm_year
    except (ValueError, OverflowError, OSError):
        return 1970
