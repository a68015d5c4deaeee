"""What every request passes before a route sees it: is it for us, is it bounded, who sends it.

Pure ASGI: no copy of the answer is made, so server-sent events pass as well.
"""

import asyncio
import hmac
import logging
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import problem
from service.api.listening import OurNames, host_of

LARGEST_BODY: Final = 1 << 20
LARGEST_DRAINED: Final = 16 << 20
"""Bytes of a refused body that are still read, so that the client gets to read why."""
LONGEST_QUERY: Final = 8192
LONGEST_PATH: Final = 2048
BODY_SECONDS: Final = 15.0
"""A whole body must be here within this time; who sends slower is cut off."""
OPEN_PATHS: Final = frozenset({"/", "/healthz", "/readyz"})
"""Need no token: the page holds no data (it asks for the token itself), probes can rarely send one."""

_log = logging.getLogger("handspike.api")
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_NO_CONTENT_POLICY: Final = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Guard:
    """Refuses what is not ours, adds the security headers to all answers, its own refusals included.

    Sets ``scope["state"]["authorized"]``: an open path may say more to who has the token.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        names: OurNames,
        token: str | None = None,
        largest_body: int = LARGEST_BODY,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._app = app
        self._names = names
        self._token = None if token is None else token.encode()
        self._largest_body = largest_body
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # websockets: there are none here
            return
        guarded = _with_security_headers(send)
        headers = _Headers(scope)
        is_authorized = self._is_authorized(headers)
        if refusal := self._refusal(scope, headers, is_authorized):
            await problem.send(guarded, refusal[0], refusal[1], scope["path"], _extra_headers(refusal[0]))
            return
        scope.setdefault("state", {})["authorized"] = is_authorized
        if scope["method"] not in _READS:
            try:
                body = await _whole_body(receive, headers.length, self._largest_body, self._body_seconds)
            except _RefusedBodyError as refused:
                await problem.send(guarded, refused.status, str(refused), scope["path"], _CLOSE)
                return
            if body is None:  # the client is gone
                return
            receive = _replay(body, receive)
        await self._answer(scope, receive, guarded)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_started = False

        async def noting(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            _log.exception("%s %s failed", scope["method"], problem.shown(scope["path"]))
            if has_started:
                raise  # the server closes the connection: half an answer must not look whole
            await problem.send(send, 500, "This is a bug in handspike; its log has the details.", scope["path"])

    def _refusal(self, scope: Scope, headers: "_Headers", is_authorized: bool) -> tuple[int, str] | None:
        if not self._names.include(headers.host):
            return 421, (
                f'This service is not called "{problem.shown(headers.host)}". Use its address or localhost, or add the '
                "name to service.names (a request under a foreign name may come from a web page: DNS rebinding)."
            )
        if len(scope.get("raw_path") or b"") > LONGEST_PATH or len(scope["query_string"]) > LONGEST_QUERY:
            return 414, f"The path may have {LONGEST_PATH} bytes, the query {LONGEST_QUERY}; ask for less at once."
        if not is_authorized and scope["path"] not in OPEN_PATHS:
            return 401, "A token is needed: send the header Authorization: Bearer TOKEN (see service.token_file)."
        if scope["method"] not in _READS and not self._is_same_origin(headers):
            return 403, "A write from another web site is refused (Origin or Sec-Fetch-Site says so). Send it without."
        return None

    def _is_authorized(self, headers: "_Headers") -> bool:
        if self._token is None:
            return True
        scheme, _, given = headers.authorization.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), self._token)

    def _is_same_origin(self, headers: "_Headers") -> bool:
        """No browser, no Origin: fine. Else our own page, or one under a configured name (a proxy before us)."""
        if not headers.origin:
            return headers.fetch_site in {"", "same-origin", "none"}
        try:
            origin = urlsplit(headers.origin)
        except ValueError:
            return False
        if origin.scheme not in {"http", "https"} or "@" in origin.netloc:
            return False
        name = host_of(origin.netloc)
        return name is not None and (origin.netloc.lower() == headers.host.lower() or name in self._names.configured)


class _Headers:
    """The few headers that matter here. Of a repeated one the last counts; h11 refuses a repeated Host."""

    def __init__(self, scope: Scope) -> None:
        found: dict[bytes, bytes] = dict(scope["headers"])
        self.host = found.get(b"host", b"").decode("latin-1")
        self.origin = found.get(b"origin", b"").decode("latin-1")
        self.fetch_site = found.get(b"sec-fetch-site", b"").decode("latin-1").lower()
        self.authorization = found.get(b"authorization", b"")
        length = found.get(b"content-length", b"")
        self.length = int(length) if length.isdigit() and len(length) < 19 else None


class _RefusedBodyError(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


_CLOSE: Final = ((b"connection", b"close"),)


def _extra_headers(status: int) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"www-authenticate", b'Bearer realm="handspike"'),) if status == 401 else ()


async def _whole_body(receive: Receive, length: int | None, largest: int, seconds: float) -> bytes | None:
    """The body; None if the client went away. One that is too large is read on for a while, and forgotten:
    a client that still writes while we close would see a reset instead of our answer."""
    body = bytearray()
    seen = 0
    refused = length is not None and length > largest
    try:
        async with asyncio.timeout(seconds):
            while seen <= LARGEST_DRAINED:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                piece = message.get("body", b"")
                seen += len(piece)
                refused = refused or seen > largest
                if not refused:
                    body += piece
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        if not refused:
            raise _RefusedBodyError(408, f"The body was not complete within {seconds:g} seconds.") from None
    if refused:
        raise _RefusedBodyError(413, f"The body has more than the {largest} bytes allowed. Send it in parts.")
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


def _with_security_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            headers += [header for header in _SECURITY_HEADERS if header[0] not in present]
            if b"content-security-policy" not in present:
                headers.append((b"content-security-policy", _NO_CONTENT_POLICY))
            message = {**message, "headers": headers}
        await send(message)

    return guarded
