"""Asks a running service over HTTP; whatever goes wrong is one line that says what to do."""

import os
from typing import Any, Final

from service.errors import HandspikeError

_WAIT_SECONDS: Final = 15.0


class RemoteError(HandspikeError):
    """The service could not be reached, or would not."""


class Remote:
    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        import httpx

        token = os.environ.get("HANDSPIKE_TOKEN", "").strip()
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=_WAIT_SECONDS)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise RemoteError(
                f'"{self.url}" is no address of a service; write one such as http://127.0.0.1:9844'
            ) from None
        except httpx.ConnectError:
            raise RemoteError(
                f"nothing answers at {self.url}; start it with handspike serve, or name another with --url"
            ) from None
        except httpx.TimeoutException:
            raise RemoteError(f"{self.url} did not answer within {_WAIT_SECONDS:g} s") from None
        except (httpx.HTTPError, UnicodeEncodeError) as error:
            raise RemoteError(f"{self.url} can't be asked: {error or type(error).__name__}") from None
        if answer.status_code in (401, 403) and not token:
            raise RemoteError(f"{self.url} wants a token; put it into the environment as HANDSPIKE_TOKEN")
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not answer.is_success:
            raise RemoteError(f"{self.url} answered {answer.status_code}: {_problem(found) or answer.reason_phrase}")
        if not isinstance(found, dict):
            raise RemoteError(f"what answers at {self.url} is no handspike")
        return found


def _problem(found: object) -> str:
    """The text of an RFC 9457 problem, on one line."""
    if not isinstance(found, dict):
        return ""
    text = " ".join(str(found.get("detail") or found.get("title") or "").split())[:500]
    return "".join(c for c in text if c.isprintable())
