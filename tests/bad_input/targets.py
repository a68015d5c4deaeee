"""Everything that reads hostile bytes, each as one function of bytes, and what must hold for whatever it answers."""

import base64
import gzip
import math
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Final, get_args

from parsers import lexicon, masking, names, registry, screen, timestamps
from parsers.envelopes import DEPTH, bundles, peel, peel_piece, peel_until
from parsers.failure import Change, Failure
from parsers.lexicon import Said, codes
from parsers.reader import MEANT, Reader
from parsers.record import Format, Joining, MalformedRecordError, Record, Settings
from parsers.vocabulary import FAMILY_OF, Direction, RejectedBy

Target = Callable[[bytes], None]

SAMPLES: Final = Path(__file__).parent.parent / "parsers" / "samples"
SETTINGS: Final = Settings(reference=1_795_300_000.0)
LONGEST_FIELD: Final = 400
"""Of a protocol, a cipher or a code: nothing of a hostile record's length may travel in a small field."""


@cache
def targets() -> dict[str, Target]:
    """Name -> function; whatever it is given it returns, or the test has found something."""
    found: dict[str, Target] = {}
    for name in registry.NAMES:
        found[f"format {name}"] = partial(read_record, name)
        found[f"reader {name}"] = partial(read_block, name)
    found |= {"envelopes": peel_all, "bundles": unpack_all, "words": understand, "masking": mask}
    return found


def read_record(name: str, text: bytes) -> None:
    """One record by its format alone, with what the lexicon says and with the vaguest that it could say."""
    form = registry.get(name)
    form.claims(text)
    if isinstance(form, Joining):
        half = text.find(b"\n") + 1
        form.joins([text[:half]], text[half:])
        form.complete([text[:half], text[half:]])
    for meaning in (said(text), *VAGUE):
        if meaning.is_failure:
            with suppress(MalformedRecordError):
                hold(form.read(Record(text, SETTINGS), meaning))
            read_line(form, text, meaning)


def read_line(form: Format, text: bytes, meaning: Said) -> None:
    """The hot path's shortcut, where a format offers one."""
    shortcut = getattr(form, "read_line", None)
    if shortcut is not None and b"\n" not in text:
        with suppress(MalformedRecordError):
            hold(shortcut(text, meaning, SETTINGS))


VAGUE: Final = (Said("generic_failure", "unknown", 6), Said("generic_failure", "unknown", 9))
"""A wrapper's and a bare trigger's meaning: they make formats look into every field."""


def read_block(name: str, block: bytes) -> None:
    """A whole block; the reader lets nothing out, not even that a record is malformed."""
    for final in (False, True):
        reading = _reader(name).read(block, final=final)
        assert 0 <= reading.consumed <= len(block)
        assert reading.unrecognized <= reading.candidates + reading.lines  # a damaged bundle is one, and no candidate
        for fact in (*reading.failures, *reading.changes):
            hold(fact)


def peel_all(text: bytes) -> None:
    """Envelopes come off one by one, never more than there may be, and never grow what they carry."""
    for peeled in (peel(text, SETTINGS), peel_piece(text, SETTINGS), peel_until(text, SETTINGS, lambda _: False)):
        assert len(peeled.names) <= DEPTH
        assert peeled.time is None or math.isfinite(peeled.time)
        assert len(peeled.text) <= 3 * len(text)  # a byte that is no UTF-8 may come out as three
        assert len(peeled.stream) <= 4096 * DEPTH


def unpack_all(text: bytes) -> None:
    """Bundles hold no more records, and no more bytes, than their budget; whatever they pretend to."""
    bundles.may_hold(text, len(text))
    budget = bundles.Budget()
    bundle = bundles.unpack(text, budget)
    assert budget.bytes >= 0
    assert bundle is None or len(bundle.items) <= bundles.MOST_ITEMS
    read_block("auto", text)


def understand(text: bytes) -> None:
    """Names, addresses, times and codes."""
    host, peer = names.host(text), names.peer(text, text[-5:])
    assert host is None or names.host(host) == host
    assert peer is None or len(peer) <= LONGEST_FIELD
    code = codes.find(text)
    assert code is None or codes.decode(code) is None or len(code) <= 10
    codes.decode(text.decode("utf-8", "replace"))
    known = timestamps.leading(text, SETTINGS)
    assert known is None or math.isfinite(known[0])
    lexicon.load().weak_ids(text)


def mask(text: bytes) -> None:
    """Evidence stays bounded and free of control characters."""
    shown = masking.mask(text)
    assert len(shown) <= 8 * masking.LIMIT
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown) is None


def hold(fact: Failure | Change | None) -> None:
    """What is true of every fact, whoever told it."""
    if fact is None:
        return
    assert fact.time is None or math.isfinite(fact.time)
    assert fact.host is None or names.host(fact.host) == fact.host
    if isinstance(fact, Change):
        assert 0 < len(fact.what) <= 2000
        return
    assert fact.reason in FAMILY_OF
    assert fact.direction in get_args(Direction)
    assert fact.rejected_by in get_args(RejectedBy)
    assert fact.peer is None or len(fact.peer) <= LONGEST_FIELD
    assert fact.alert is None or 0 <= fact.alert <= 255
    assert fact.count >= 1
    for small in (fact.protocol, fact.cipher, fact.code):
        assert small is None or len(small) <= LONGEST_FIELD
    assert fact.resolution > 0


@cache
def seeds() -> tuple[bytes, ...]:
    """Every sample's record."""
    found = []
    for path in sorted(SAMPLES.glob("*.log")):
        for sample in (b"\n" + path.read_bytes()).split(b"\n# from: ")[1:]:
            lines = [line for line in sample.split(b"\n")[1:] if not line.startswith(b"#= ")]
            found.append(b"\n".join(lines).strip(b"\n"))
    packed = base64.b64encode(gzip.compress(BUNDLES[1], mtime=0))
    return (*found, *BUNDLES, b'{"awslogs":{"data":"%b"}}' % packed)


BUNDLES: Final = (
    b'{"resourceLogs":[{"resource":{"attributes":[]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795218142123456000",'
    b'"body":{"stringValue":"curl: (60) SSL certificate problem: certificate has expired"}}]}]}]}',
    b'{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"/a","logStream":"b","logEvents":[{"id":"0",'
    b'"timestamp":1795218142123,"message":"http: TLS handshake error from 192.0.2.9:1: EOF"}]}',
    b'{"streams":[{"stream":{"job":"nginx"},"values":[["1795218142123456000","remote error: tls: bad certificate"]]}]}',
)
"""Several records in one line: OTLP, a CloudWatch subscription, a Loki push."""


def said(text: bytes) -> Said:
    """What the lexicon recognises in a record, as the reader asks it."""
    ids = tuple(number for _, number in screen.load().hits(text))
    return lexicon.load().said(ids if len(ids) <= MEANT else (*ids[:MEANT], *ids[-MEANT:]), text)


@cache
def _reader(name: str) -> Reader:
    return Reader(name, SETTINGS)
