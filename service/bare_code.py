"""A code somebody asks about: ``alert 48``, ``0A000418``, ``curl: (60)``, ``SEC_E_UNTRUSTED_ROOT``, ``-9807``.

What codes mean stands in the lexicon; here are only the short ways in which people write them. A browser's, a
curl's or an X.509 code is a client's word about the server it called; an alert is told as the server that got it.
"""

import re
from functools import cache
from typing import Final

from parsers.failure import Failure
from parsers.lexicon import codes
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.entry import MEANINGFUL, Entry
from parsers.lexicon.said import Said
from parsers.vocabulary import FAMILY_OF, Direction, RejectedBy

_LONGEST: Final = 120
_ALERT: Final = re.compile(
    r"(?:(?:ssl|tls)[ /]*)?(?:fatal[ ]*)?(?:alert(?:[ ]*(?:number|code|no\.?|\#))?[ :=\#]*)?\(?(\d{1,3})\)?\Z",
    re.IGNORECASE | re.VERBOSE,
)
_ALERT_NAME: Final = re.compile(
    r"(?:received |sent )?(?:(?:ssl|tls|tlsv1(?:\.?[0-3])?|sslv3) )?(?:fatal )?(?:alert[ :]*)?"
    r"([a-z][a-z_ ]{2,40}?)(?: ?\((\d{1,3})\))?\Z",
    re.IGNORECASE,
)
_EXIT: Final = re.compile(
    r"(?:(curl|wget)[ :]*)?(?:(?:failed|exited)[ ]with[ ])?(?:(?:exit|error|return)[ ]*)?(?:(?:code|status)[ :=]*)?"
    r"\(?(\d{1,3})\)?\Z",
    re.IGNORECASE | re.VERBOSE,
)
_PACKED: Final = re.compile(r"(?:error:|0x)?([0-9A-Fa-f]{8,9})(?:L)?\Z")
_DEAD_ALERTS: Final = frozenset({60})
"""export_restriction was gone before TLS 1.0: who asks for 60 has it from curl."""

_SPELLED: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(shape + r"\Z", re.IGNORECASE), entry)
    for shape, entry in (
        (
            r"(?:x509(?:_v_err)?|verif\w*|openssl)?[ :,]*(?:error|code|result|return code)?[ :=]*(?:num=)"
            r"(?P<n>\d{1,3}):?",
            "verify error:num={n}:",
        ),
        (
            r"(?:verify return code|verify(?: error)?|x509(?: error)?)[ :=(]*(?P<n>\d{1,3})\)?",
            "verify error:num={n}:",
        ),
        (r"error (?P<n>\d{1,3}) at \d{1,2} depth lookup:?", "verify error:num={n}:"),
        (r"(?:osstatus|errssl|error|sslhandshake failed)?[ :=(]*(?P<n>-98\d\d)\)?", "SSLHandshake failed ({n})"),
        (
            r"(?:nsurlerrordomain|cfnetwork|error)?[ :=(]*(?:code[ =]*)?(?P<n>-12\d\d)\)?",
            "NSURLErrorDomain Code={n}",
        ),
        (r"(?:net_error|net::err|chrome|error)?[ :=(]*(?P<n>-[1-3]\d\d)\)?", "net_error {n}"),
        (r"(?:0x)?(?P<n>(?:8009|800b)[0-9a-f]{4})", "0x{n}"),
        (r"(?P<n>-0x[0-9a-f]{4}|-\d{4,5})", "{n}"),
    )
)
_PREFIX: Final = re.compile(r"\A(?:net::|(?:error|status)(?: code)?[: ]+|openssl\.ssl\.)", re.IGNORECASE)

_HTTP: Final[dict[int, tuple[str, RejectedBy, Direction]]] = {
    495: ("rejected", "local", "downstream"),  # nginx
    496: ("missing", "local", "downstream"),
    497: ("not_tls", "local", "downstream"),
    525: ("generic_failure", "unknown", "upstream"),  # Cloudflare: handshake with the origin failed
    526: ("certificate_unknown", "local", "upstream"),  # Cloudflare: the origin's certificate is not accepted
}
_STATUS: Final = re.compile(r"(?:(?:http|nginx|cloudflare|error|status)[ :/]*)*(?:code[ :=]*)?(\d{3})\Z", re.IGNORECASE)
_SERVERS_WORD: Final = frozenset({"openssl", "boringssl", "nginx", "haproxy", "envoy", "apache", "tls", "s2n"})
"""Stacks that stand on both sides: their codes are told as the hop that asks, or as a server."""


