"""ingress-nginx: one container stream of nginx error lines, klog lines of the controller, and access lines.

Shapes and texts: ``kubernetes/ingress-nginx`` 0.24 to 1.14, ``internal/ingress/controller``,
``rootfs/etc/nginx/lua/certificate.lua``. klog has neither year nor zone.
Invisible unless the ConfigMap says ``error-log-level: info``. An unknown SNI is answered with the controller's fake
certificate, so clients then refuse *that*; the line about it is a change, the refusal the failure.
"""

import re
from typing import Final

from parsers import names, timestamps
from parsers.failure import Change, Failure
from parsers.formats import nginx
from parsers.lexicon import Said, judge
from parsers.lexicon.resolve import TRIGGER_RANK
from parsers.record import Record

NAME: Final = "ingress_nginx"
SEVERAL_LINES: Final = False

_KLOG: Final = re.compile(
    rb"[IWEF](?P<time>\d{4} \d\d:\d\d:\d\d(?:\.\d{1,9})?) {1,8}\d{1,10} "
    rb"(?P<file>[\w./-]{1,80}\.go):\d{1,6}\] (?P<message>[^\n]*)"
)
_ACCESS: Final = re.compile(
    rb'\S{1,64} - [^"\[\n]{0,300}\[[^\]\n]{20,32}\] "[^"\n]*" \d{3} \d+ "[^"\n]*" "[^"\n]*" '
    rb"\d+ [\d.]+ \[[^\]\n]*\] \[[^\]\n]*\] "
)
_LUA: Final = re.compile(
    rb"(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[[a-z]{1,8}\] \d{1,10}#\d{1,20}: (?:\*\d{1,20} )?"
    rb"\[lua\] [\w./-]{1,80}\.lua:\d{1,6}: (?:[\w.<>: /]{1,80}\(\): |in function <[^>]{1,80}>: )?(?P<message>[^\n]*)"
)
_CONTEXT: Final = re.compile(rb", (?:context: |client: )")
_CLIENT: Final = re.compile(rb", client: (?P<client>[^,\s]{1,64})")
_FOR_HOST: Final = re.compile(rb'(?:for hostname: |for server "|server=")(?P<host>[^\s,"]{1,253})')
_SERVES_ANOTHER: Final = (b"falling back to fake certificate", b"falling back to default certificate")
_OF_CERTIFICATES: Final = (
    b"Using default certificate",
    b"is about to expire (",
    b"Unexpected error validating SSL certificate",
    b"does not contain a Common Name or Subject Alternative Name",
)
_PLACEHOLDER: Final = "upstream_balancer"
"""The one upstream of its nginx.conf; wanted as a name where ``proxy-ssl-name`` is missing."""
_CONTROLLER_FILES: Final = (b"controller.go", b"backend_ssl.go", b"nginx.go", b"store.go", b"tcpproxy.go", b"tcp.go")


def claims(text: bytes) -> bool:
    """Its access layout, its Lua code, its Go files; a plain nginx error line, or one of Kong's, is ``nginx``'s."""
    if _ACCESS.match(text) is not None:
        return True
    if b"certificate.lua:" in text[:120] and b"(): [ssl] " not in text[:200] and _LUA.match(text) is not None:
        return True
    controller = _KLOG.match(text)
    return controller is not None and controller["file"].rpartition(b"/")[2] in _CONTROLLER_FILES


def read(record: Record, said: Said) -> Failure | Change | None:
    """The failure one record tells of, or a change: a reload, a certificate that is missing, broken or about to expire.

    Raises:
        MalformedRecordError: an nginx error line whose fields are not there.
    """
    text = record.text
    if (controller := _KLOG.match(text)) is not None:
        return _controller(record, controller)
    if b"[lua] " in text[:100] and (lua := _LUA.match(text)) is not None:
        return _lua(record, lua, said)
    told = nginx.read(record, said)
    if isinstance(told, Failure):
        told.format = NAME
        if told.host == _PLACEHOLDER:
            told.host = None
    return told


def _controller(record: Record, line: re.Match[bytes]) -> Change | None:
    message = line["message"]
    settings = record.settings
    try:
        time: float | None = timestamps.klog(line["time"], settings.zone, settings.reference)
    except ValueError:
        time = record.time
    if b"Backend successfully reloaded" in message:
        return Change(time, "reload", "ingress-nginx: backend reloaded")
    if any(text in message for text in _OF_CERTIFICATES):
        return Change(time, "certificate", message.decode("utf-8", "replace")[:300], _host(message))
    return None


def _lua(record: Record, line: re.Match[bytes], said: Said) -> Failure | Change | None:
    text = line["message"]
    end = _CONTEXT.search(text)
    message = text[: end.start()] if end else text
    try:
        time: float | None = timestamps.local(line["time"], record.settings.zone)
    except ValueError:
        time = record.time
    if any(other in message for other in _SERVES_ANOTHER):
        return Change(time, "certificate", message.decode("utf-8", "replace")[:300], _host(message))
    if said.rank == TRIGGER_RANK:
        return None
    client = _CLIENT.search(text)
    reason, rejected_by = judge(said, "downstream")
    return Failure(
        time=time,
        direction="downstream",
        reason=reason,
        rejected_by=rejected_by,
        peer=names.peer(client["client"]) if client else None,
        alert=said.alert,
        code=said.code,
        message=message,
        raw=record.text,
        format=NAME,
        channel="error",
    )


def _host(message: bytes) -> str | None:
    found = _FOR_HOST.search(message)
    return names.host(found["host"]) if found else None
