"""Query parameters that several routes share: checked, documented, turned into what the store understands."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from parsers import names
from parsers.vocabulary import REASONS, Direction, Family, Hop
from service import times
from service.api.problem import ProblemError, shown
from service.store.queries import By, Filters
from service.view import View

MOST_POINTS: Final = 240
"""Points of a timeline for which no step was asked."""
NICE_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)

_UNIT_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_STEP: Final = re.compile(r"(\d{1,7})([smhd]?)\Z", re.ASCII)
_LOST_PLUS: Final = re.compile(r" (\d\d:\d\d)\Z", re.ASCII)
_ALL_REASONS: Final = tuple(reason for reasons in REASONS.values() for reason in reasons)
_NO_HOST: Final = frozenset({"__unknown__", "__other__"})


def _time(value: object) -> object:
    """In a query an unescaped ``+`` arrives as a blank: ``+01:00`` and ``+1h`` are still understood."""
    if not isinstance(value, str):
        return value
    text = f"+{value[1:]}" if value.startswith(" ") else _LOST_PLUS.sub(r"+\1", value)
    return times.parse(text, time.time())


def _host(value: str) -> str:
    if value in _NO_HOST:
        return value
    if (name := names.host(value)) is None:
        raise ValueError("is no server name; write one such as api.shop.example, or __unknown__ for records without")
    return name


def _peer(value: str) -> str:
    if (address := names.address(value.removeprefix("[").removesuffix("]"))) is None:
        raise ValueError("is no IP address; write one without a port, such as 192.0.2.9 or 2001:db8::1")
    return address


def _reason(value: str) -> str:
    """``certificate/expired`` is understood too."""
    name = value.rpartition("/")[2]
    if name not in _ALL_REASONS:
        raise ValueError(f"is no reason; there are {', '.join(_ALL_REASONS)}")
    return name


def _step(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _STEP.match(value.strip())
    if match is None or not (seconds := int(match[1]) * _UNIT_SECONDS[match[2]]):
        raise ValueError("is no step; write seconds, or such as 10s, 1m, 1h")
    return min(seconds, 365 * 86_400)


def _time_field(description: str, example: str) -> Any:
    return Field(description=f"{description} RFC 3339 or relative to now.", examples=[example])


Time = Annotated[float, BeforeValidator(_time), WithJsonSchema({"type": "string"})]
Step = Annotated[int, BeforeValidator(_step), WithJsonSchema({"type": "string"})]
Host = Annotated[str, Field(max_length=320), AfterValidator(_host)]
Cursor = Annotated[str | None, Field(max_length=512, description="What the page before gave as `next`.")]


class Strict(BaseModel):
    """A misspelled parameter is an error: a filter that is silently ignored misleads."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Span(Strict):
    from_: Annotated[Time | None, _time_field("Begin.", "-1h")] = Field(default=None, alias="from")
    to: Annotated[Time | None, _time_field("End, not included.", "now")] = None

    def bounds(self, default_seconds: float = 3600.0) -> tuple[float, float]:
        """Begin and end, epoch seconds; the last hour where neither is given.

        Raises:
            ProblemError: the end is not after the begin.
        """
        to = time.time() if self.to is None else self.to
        begin = to - default_seconds if self.from_ is None else self.from_
        if begin >= to:
            raise ProblemError(422, f"from ({times.rfc3339(begin)}) must lie before to ({times.rfc3339(to)}).")
        return begin, to


class Narrowing(Span):
    """The filters; only what matches all that are given."""

    stream: Annotated[str | None, Field(max_length=256, description="A stream's name.")] = None
    hop: Annotated[Hop | None, Field(description="Streams of this hop.")] = None
    host: Annotated[Host | None, Field(description="The server name that was asked for.")] = None
    family: Annotated[Family | None, Field(description="Reasons of this family.")] = None
    reason: Annotated[
        Annotated[str, AfterValidator(_reason), WithJsonSchema({"type": "string", "enum": list(_ALL_REASONS)})] | None,
        Field(description="One reason."),
    ] = None
    direction: Annotated[Direction | None, Field(description="The leg that failed, seen from the hop.")] = None
    peer: Annotated[
        Annotated[str, AfterValidator(_peer)] | None, Field(description="Far end of that leg: an address without port.")
    ] = None

    def filters(self, view: View) -> Filters:
        """The same for the store.

        Raises:
            ProblemError: there is no such stream.
        """
        known_stream(view, self.stream)
        return Filters(self.stream, self.hop, self.host, self.family, self.reason, self.direction, self.peer)


Limit = Annotated[int, Field(ge=1, le=1000, description="At most so many.")]
Grouping = Annotated[By, Field(description="What to group by.")]
IncidentState = Literal["open", "resolved"]


def known_stream(view: View, stream: str | None) -> None:
    """
    Raises:
        ProblemError: ``stream`` is given and not among the configured ones.
    """
    if stream is None:
        return
    known = [status.name for status in view.streams()]
    if stream not in known:
        there_are = f"there are {', '.join(known)}" if known else "there are none"
        raise ProblemError(422, f'stream: "{shown(stream)}" is no stream; {there_are}')


def step_for(begin: float, to: float) -> int:
    """The smallest round step that shows the span in at most `MOST_POINTS` points.

    >>> step_for(0, 3600), step_for(0, 86400 * 365 * 5)
    (15, 86400)
    """
    return next((step for step in NICE_STEPS if (to - begin) / step <= MOST_POINTS), NICE_STEPS[-1])


@contextmanager
def asking() -> Iterator[None]:
    """A question that the store can't answer (a bad cursor, say) is the asker's mistake: 422 with the store's words."""
    try:
        yield
    except ValueError as problem:
        raise ProblemError(422, str(problem)) from problem
