"""The flip: a text's meaning seen from the leg on which it was said.

Certificate alerts are about the *receiver's* certificate (RFC 8446 section 6.2), and a local verification failure
about the *sender's*. The lexicon gives the server's view of the first and the client's view of the second.
"""

from typing import Final

from parsers.lexicon.said import Said
from parsers.vocabulary import FAMILY_OF, Direction, RejectedBy

_NO_CERTIFICATE: Final = frozenset({41, 116})
"""no_certificate (SSL 3.0) and certificate_required (TLS 1.3): the receiver sent none."""
_NOT_ABOUT_THE_RECEIVERS_OWN: Final = frozenset({111, 113, 114})
"""Alerts about certificate URLs and stapled status responses, not about trust in the certificate."""


def judge(said: Said, direction: Direction) -> tuple[str, RejectedBy]:
    """Reason and who gave up for ``said`` on the ``direction`` leg, seen from the hop that logged it."""
    reason, rejected_by = said.reason, said.rejected_by
    family = FAMILY_OF.get(reason)
    if direction == "upstream" and rejected_by == "peer":
        if said.alert in _NO_CERTIFICATE:
            return "missing", rejected_by
        if (family == "certificate" and said.alert not in _NOT_ABOUT_THE_RECEIVERS_OWN) or said.alert == 49:
            return "rejected", rejected_by
    if direction == "downstream" and rejected_by == "local" and family == "certificate":
        return "rejected", rejected_by
    return reason, rejected_by
