"""How a webhook is signed: the Standard Webhooks scheme, for which most languages have a library.

Headers: ``webhook-id`` (the same for every attempt to deliver one event: drop what you have seen),
``webhook-timestamp`` (epoch seconds of this attempt), ``webhook-signature``: ``v1,`` and the base64 of HMAC-SHA256
over ``{id}.{timestamp}.{body}``.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

TOLERANCE_SECONDS: Final = 300.0
"""A receiver refuses older (replayed) deliveries."""


def headers(secret: str | None, delivery: str, now: float, body: bytes) -> dict[str, str]:
    """The headers of one attempt; without a secret there is no signature."""
    stamp = str(int(now))
    found = {"webhook-id": delivery, "webhook-timestamp": stamp}
    if secret is not None:
        found["webhook-signature"] = f"v1,{_signature(secret, delivery, stamp, body)}"
    return found


def is_genuine(secret: str, given: Mapping[str, str], body: bytes, now: float) -> bool:
    """What a receiver checks; ``given`` has lower-case names."""
    stamp = given.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(now - int(stamp[:15])) > TOLERANCE_SECONDS:
        return False
    expected = _signature(secret, given.get("webhook-id", ""), stamp, body)
    signatures = [one.removeprefix("v1,") for one in given.get("webhook-signature", "").split() if one[:3] == "v1,"]
    return any(hmac.compare_digest(one.encode(), expected.encode()) for one in signatures)


def _signature(secret: str, delivery: str, stamp: str, body: bytes) -> str:
    signed = b".".join((delivery.encode(), stamp.encode(), body))
    return base64.b64encode(hmac.new(_key(secret), signed, sha256).digest()).decode()


def _key(secret: str) -> bytes:
    """``whsec_`` and base64, as the scheme's libraries want it; any other text stands for its own bytes."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
