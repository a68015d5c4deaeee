"""Records gone bad: a sample with something cut, doubled, swapped for hostile bytes, or joined to another."""

import re
from random import Random
from typing import Final

from targets import seeds

from parsers import lexicon

LONGEST: Final = 20_000
TEXTS: Final = [entry.text.replace("…", "x").encode() for entry in lexicon.load().entries]
HOSTILE: Final = (
    *(b"\xff", b"\x00", b"\n", b"\r\n", b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b" ", b"-", b"\x1b[31m"),
    *(b"9" * 400, b"99999999999999999999", b"1e999", b"-1", b"NaN", b"null", b"true", b"[]", b"{}", b'""', b"[" * 3000),
    *(b"\xe2\x80\xa8", b"\xc3\x28", b"\\ud800", b"\\u0000", b"xn--", b"\xf0\x9f\x98\x80", b"\xd9\xa3", b"\xc2\xb2"),
    *(b"0000-00-00T00:00:00Z", b"9999-99-99T99:99:99Z", b"29/Feb/2023:25:61:61", b"31/Dec/9999:23:59:59 -2359"),
    *(b"0001-01-01T00:00:00+23:59", b'{"log":"', b"<34>1 ", b"2026-11-21T01:05:51Z stdout P "),
)
_FIELD: Final = re.compile(rb'"[^"]*"|\d+')


def mutated(random: Random) -> bytes:
    """A sample's record with one to eight changes."""
    text = bytearray(random.choice(seeds()))
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(len(text) + 1)
        stop = min(len(text), at + random.choice((1, 2, 4, 8, 30)))
        match random.randrange(7):
            case 0:
                del text[at:stop]
            case 1:
                text[at:at] = random.choice(HOSTILE)
            case 2:
                text[at:stop] = random.choice(HOSTILE)
            case 3:
                text[at:at] = text[at:stop] * random.choice((1, 3, 50))
            case 4:
                text[at:at] = random.choice(TEXTS)
            case 5:
                other = random.choice(seeds())
                text[at:] = other[random.randrange(len(other) + 1) :]
            case _:
                fields = [found.span() for found in _FIELD.finditer(text)]
                if fields:
                    start, stop = random.choice(fields)
                    text[start:stop] = random.choice((b"%b", b'"%b"')) % random.choice(HOSTILE)
        text = text[:LONGEST]
    return bytes(text)
