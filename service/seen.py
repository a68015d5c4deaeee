"""What a log shows of itself: the levels and kinds of its lines, from a bounded look at each block.

A log that writes no line below ``warn`` can't show a handshake failure that is logged at ``info``: its silence proves
nothing. The verdict lists such a stream under ``unseen``, and ``handspike check`` names the setting that would show it.
Cost: for a block the lines at its two ends and one search of its first 16 KiB; no line is looked at for itself.
Of a log that is read in bulk only every sixteenth block is looked at.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from parsers.failure import Failure

END_LINES: Final = 16
"""Lines looked at, at either end of a block."""
HEAD_BYTES: Final = 16 * 1024
"""Of a block, searched for a line of the level that would show failures."""
BULK_BYTES: Final = 64 * 1024
BULK_STEP: Final = 16
"""Of blocks larger than `BULK_BYTES` only one in so many is looked at."""
FOREIGN_AFTER: Final = 16
"""A lesson of whose lines so many looks found none is not about this log."""
LINE_BYTES: Final = 512
ENOUGH: Final = 20
"""Lines of a kind that must have been looked at before anything is said about what never shows."""


class Lesson(NamedTuple):
    """What it means that a kind of line is there and another one never is."""

    formats: tuple[str, ...]
    there: re.Pattern[bytes]
    """Lines of the kind that was looked at."""
    shown_by: re.Pattern[bytes]
    """What stands in a log that can show its clients' failures."""
    why: str
    """Why the log can't show them, as a clause."""
    way_out: str
    """The setting that would show them, copyable."""
    source: str
    vague: bool = False
    """The log does show them, but not why: worth a word from ``check``, and no blindness."""


_NGINX_LINE: Final = rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[[a-z]{3,9}\] "
_APACHE_LINE: Final = rb"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]{8,18} \d{4}\] \[[\w-]{0,40}:\w+\] "
_ACCESS_LINE: Final = rb"\S{2,60} \S{1,64} \S{1,64} \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \""
_METHOD: Final = rb"(?:GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS|CONNECT|TRACE|PRI) "

