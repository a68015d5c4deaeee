"""AWS Classic Load Balancer, access log: requests (or TCP connections), and so only handshakes that succeeded.

Shape: AWS, "Access logs for your Classic Load Balancer". Handshakes that fail with clients leave no record; those with
backends are a 503 or 504 like any other failure to connect. Both are counted in CloudWatch alone
(``BackendConnectionErrors``), so this log never tells of a failed handshake: what its requests' URLs and agents say is
the client's own.
"""

import re
from typing import Final

from parsers.failure import Failure
from parsers.formats import aws_fields
from parsers.lexicon.said import Said
from parsers.record import Record

NAME: Final = "aws_clb"
SEVERAL_LINES: Final = False

_HEAD: Final = re.compile(
    rb"%b [A-Za-z0-9-]{1,32} [0-9a-fA-F.:]{2,45}:\d{1,5} (?:\S{3,60}:\d{1,5}|-) -?[\d.]{1,12} " % aws_fields.ISO
)


def claims(text: bytes) -> bool:
    """``time name client:port backend:port seconds``."""
    return _HEAD.match(text) is not None


def read(record: Record, said: Said) -> Failure | None:
    """None: no record of this log tells of a failed handshake."""
    return None
