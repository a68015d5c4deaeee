"""nmap with the scripts ssl-enum-ciphers and ssl-cert: what a server offers, as nmap found it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from parsers import names
from service.verdict.rules import Repair


class Port(msgspec.Struct):
    """What nmap found out about one port."""

    host: str | None
    address: str
    port: int
    versions: list[str] = []
    """Oldest first, as nmap lists them."""
    ciphers: int = 0
    grade: str | None = None
    warnings: list[str] = []
    not_before: datetime | None = None
    not_after: datetime | None = None
    scanned: datetime | None = None


_REPORT: Final = re.compile(
    r"^Nmap scan report for (?:([\w.-]{1,253}) \(([0-9A-Fa-f.:]{3,45})\)|(\S{1,253}))", re.MULTILINE
)
_SCANNED: Final = re.compile(r"Starting Nmap [^\n]{0,80} at (\d{4}-\d\d-\d\d \d\d:\d\d)")
_PORT: Final = re.compile(r"^(\d{1,5})/tcp\s+(\w{1,20})", re.MULTILINE)
_VERSION: Final = re.compile(r"^\|\s{1,6}((?:TLS|SSL)v[\d.]{1,4}):", re.MULTILINE)
_CIPHER: Final = re.compile(r"^\|\s{4,10}(?:TLS|SSL)_\w{3,60}", re.MULTILINE)
_GRADE: Final = re.compile(r"least strength: ([A-F]|unknown)")
_WARNING: Final = re.compile(r"^\|\s+warnings:[ ]*\n((?:\|\s{4,12}[^\n:]{4,200}\n)+)", re.MULTILINE)
_VALID: Final = re.compile(r"Not valid (before|after):\s+(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)")


def judge_port(port: Port) -> tuple[str, str | None, Repair]:
    """What it means for clients, in a sentence; the reason for which some will fail, and what has to change."""
    scanned = port.scanned or datetime.now(UTC)
    if port.not_after is not None and port.not_after < scanned:
        return (
            f"its certificate ended on {port.not_after:%Y-%m-%d}: every client that checks it fails",
            "expired",
            _CERT,
        )
    if port.not_before is not None and port.not_before > scanned + timedelta(minutes=5):
        return f"its certificate begins on {port.not_before:%Y-%m-%d}: clients refuse it", "not_yet_valid", _CERT
    if not port.versions:
        return "it names no TLS version: it does not speak TLS, or nmap was kept from asking", "not_tls", "port"
    speaks = f"it speaks {', '.join(port.versions)} with {port.ciphers} cipher suites"
    if not {"TLSv1.2", "TLSv1.3"} & set(port.versions):
        return f"{speaks}: today's clients refuse versions that old", "version_mismatch", "policy"
    lacking = [version for version in ("TLSv1.2", "TLSv1.3") if version not in port.versions]
    notes = [f"clients that insist on {version} fail" for version in lacking]
    if not {"TLSv1.0", "TLSv1.1"} & set(port.versions):
        notes.append("clients that know nothing newer than TLSv1.1 fail")
    if port.grade in ("C", "D", "E", "F"):
        notes.append(f"its weakest suite is of grade {port.grade}, and strict clients may refuse it")
    notes += port.warnings[:3]
    return f"{speaks}; {'; '.join(notes)}", None, "none"


_CERT: Final[Repair] = "certificate"


def ports_of_nmap(text: str) -> list[Port]:
    """Each open port that an nmap report with the TLS scripts lists; empty where it is none."""
    if "/tcp" not in text or ("ssl-enum-ciphers" not in text and "ssl-cert" not in text and "Nmap scan" not in text):
        return []
    scanned = _SCANNED.search(text)
    reports = list(_REPORT.finditer(text))
    found = []
    for place, match in enumerate(_PORT.finditer(text)):
        if match[2] != "open" or place >= 1000:
            continue
        following = _PORT.search(text, match.end())
        section = text[match.start() : following.start() if following else len(text)]
        report = next((one for one in reversed(reports) if one.start() < match.start()), None)
        named = report[1] or report[3] if report else None
        port = Port(names.host(named) if named else None, (report[2] or report[3]) if report else "", int(match[1]))
        port.versions = list(dict.fromkeys(_VERSION.findall(section)))
        port.ciphers = len(_CIPHER.findall(section))
        if (grade := _GRADE.search(section)) is not None:
            port.grade = grade[1]
        for block in _WARNING.findall(section):
            port.warnings += [line.strip("| \t") for line in block.splitlines() if line.strip("| \t")]
        port.warnings = list(dict.fromkeys(port.warnings))[:10]
        for which, written in _VALID.findall(section):
            moment = datetime.fromisoformat(written).replace(tzinfo=UTC)
            if which == "before":
                port.not_before = moment
            else:
                port.not_after = moment
        if scanned is not None:
            port.scanned = datetime.fromisoformat(scanned[1]).replace(tzinfo=UTC)
        found.append(port)
    return found
