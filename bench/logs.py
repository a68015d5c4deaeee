"""nginx logs from a seed: the same bytes on every machine, with a known number of failed handshakes."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

SEED: Final = 20261120
FAILURE_SHARE: Final = 0.005
LINES_PER_SECOND: Final = 400
_START: Final = datetime(2026, 11, 20, 10, tzinfo=UTC)
_POOL: Final = 20_000
"""Different lines before they repeat (with other times)."""

_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1",
    "orders-sync/2.4",
)
_DOWNSTREAM: Final = (
    "SSL_do_handshake() failed (SSL: error:0A000102:SSL routines::unsupported protocol)",
    "SSL_do_handshake() failed (SSL: error:0A0000C1:SSL routines::no shared cipher)",
    "SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48)",
    "SSL_do_handshake() failed (SSL: error:0A000415:SSL routines::sslv3 alert certificate expired:SSL alert number 45)",
)
_UPSTREAM: Final = (
    "upstream SSL certificate verify error: (10:certificate has expired) while SSL handshaking to upstream"
)
_HARMLESS: Final = (
    "client 192.0.2.7 closed keepalive connection",
    'open() "/srv/www/favicon.ico" failed (2: No such file or directory), client: 192.0.2.9, server: www.shop.example',
)

MTAIL_PROGRAM: Final = r"""counter tls_downstream
counter tls_upstream
/SSL_do_handshake\(\) failed/ {
  tls_downstream++
}
/upstream SSL certificate verify error/ {
  tls_upstream++
}
"""
"""Two patterns that count every failure of these logs."""
RIPGREP_LITERALS: Final = (
    "SSL_do_handshake() failed",
    "upstream SSL certificate verify error",
    "client closed connection while SSL handshaking",
    "peer closed connection in SSL handshake",
    'no "ssl_certificate" is defined',
    "upstream SSL certificate does not match",
)


class Log(msgspec.Struct):
    path: Path
    bytes: int
    lines: int
    failures: int


def mixed(path: Path, size: int) -> Log:
    """Access and error lines mixed, `FAILURE_SHARE` of all lines are failed handshakes; at least ``size`` bytes."""
    chance = random.Random(SEED)
    access, harmless, failing = _access(chance), _error(chance, _HARMLESS), _failing(chance)
    log = Log(path, 0, 0, 0)
    with path.open("wb") as file:
        for access_time, error_time in _seconds():
            lines = []
            for _ in range(LINES_PER_SECOND):
                drawn = chance.random()
                if drawn >= 0.02:
                    head, tail = access[int(drawn * 1e6) % _POOL]
                    lines.append(head + access_time + tail)
                else:
                    is_failure = drawn < FAILURE_SHARE
                    pool = failing if is_failure else harmless
                    lines.append(error_time + pool[int(drawn * 1e8) % _POOL])
                    log.failures += is_failure
            log.lines += len(lines)
            log.bytes += file.write(b"".join(lines))
            if log.bytes >= size:
                return log
    raise AssertionError("time does not end")


def failures(path: Path, count: int) -> Log:
    """Nothing but failed handshakes."""
    chance = random.Random(SEED)
    failing = _failing(chance)
    log = Log(path, 0, count, count)
    left = count
    with path.open("wb") as file:
        for _, error_time in _seconds():
            lines = [error_time + line for line in chance.choices(failing, k=min(left, LINES_PER_SECOND))]
            log.bytes += file.write(b"".join(lines))
            left -= len(lines)
            if left == 0:
                return log
    raise AssertionError("time does not end")


def access_line(at: datetime) -> bytes:
    """One access line of ``at``; `failing_line` one failure."""
    head, tail = _ACCESS[at.microsecond % len(_ACCESS)]
    return head + at.strftime("%d/%b/%Y:%H:%M:%S").encode() + tail


def failing_line(at: datetime) -> bytes:
    return at.strftime("%Y/%m/%d %H:%M:%S").encode() + _FAILING[at.microsecond % len(_FAILING)]


def _access(chance: random.Random) -> list[tuple[bytes, bytes]]:
    pool = []
    for _ in range(_POOL):
        path = f"/v1/items/{chance.randrange(100_000)}?page={chance.randrange(50)}"
        answer = f"{chance.choice((200, 200, 200, 304, 404))} {chance.randrange(90_000)}"
        tail = f' +0000] "GET {path} HTTP/1.1" {answer} "https://www.shop.example/" "{chance.choice(_AGENTS)}"\n'
        pool.append((f"192.0.2.{chance.randrange(1, 255)} - - [".encode(), tail.encode()))
    return pool


def _failing(chance: random.Random) -> list[bytes]:
    return [line for pair in zip(_error(chance, _DOWNSTREAM), _upstream(chance), strict=True) for line in pair][:_POOL]


def _error(chance: random.Random, texts: tuple[str, ...]) -> list[bytes]:
    return [
        f" [info] 31#31: *{chance.randrange(10**6)} {chance.choice(texts)} while SSL handshaking,"
        f" client: 192.0.2.{chance.randrange(1, 255)}, server: 0.0.0.0:443\n".encode()
        if texts is _DOWNSTREAM
        else f" [info] 31#31: *{chance.randrange(10**6)} {chance.choice(texts)}\n".encode()
        for _ in range(_POOL)
    ]


def _upstream(chance: random.Random) -> list[bytes]:
    lines = []
    for _ in range(_POOL):
        path = f"/v1/items/{chance.randrange(100_000)}"
        lines.append(
            f" [error] 31#31: *{chance.randrange(10**6)} {_UPSTREAM}, client: 192.0.2.{chance.randrange(1, 255)},"
            f' server: www.shop.example, request: "GET {path} HTTP/1.1",'
            f' upstream: "https://198.51.100.7:443{path}", host: "www.shop.example"\n'.encode()
        )
    return lines


def _seconds() -> Iterator[tuple[bytes, bytes]]:
    """The times of one second after the other, as access and error log write them."""
    at = _START
    while True:
        yield at.strftime("%d/%b/%Y:%H:%M:%S").encode(), at.strftime("%Y/%m/%d %H:%M:%S").encode()
        at += timedelta(seconds=1)


_ACCESS: Final = _access(random.Random(SEED))[:1000]
_FAILING: Final = _failing(random.Random(SEED))[:1000]
