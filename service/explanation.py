"""What ``explain`` answers of one record: the contract's Failure, what matched, what it means, the verdict."""

from typing import Any, Final, cast

from parsers import names
from parsers.failure import Failure, to_json
from parsers.formats.custom import Custom
from parsers.lexicon import load as load_lexicon
from parsers.lexicon.said import Said
from parsers.masking import mask, visible
from parsers.record import Format
from parsers.vocabulary import FAMILY_OF
from service.matched import matched, why
from service.meaning import meaning
from service.pastes.nmap import Port, judge_port
from service.times import rfc3339
from service.verdict.record import judge_record
from service.verdict.steps import steps

STREAM: Final = "explain"


def told(
    failure: Failure,
    hop: str | None,
    said: Said | None,
    envelopes: tuple[str, ...] = (),
    form: Format | None = None,
) -> dict[str, Any]:
    document = to_json(
        failure,
        stream=STREAM,
        hop=cast("str", hop),
        time=None if failure.time is None else rfc3339(failure.time),
        message=mask(failure.message).replace("\n", " "),
        raw=mask(failure.raw),
    )
    for name in ("protocol", "cipher", "code"):
        if document[name] is not None:
            document[name] = visible(document[name][:100])
    verdict = judge_record(failure.reason, failure.direction, failure.rejected_by, hop, failure.host, failure.peer)
    entries = (form.lexicon if isinstance(form, Custom) else load_lexicon()).entries
    return {
        "failure": True,
        **document,
        "count": failure.count,
        "meaning": meaning(failure.reason, failure.direction, hop),
        "envelopes": list(envelopes),
        "matched": [] if said is None else matched(entries, said),
        "matched_why": None if said is None else why(entries, said, failure.reason),
        "verdict": verdict,
    }


def told_port(port: Port, data: bytes, hop: str | None) -> dict[str, Any]:
    """What nmap found: no handshake failed, but some may have to."""
    server = f"[{port.address}]:{port.port}" if ":" in port.address else f"{port.address}:{port.port}"
    found, reason, repair = judge_port(port)
    named = port.host or server
    return nothing(data, hop, "nmap", ()) | {
        "host": port.host,
        "peer": names.peer(server),
        "family": None if reason is None else FAMILY_OF[reason],
        "reason": reason,
        "meaning": found,
        "verdict": NO_VERDICT
        | {
            "summary": f"{visible(named)}: {found}",
            "leg": None if reason is None else "client -> server",
            "fix_at": None if reason is None else "beyond",
            "confidence": 0.0 if reason is None else 0.8,
            "because": [f"nmap: {', '.join(port.versions) or 'no TLS version'}; {port.ciphers} cipher suites"],
            "steps": [] if reason is None else steps(repair, reason, port.host, server),
        },
    }


NO_VERDICT: Final[dict[str, Any]] = {
    "summary": "No failed TLS handshake in this record.",
    "leg": None,
    "fix_at": None,
    "confidence": 0.0,
    "because": [],
    "steps": [],
}


def nothing(data: bytes, hop: str | None, format: str, envelopes: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "failure": False,
        "time": None,
        "stream": STREAM,
        "hop": hop,
        "host": None,
        "sni_sent": None,
        "peer": None,
        "direction": None,
        "family": None,
        "reason": None,
        "rejected_by": None,
        "protocol": None,
        "cipher": None,
        "alert": None,
        "code": None,
        "message": "",
        "raw": mask(data),
        "format": format,
        "count": 0,
        "meaning": None,
        "envelopes": list(envelopes),
        "matched": [],
        "matched_why": None,
        "verdict": NO_VERDICT,
    }