LESSONS: Final[tuple[Lesson, ...]] = (
    Lesson(
        ("nginx",),
        re.compile(_NGINX_LINE),
        re.compile(rb" \[(?:info|debug)\] "),
        "its error log holds no line at level info, and nginx logs clients' failed handshakes at that level",
        "error_log /var/log/nginx/error.log info;",
        "nginx src/event/ngx_event_openssl.c, ngx_ssl_connection_error",
    ),
    Lesson(
        ("ingress_nginx",),
        re.compile(_NGINX_LINE),
        re.compile(rb" \[(?:info|debug)\] "),
        "the controller's nginx writes no line at level info (its default is notice), where clients' failed"
        " handshakes are logged",
        'error-log-level: "info" in the controller\'s ConfigMap',
        "kubernetes/ingress-nginx internal/ingress/controller/config/config.go",
    ),
    Lesson(
        ("nginx", "ingress_nginx", "apache"),
        re.compile(_ACCESS_LINE),
        re.compile(_NGINX_LINE + rb"|" + _APACHE_LINE),
        "it is an access log: a handshake that fails never becomes a request",
        "add the server's error log to the stream's path",
        "nginx ngx_http_log_module, Apache mod_log_config: one line a request",
    ),
    Lesson(
        ("apache",),
        re.compile(_APACHE_LINE),
        re.compile(rb"\[ssl:(?:info|debug|trace\d)\]"),
        "its error log holds no line of mod_ssl at level info, where failed handshakes are logged"
        " (the default is warn)",
        "LogLevel warn ssl:info",
        "apache/httpd modules/ssl/ssl_engine_io.c",
    ),
    Lesson(
        ("envoy",),
        re.compile(rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[\d+\]\[[a-z]+\]"),
        re.compile(
            rb"\]\[(?:debug|trace)\]|TLS_error|\"[A-Z]{3,9} /|\"- - -\""
            rb"|\"(?:response_flags|downstream_transport_failure_reason)\""
        ),
        "it is Envoy's application log above level debug, where no failed handshake is logged",
        "a listener access_log with %DOWNSTREAM_TRANSPORT_FAILURE_REASON% and %REQUESTED_SERVER_NAME%",
        "envoyproxy/envoy source/common/tls/ssl_socket.cc",
    ),
    Lesson(
        ("envoy",),
        re.compile(rb"\[\d{4}-\d\d-\d\dT[\d:.]{8,16}Z\] \"" + _METHOD + rb"|\{(?=[^\n]{0,4000}\"method\":\"[A-Z])"),
        re.compile(
            rb"\"- - (?:-|HTTP)|\"method\":(?:null|\"-\"|\"\")|TLS_error|DOWNSTREAM_TRANSPORT_FAILURE|"
            rb"\"downstream_transport_failure_reason\"|filter_chain_not_found|\]\[debug\]"
        ),
        "its access log holds requests alone: a client whose handshake fails sends none",
        "a listener access_log with %DOWNSTREAM_TRANSPORT_FAILURE_REASON% and %REQUESTED_SERVER_NAME%",
        "Envoy documentation, Access logging; config.listener.v3.Listener.access_log",
    ),
    Lesson(
        ("caddy",),
        re.compile(rb"\"level\":\"(?:info|warn|error)\"|\t(?:INFO|WARN|ERROR)\t"),
        re.compile(rb"\"level\":\"debug\"|\tDEBUG\t"),
        "its log holds no line at level debug, where Caddy logs clients' failed handshakes (its default is info)",
        "debug in the Caddyfile's global options",
        "caddyserver/caddy modules/caddyhttp/app.go, http.stdlib",
    ),
    Lesson(
        ("traefik",),
        re.compile(rb"level=\"?(?:info|warn|error)|\"level\":\"(?:info|warn|error)\"| (?:INF|WRN|ERR) "),
        re.compile(rb"level=\"?debug|\"level\":\"debug\"| DBG "),
        "its log holds no line at level debug, where Traefik logs clients' failed handshakes (its default is error)",
        "log: {level: DEBUG} in the static configuration",
        "traefik/traefik pkg/server/server_entrypoint_tcp.go, ErrorLog",
    ),
    Lesson(
        ("haproxy",),
        re.compile(
            rb"[\w.~-]/[\w.:~-]{1,80}: (?:SSL handshake failure|Connection (?:closed|error) during SSL handshake)"
        ),
        re.compile(
            rb"error:[0-9A-F]{8}:|SSL handshake failure \(|\d{1,3}/[0-9A-F]{8,16}(?:/\d|[ \"])|fc_err|ssl_fc_err"
        ),
        "its lines say that a client's handshake failed, and never why (HAProxy before 2.8 needs to be asked)",
        'error-log-format "... %[fc_err_str] %[ssl_fc_err,hex] %[ssl_fc_sni]" (2.5 and later)',
        "HAProxy doc/configuration.txt 8.2.5 and error-log-format",
        vague=True,
    ),
)

_NEVER: Final[dict[str, tuple[str, str]]] = {
    "aws_alb": (
        "an ALB's access log holds requests alone; failed TLS negotiations are only in its connection log",
        "connection_logs.s3.enabled=true on the load balancer, and a stream of format aws_alb_connection",
    ),
    "aws_clb": (
        "a Classic Load Balancer's access log holds requests alone, never a failed TLS negotiation",
        "the CloudWatch metric ClientTLSNegotiationErrorCount",
    ),
    "cloudfront": (
        "CloudFront writes no record of a viewer whose handshake failed",
        "the clients' own logs: a stream of hop app that follows this one",
    ),
    "cloudflare": (
        "Cloudflare's HTTP log holds no record of a visitor whose handshake failed",
        "the clients' own logs: a stream of hop app that follows this one",
    ),
    "gcp_lb": (
        "the load balancer logs requests and refused client certificates, no other failed handshake",
        "the clients' own logs: a stream of hop app that follows this one",
    ),
    "azure_appgw": (
        "Application Gateway logs requests and missing client certificates, no other failed handshake",
        "the clients' own logs: a stream of hop app that follows this one",
    ),
}
"""Formats that can't show downstream failures at any setting: format -> (why, way out)."""
_UNLESS: Final = {"cloudfront": b'"connectionStatus"', "cloudflare": b'"ClientTlsStatus"'}
"""What stands in the other log of the same format, which does show them: viewer connections, Spectrum events."""


class Seen:
    """One stream's log as far as it was looked at. Small, and never shrinks: what was once shown stays known."""

    def __init__(self, format_name: str, hop: str) -> None:
        """An ``app`` only calls: it has no clients whose handshakes its log would have to show."""
        self._never = None if hop == "app" else _NEVER.get(format_name)
        self._unless = _UNLESS.get(format_name)
        wanted = (format_name,) if format_name != "auto" else tuple(name for one in LESSONS for name in one.formats)
        self._lessons = [] if hop == "app" else [one for one in LESSONS if not set(wanted).isdisjoint(one.formats)]
        self._counts = [0] * len(self._lessons)
        self._shown = [False] * len(self._lessons)
        self._shows_clients = False
        self._blocks = self._looks = 0

    def look(self, block: bytes) -> None:
        """A bounded look at one block, which begins and ends with a line."""
        if self._shows_clients:
            return
        if self._never is not None and self._unless is not None and self._unless in block[:HEAD_BYTES]:
            self._never = None
        if all(self._shown):
            return
        self._blocks += 1
        if len(block) > BULK_BYTES and self._blocks % BULK_STEP != 1:
            return
        self._looks += 1
        head = block[:HEAD_BYTES]
        lines: list[bytes] | None = None
        for index, lesson in enumerate(self._lessons):
            if self._shown[index] or (self._counts[index] == 0 and self._looks > FOREIGN_AFTER):
                continue
            if lesson.shown_by.search(head) is not None:
                self._shown[index] = True
            elif lesson.vague:
                self._counts[index] = self._counts[index] or (ENOUGH if lesson.there.search(head) is not None else 0)
            elif self._counts[index] < ENOUGH:
                lines = _ends(block) if lines is None else lines
                self._counts[index] += sum(lesson.there.search(line) is not None for line in lines)

    def tell(self, failures: Sequence[Failure]) -> None:
        """Failures that the log did show: it can. The first few of a block are enough."""
        if not self._shows_clients:
            self._shows_clients = any(failure.direction == "downstream" for failure in failures[:64])

    def lessons(self) -> list[tuple[str, str, bool]]:
        """(why, way out, whether it is only vague) of what the log can't show, the first one deciding."""
        if self._never is not None and not self._shows_clients:
            return [(*self._never, False)]
        return [
            (lesson.why, lesson.way_out, lesson.vague)
            for lesson, shown, count in zip(self._lessons, self._shown, self._counts, strict=True)
            if not shown and count >= ENOUGH and (lesson.vague or not self._shows_clients)
        ]

    def shown(self) -> set[str]:
        """Settings that must be on already, for the log shows what they bring."""
        return {lesson.way_out for lesson, shown in zip(self._lessons, self._shown, strict=True) if shown}

    def why_blind(self) -> str | None:
        """As a clause for a verdict's ``unseen``; None if the log can show its clients' failures, or nobody knows."""
        for why, way_out, vague in self.lessons():
            if not vague:
                return f"it can't show its clients' failed handshakes: {why}; to see them: {way_out}"
        return None


def _ends(block: bytes) -> list[bytes]:
    """Up to `END_LINES` lines of either end, each cut at `LINE_BYTES`."""
    found = []
    at = 0
    for _ in range(END_LINES):
        stop = block.find(b"\n", at)
        if stop < 0:
            if block[at:]:
                found.append(block[at : at + LINE_BYTES])
            return found
        found.append(block[at : min(stop, at + LINE_BYTES)])
        at = stop + 1
    first = at
    stop = len(block.rstrip(b"\n"))
    for _ in range(END_LINES):
        at = block.rfind(b"\n", first, stop) + 1
        if at == 0 or stop <= first:
            if stop > first:
                found.append(block[first : min(stop, first + LINE_BYTES)])
            break
        found.append(block[at : min(stop, at + LINE_BYTES)])
        stop = at - 1
    return found
