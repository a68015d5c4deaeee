"""No record, however long or nested, costs more than its length: time grows as the record does, and memory is given back.

CI compares a record with one four times as long, in CPU time, so a slow machine changes nothing. With ``--full`` every
part of every sample is blown up, and a record of 64 KiB must be read within the 5 ms that a record may take.
"""

import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random

import pytest
from targets import SETTINGS, peel_all, read_block, read_record, said, seeds, targets

from parsers import registry
from parsers.record import MalformedRecordError, Record

FORMATS = [name for name in registry.NAMES if name != "auto"]
SHORT, LONG = 16_384, 65_536
QUICK_SECONDS = 0.005
"""What one record may take; below it nobody asks how it grew."""
GENEROUS = 2.0
"""Times that, for machines that are slow or busy."""
MOST_GROWTH = 10.0
"""Of a record four times as long: linear is 4, quadratic 16."""
_PART = re.compile(rb'[^\s",:;=|()\[\]{}/]+|[\s",:;=|()\[\]{}/]')
NESTED = (b"[", b"{", b'{"a":', b'{"log":"', b"(", b'\\"', b"Caused by: ", b"<34>1 ", b'{"message":"{\\"message\\":')


@pytest.mark.parametrize("name", FORMATS)
def test_four_times_the_record_is_not_sixteen_times_the_work(name: str) -> None:
    """One part of some samples repeated, another one for each format and sample."""
    random = Random(name)
    for record in random.sample(seeds_of(name), min(6, len(seeds_of(name)))):
        for part in random.sample(parts(record), min(6, len(parts(record)))):
            hold_growth(name, record, part)


@pytest.mark.parametrize("name", [*FORMATS, "auto"])
@pytest.mark.parametrize("part", NESTED)
def test_nesting_costs_no_more_than_length(name: str, part: bytes) -> None:
    """Brackets, envelopes, quotes and causes within each other, as far as the record goes."""
    record = seeds_of(name)[0] if name != "auto" else seeds()[0]
    for before in (b"", record[: len(record) // 2], record):
        short, long = (before + part * (size // len(part)) for size in (SHORT, LONG))
        assert_linear(lambda text: read_record(name, text), short, long)
        assert_linear(lambda text: read_block(name, text), short, long)


@pytest.mark.parametrize("part", NESTED)
def test_envelopes_come_off_in_linear_time(part: bytes) -> None:
    """However many there seem to be."""
    assert_linear(peel_all, part * (SHORT // len(part)), part * (LONG // len(part)))


def test_memory_is_given_back() -> None:
    """Ten thousand long records, all different, leave no more behind than the bounded caches hold."""
    work = [target for name, target in targets().items() if name.startswith(("format ", "reader "))]
    records = [record for record in seeds() if record]

    def read_many(first: int, last: int) -> None:
        for number in range(first, last):
            record = records[number * 7 % len(records)]
            middle = len(record) // 2
            padding = b"x%d" % number * 1500
            work[number % len(work)](record[:middle] + padding + record[middle:])

    read_many(0, 500)
    tracemalloc.start()
    read_many(500, 2_500)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 8 << 20, f"{kept} bytes after 2,000 records of about 10 KB"


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", FORMATS)
def test_no_record_of_64_kib_takes_5_ms(name: str) -> None:
    """Every part of every sample repeated until the record is that long."""
    form = registry.get(name)
    slow: dict[bytes, float] = {}
    for record in seeds_of(name):
        meaning = said(record)
        for part in parts(record):
            text = blown_up(record, part, LONG)

            def read(text: bytes) -> None:
                form.claims(text)
                with suppress(MalformedRecordError):
                    form.read(Record(text, SETTINGS), meaning)  # noqa: B023  # called at once

            taken = cpu_seconds(read, text)
            if taken > GENEROUS * QUICK_SECONDS:
                slow[record[part] + b" in " + record[:60]] = taken
    assert slow == {}


def hold_growth(name: str, record: bytes, part: slice) -> None:
    short, long = blown_up(record, part, SHORT), blown_up(record, part, LONG)
    assert_linear(lambda text: read_record(name, text), short, long)
    if record[part] != record:  # else it is not one record any more, but many
        assert_linear(lambda text: read_block(name, text), short, long)


def assert_linear(read: Callable[[bytes], None], short: bytes, long: bytes) -> None:
    slow = cpu_seconds(read, long)
    if slow > 2 * QUICK_SECONDS:
        quick = cpu_seconds(read, short)
        assert slow < MOST_GROWTH * max(quick, QUICK_SECONDS / 5), (quick, slow, long[:200], long[-200:])


def cpu_seconds(read: Callable[[bytes], None], text: bytes) -> float:
    """The better of up to three tries; one that is quick enough is enough."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        read(text)
        best = min(best, time.process_time() - started)
        if best < QUICK_SECONDS / 2:
            break
    return best


def blown_up(record: bytes, part: slice, size: int) -> bytes:
    """``record`` with one part of it repeated until it is of that size."""
    again = record[part]
    return record[: part.stop] + again * max(0, (size - len(record)) // len(again)) + record[part.stop :]


def parts(record: bytes) -> list[slice]:
    """Words, marks, runs of them, and the whole."""
    return list(_parts(record))


def _parts(record: bytes) -> Iterator[slice]:
    spans = [found.span() for found in _PART.finditer(record)][:200]
    for index, (start, stop) in enumerate(spans):
        yield slice(start, stop)
        if index % 3 == 0:
            yield slice(start, spans[min(index + 3, len(spans) - 1)][1])
    if record:
        yield slice(0, len(record))


def seeds_of(name: str) -> list[bytes]:
    """Samples that the format claims (``app`` claims few of its own: all, there)."""
    form = registry.get(name)
    return [record for record in seeds() if record and form.claims(record)] or [record for record in seeds() if record]