def failure_of_code(data: bytes, hop: str | None) -> tuple[Failure, Said | None] | None:
    """What a text says that is nothing but a code, and the entry that tells it; None if it is more, or unknown."""
    if not 0 < len(data) <= _LONGEST:
        return None
    text = " ".join(data.decode("utf-8", "replace").split()).strip("\"'`.,;")
    direction: Direction = "upstream" if hop == "app" else "downstream"
    if (match := _PACKED.match(text)) and (code := codes.decode(match[1])) is not None:
        entry = _by_text().get(match[1].lower())
        if entry is None and code.alert is not None:
            entry = load_lexicon().alert(code.alert)
        found = _failure(code.reason, code.rejected_by, direction, data, entry, code.alert)
        if found is not None:
            found[0].code = match[1]
        return found
    if (match := _ALERT.match(text)) and not (text.isdigit() and int(text) in _DEAD_ALERTS):
        entry = load_lexicon().alert(int(match[1]))
        if entry is not None:
            return _failure(entry.reason, entry.rejected_by, direction, data, entry, int(match[1]))
    if (match := _EXIT.match(text)) and (not text.isdigit() or len(text) < 3):
        entry = load_lexicon().exit_code(int(match[2]), (match[1] or "curl").lower())
        if entry is not None:
            return _failure(entry.reason, entry.rejected_by, "upstream", data, entry)
    if (match := _STATUS.match(text)) and (told := _HTTP.get(int(match[1]))) is not None:
        return _failure(told[0], told[1], told[2], data)
    if (entry := _spelled(text)) is not None:
        return _failure(entry.reason, entry.rejected_by, _leg(entry, hop), data, entry, entry.alert)
    if (match := _ALERT_NAME.match(text)) and (entry := _alert_named(match[1])) is not None:
        return _failure(entry.reason, entry.rejected_by, direction, data, entry, int(entry.text))
    return None


def _spelled(text: str) -> Entry | None:
    """The entry whose text this is, in one of the ways in which it is written."""
    known = _by_text()
    plain = _PREFIX.sub("", text).strip(" ()[]")
    for written in dict.fromkeys((text, plain, plain.replace("_", " "))):
        if (entry := known.get(written.lower())) is not None:
            return entry
        if (entry := known.get(f"x509_v_err_{written.lower()}")) is not None:
            return entry
    if re.fullmatch(r"-\d{10}", plain):  # an HRESULT as a signed number
        plain = f"0x{int(plain) & 0xFFFF_FFFF:08x}"
    for shape, wanted in _SPELLED:
        match = shape.match(plain) or shape.match(text)
        if match and (entry := known.get(wanted.format(n=match["n"]).lower())) is not None:
            return entry
    return None


def _leg(entry: Entry, hop: str | None) -> Direction:
    if entry.leg is not None:
        return entry.leg
    about_a_server = entry.rejected_by == "local" and FAMILY_OF.get(entry.reason) == "certificate"
    if hop == "app" or (hop is None and (about_a_server or entry.stack not in _SERVERS_WORD)):
        return "upstream"
    return "downstream"


@cache
def _by_text() -> dict[str, Entry]:
    known: dict[str, Entry] = {}
    for entry in load_lexicon().entries:
        if entry.kind in MEANINGFUL and entry.kind not in ("alert", "exit_code", "packed", "hint") and entry.reason:
            known.setdefault(entry.text.lower(), entry)
            name = entry.source.rpartition(" ")[2].partition("=")[0]
            if name.startswith("X509_V_ERR_"):
                known.setdefault(name.lower(), entry)
    return known


@cache
def _alerts() -> dict[str, Entry]:
    """``unknown ca`` -> the row of the alert, by the name in IANA's registry."""
    return {
        entry.source.rpartition(": ")[2].replace("_", " "): entry
        for entry in load_lexicon().entries
        if entry.kind == "alert"
    }


def _alert_named(name: str) -> Entry | None:
    return _alerts().get(name.lower().replace("_", " ").strip())


def _failure(
    reason: str,
    rejected_by: RejectedBy,
    direction: Direction,
    data: bytes,
    entry: Entry | None = None,
    alert: int | None = None,
) -> tuple[Failure, Said | None] | None:
    if reason not in FAMILY_OF:
        return None
    said = None
    if entry is not None:
        said = Said(reason, rejected_by, entry.rank, alert, None, None, (entry.id,), entry.id)
        if direction == "upstream" or alert is not None or rejected_by == "peer":
            reason, rejected_by = load_lexicon().judge(said, direction)
    return Failure(None, direction, reason, rejected_by, alert=alert, message=data, raw=data, format="app"), said
