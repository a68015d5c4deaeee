"""Where CloudFront's values stand in a record: by their names, by the documented order, else by what they look like.

A log's ``#Fields:`` line says which columns it has, but a record comes without it (its file's beginning may have been
read long ago). Legacy logs always have the documented order, with new columns at the end; version 2 and real-time logs
have what was chosen. There a value is known by its looks alone: the result is one of a closed list, an address is an
address, a host a name with a dot.
"""

import re
from typing import Any, Final, NamedTuple

from parsers import names, timestamps
from parsers.formats import aws_fields, cloud_json

_DATE: Final = re.compile(rb"\d{4}-\d\d-\d\d\Z")
_CLOCK: Final = re.compile(rb"\d\d:\d\d:\d\d\Z")
_EPOCH: Final = re.compile(rb"\d{10}\.\d{1,6}\Z|\d{13}\Z")
_ISO: Final = re.compile(aws_fields.ISO + rb"\Z")
_PORT: Final = re.compile(rb"\d{1,5}\Z")
_TLS: Final = re.compile(rb"(?:TLS|SSL)v[\d.]{1,4}\Z")
_CLOUDFRONTS_OWN: Final = ".cloudfront.net"

_STATUS, _HOST, _CLIENT, _PROTOCOL, _CIPHER, _PORT_COLUMN, _DETAILED = 8, 15, 4, 20, 21, 26, 28
"""Places in the documented order, counted from 0."""


class Fields(NamedTuple):
    """What both kinds of CloudFront records tell."""

    result: bytes
    """``x-edge-detailed-result-type``, or the ``connectionStatus`` of a connection log."""
    status: bytes = b""
    time: float | None = None
    resolution: float = 1.0
    host: str | None = None
    client: str | None = None
    protocol: str | None = None
    cipher: str | None = None


def of_json(document: dict[str, Any]) -> Fields:
    """Standard log (v2) or connection log as JSON."""
    status = cloud_json.text(document, "connectionStatus")
    if status:
        time, resolution = cloud_json.time(document, "eventTimestamp")
        return Fields(
            result=status.encode(),
            time=time,
            resolution=resolution,
            host=names.host(cloud_json.text(document, "tlsSni")),
            client=names.peer(cloud_json.text(document, "clientIp"), cloud_json.text(document, "clientPort")),
            protocol=cloud_json.known(document, "tlsProtocol"),
            cipher=cloud_json.known(document, "tlsCipher"),
        )
    time, resolution = cloud_json.time(document, "timestamp(ms)", "timestamp")
    if time is None:
        moment = cloud_json.text(document, "date").encode(), cloud_json.text(document, "time").encode()
        time = _time(*moment) if _DATE.match(moment[0]) and _CLOCK.match(moment[1]) else None
    return Fields(
        result=cloud_json.text(document, "x-edge-detailed-result-type").encode(),
        status=cloud_json.text(document, "sc-status").encode(),
        time=time,
        resolution=resolution,
        host=names.host(cloud_json.text(document, "x-host-header"))
        or names.host(cloud_json.text(document, "cs(Host)")),
        client=names.peer(cloud_json.text(document, "c-ip"), cloud_json.text(document, "c-port")),
        protocol=cloud_json.known(document, "ssl-protocol"),
        cipher=cloud_json.known(document, "ssl-cipher"),
    )


def of_columns(text: bytes, results: frozenset[bytes]) -> Fields | None:
    """A record of columns in which one of ``results`` stands; None if none does."""
    text = text[: aws_fields.MOST_BYTES]
    columns = text.split(b"\t")[: aws_fields.MOST_FIELDS] if b"\t" in text else aws_fields.columns(text)
    if len(columns) > _DETAILED and _DATE.match(columns[0]) and _CLOCK.match(columns[1]) and len(columns[_STATUS]) == 3:
        if columns[_DETAILED] in results:
            return _documented(columns)
        return None
    found = next((at for at, column in enumerate(columns) if column in results or column.startswith(b"Failed:")), None)
    return None if found is None else _looked_for(columns, found)


def _documented(columns: list[bytes]) -> Fields:
    return Fields(
        result=columns[_DETAILED],
        status=columns[_STATUS],
        time=_time(columns[0], columns[1]),
        host=names.host(columns[_HOST]),
        client=names.peer(columns[_CLIENT], columns[_PORT_COLUMN]),
        protocol=_word(columns[_PROTOCOL]),
        cipher=_word(columns[_CIPHER]),
    )


def _looked_for(columns: list[bytes], found: int) -> Fields:
    time, resolution = _time_among(columns)
    hosts = [name for name in map(_name, columns) if name is not None]
    is_connection = columns[found].startswith(b"Failed:")
    client: str | None = None
    for at, column in enumerate(columns):
        if is_connection and at <= found:
            continue
        if (client := names.peer(column)) is not None and client.count(":") != 1:
            after = columns[at + 1] if is_connection and at + 1 < len(columns) else b""
            client = names.peer(column, after if _PORT.match(after) else None)
            break
    return Fields(
        result=columns[found],
        status=b"502" if b"502" in columns else b"",
        time=time,
        resolution=resolution,
        host=next((name for name in hosts if not name.endswith(_CLOUDFRONTS_OWN)), hosts[0] if hosts else None),
        client=client,
        protocol=next((column.decode("ascii") for column in columns if _TLS.match(column)), None),
    )


def _name(column: bytes) -> str | None:
    """A column that is a host name of at least two labels; the types and cities among the others have no dot."""
    if b"." not in column or len(column) > 260:
        return None
    return names.host(column)


def _time_among(columns: list[bytes]) -> tuple[float | None, float]:
    date = next((column for column in columns if _DATE.match(column)), None)
    clock = next((column for column in columns if _CLOCK.match(column)), None)
    if date is not None and clock is not None:
        return _time(date, clock), 1.0
    for column in columns:
        try:
            if _EPOCH.match(column):
                return timestamps.epoch(column)
            if _ISO.match(column):
                return timestamps.iso(column, "UTC"), timestamps.resolution_of(column)
        except ValueError:
            continue
    return None, 1.0


def _time(date: bytes, clock: bytes) -> float | None:
    try:
        return timestamps.local(date + b" " + clock, "UTC")
    except ValueError:
        return None


def _word(column: bytes) -> str | None:
    return None if column in (b"", b"-") else column[:64].decode("ascii", "replace")
