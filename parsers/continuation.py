"""Which lines go on with the one before: stack traces, error chains, what ``curl -v`` and ``s_client`` print.

A line that begins as log lines begin (a time, a level, a JSON object) always begins a record. What follows it
without such a beginning belongs to it. A stream without any such beginnings is split by the shapes of traces alone.
The rules look at a line and at the record so far, never further back: so a log cut anywhere between two records
gives the same records.
"""

import re
from typing import Final

LINES: Final = 512
"""A record ends after this many lines, traces of runaway recursion included."""
BYTES: Final = 64 * 1024
"""And it ends with the line that takes it past this size."""
LOOK: Final = 256
"""Bytes of a line that decide; the rest of it is never looked at."""


def begins_record(line: bytes) -> bool:
    """Whether ``line`` starts as log lines start: it goes on with nothing."""
    return _STAMPED(line) is not None


class Growing:
    """The shape of one record while its lines are gathered; begins with its first line."""

    __slots__ = ("_kind", "_lines", "_size", "_trace")

    def __init__(self, line: bytes, size: int) -> None:
        """``line`` may be cut at `LOOK` bytes, ``size`` is its real one."""
        self._lines = 1
        self._size = size
        self._trace = _OUTSIDE
        if _STAMPED(line) is not None:
            self._kind = _UNDER_A_HEAD
        elif _CURL_VERBOSE(line) is not None:
            self._kind = _IN_CURL_VERBOSE
        elif _S_CLIENT(line) is not None:
            self._kind = _IN_S_CLIENT
        elif line.startswith(b"curl: ("):
            self._kind = _IN_CURL
        elif _QUEUED(line) is not None:
            self._kind = _AT_QUEUE
        else:
            self._kind = _BARE
            self._trace = _after(line, _OUTSIDE)

    @property
    def is_full(self) -> bool:
        """Whether it has reached its bounds and ends here."""
        return self._lines >= LINES or self._size >= BYTES

    def takes(self, line: bytes, size: int) -> bool:
        """Whether ``line`` goes on with this record; if so, it has been taken."""
        if self.is_full or _STAMPED(line) is not None or not self._goes_on(line):
            return False
        self._lines += 1
        self._size += size
        return True

    def _goes_on(self, line: bytes) -> bool:
        kind = self._kind
        if kind == _IN_CURL_VERBOSE:
            if self._trace == _TOLD and _CURL_VERBOSE(line) is not None:
                return False
            if line.startswith(b"curl: ("):
                self._trace = _TOLD
            return True
        if kind == _IN_S_CLIENT:
            if line.startswith(b"---"):
                self._trace = _TOLD
            return self._trace != _TOLD or _S_CLIENT(line) is None
        if kind == _AT_QUEUE and line.startswith(b"CONNECTED("):
            self._kind = _IN_S_CLIENT
            return True
        if kind == _IN_CURL:
            return _CURL_ADVICE(line) is not None or not line
        if line[:1] in (b" ", b"\t"):
            return True
        before, self._trace = self._trace, _after(line, self._trace)
        if before in (_TOLD, _BLANK):  # a Python trace has named its error
            return self._trace in (_BLANK, _LINKED)
        if kind == _UNDER_A_HEAD:
            return _OF_ITS_OWN(line) is None
        return before != _OUTSIDE or _GOES_ON(line) is not None


_UNDER_A_HEAD, _BARE, _IN_CURL, _IN_CURL_VERBOSE, _IN_S_CLIENT, _AT_QUEUE = range(6)

_OUTSIDE, _IN_TRACE, _TOLD, _BLANK, _LINKED = range(5)
"""Where in a Python trace: none, among its frames, its error named, blank after that, at "During handling of"."""


def _after(line: bytes, state: int) -> int:
    """The state after an unindented line."""
    if line.startswith(_TRACEBACK):
        return _IN_TRACE
    if state == _IN_TRACE:
        return _TOLD
    if state in (_TOLD, _BLANK):
        if not line:
            return _BLANK
        return _LINKED if line.startswith(_LINKS) else _OUTSIDE
    return state


_TRACEBACK: Final = b"Traceback (most recent call last)"
_LINKS: Final = (b"During handling of the above exception", b"The above exception was the direct cause")

_STAMPED: Final = re.compile(
    rb"""
      \[?\d{4}[-/.]\d\d[-/.]\d\d[T_\ ]\d\d:\d\d                                       # 2026-11-20 23:42
    | \[?\d\d/[A-Z][a-z]{2}/\d{4}:\d\d                                                # [20/Nov/2026:23
    | \[?(?:[A-Z][a-z]{2}\ )?[A-Z][a-z]{2}\ [\ \d]\d\ \d\d:\d\d:\d\d                  # Nov 20 23:42:22
    | \[?\d\d:\d\d:\d\d(?:[.,]\d{3})?[\]\ ]\ ?[\[A-Z]                                 # 23:42:22.123 [main]
    | [IWEF]\d{4}\ \d\d:\d\d:\d\d                                                     # klog
    | \{"                                                                             # a JSON object
    | \[pod/|[A-Za-z0-9][\w.@-]{0,127}\ {1,64}\|\                                        # kubectl, compose
    | <\d{1,3}>                                                                       # a syslog priority
    | (?:time|ts|t|level|lvl)=                                                        # logfmt
    | \[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\]?[:|\ \t]     # a level
    | (?:trce|dbug|info|warn|fail|crit):\ [\w.]{1,128}\[\d                            # .NET's console logger
    | [0-9a-fA-F.:\[\]]{3,50}\ (?:\S{1,64}\ \S{1,128}\ )?\[\d\d/[A-Z]                     # an access line
    | \d{10}\.\d{3}\ |\d{1,7}:[A-Z]\ \d\d\ [A-Z][a-z]{2}\ \d{4}\                      # squid, redis
    """,
    re.VERBOSE,
).match
_GOES_ON: Final = re.compile(
    rb"Caused by|Wrapped by|Suppressed|Traceback \(most recent|During handling of|The above exception|\.\.\. \d"
    rb"|at [\w.$<>/]{1,256}[(:]|-{3} End of|-{3}> |[}\])]|caused by|\(Caused by|More details here"
).match
_OF_ITS_OWN: Final = re.compile(rb"curl: \(\d|Exception in thread |\*   Trying |CONNECTED\(").match
"""Bare lines that go on with nothing even where others have heads: a shell script's curl beside its dated lines."""
_CURL_VERBOSE: Final = re.compile(rb"\*   Trying |\* Host |\* Rebuilt URL|\* About to connect|\* Added ").match
_CURL_ADVICE: Final = re.compile(
    rb"More details here|curl failed to verify|establish a secure|how to fix it|curl performs SSL|of Certificate|"
    rb"bundle file|the -k|If this HTTPS|problem with|not match|If you'd like"
).match
_S_CLIENT: Final = re.compile(rb"CONNECTED\(|Connecting to |depth=\d").match
_QUEUED: Final = re.compile(rb"[0-9A-Fa-f]{8,20}:error:|(?:read|write|connect):errno=\d").match
"""OpenSSL's error queue as it prints it; ``s_client`` writes it to standard error, so it may come before its output."""
