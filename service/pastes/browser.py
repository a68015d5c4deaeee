"""A browser's error page in words: Chrome, Edge, Firefox, Safari."""

import re
from typing import Final

from parsers import names
from parsers.vocabulary import RejectedBy

_WORDS: Final[tuple[tuple[str, str, RejectedBy], ...]] = (
    (r"(?:certificate|it) (?:has )?expired (?:on|\d)|certificate (?:is )?expired", "expired", "local"),
    (
        r"uses an unsupported protocol|unsupported TLS version|outdated (?:security )?protocol",
        "version_mismatch",
        "unknown",
    ),
    (r"only valid for|is not valid for|valid for the following names|wrong host", "hostname_mismatch", "local"),
    (r"self[- ]signed", "self_signed", "local"),
    (
        r"issuer (?:is|certificate is) (?:not recogni[sz]ed|unknown)|does not trust this site",
        "unknown_issuer",
        "local",
    ),
    (r"your (?:computer's )?clock is (?:ahead|behind)", "not_yet_valid", "local"),
    (r"(?:your )?connection (?:is not|isn['’]t) (?:private|fully secure)", "certificate_unknown", "local"),
    (r"warning: potential security risk ahead|this connection is not private", "certificate_unknown", "local"),
    (r"site (?:can['’]t|cannot) (?:be trusted|provide a secure connection)", "generic_failure", "unknown"),
    (
        r"secure connection failed|can['’]t establish a secure connection|did not connect: potential",
        "generic_failure",
        "unknown",
    ),
)
_PAGES: Final = tuple((re.compile(shape, re.IGNORECASE), reason, by) for shape, reason, by in _WORDS)
_PAGE: Final = re.compile(
    r"not private|isn['’]t private|fully secure|security risk ahead|secure connection|clock is (?:ahead|behind)|"
    r"Did Not Connect: Potential",
    re.IGNORECASE,
)
_PAGE_HOST: Final = re.compile(
    r"(?:information from|connection to|connecting to|impersonating|prove that it is|certificate for|identity of|trust|"
    r"not valid for)"
    r" (?P<a>[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8})|(?P<b>[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8})"
    r" (?:sent an invalid|uses an unsupported|uses security|normally uses|uses an invalid|is a website|"
    r"unexpectedly|didn)",
    re.IGNORECASE,
)


def browser_page(text: str) -> tuple[str, RejectedBy, str | None] | None:
    """Reason, who gave up and host that a browser's error page tells in words; None where it is none.

    A page that names a code (ERR_..., SEC_ERROR_...) is told by the code; then only the host is of use.
    """
    page = text[:16_384]
    if _PAGE.search(page) is None:
        return None
    for shape, reason, by in _PAGES:
        if shape.search(page):
            return reason, by, page_host(page)
    return None


def page_host(text: str) -> str | None:
    """The site that a browser's page speaks of."""
    found = _PAGE_HOST.search(text[:16_384])
    return names.host(found["a"] or found["b"]) if found else None
