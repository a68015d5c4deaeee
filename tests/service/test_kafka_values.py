"""Record values become whole lines; positions in them survive any cut. Without a broker."""

import pytest
from aiokafka import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from service.sources.kafka_desk import Desk
from service.sources.kafka_partition import Partition, Piece, Position, load_position
from service.sources.kafka_values import join


def piece(values: list[bytes | None], first: int = 0, dropped: dict[str, int] | None = None) -> Piece:
    return Piece(values, range(first, first + len(values)), first + len(values), 1.0, 1, dropped or {})


@pytest.mark.parametrize(
    ("values", "text", "dropped"),
    [
        ([b"a", b"b"], b"a\nb\n", {}),
        ([b"a\n", b"b\r\n", b"c\n\n"], b"a\nb\r\nc\n", {}),
        ([b"a\nb\n", b"c\n\nd"], b"a\nb\nc\n\nd\n", {}),
        ([None, b"", b"\n", b"a"], b"a\n", {}),
        ([b"\x00\x01\x02", b"a\0"], b"a\n", {"binary_record": 1}),
        (
            [b"text with one \0 and much more of it behind that one"],
            b"text with one \0 and much more of it behind that one\n",
            {},
        ),
        ([b"12345678901\nb", b"c"], b"1234567890\nb\nc\n", {"line_too_long": 1}),
        ([b"\xff\xfe\xfd"], b"\xff\xfe\xfd\n", {}),
    ],
)
def test_values_become_lines(values: list[bytes | None], text: bytes, dropped: dict[str, int]) -> None:
    limit = 10 if dropped.get("line_too_long") else 100
    assert join(values, limit)[0] == text
    assert join(values, limit)[2] == dropped


VALUES = st.lists(st.one_of(st.none(), st.binary(max_size=8), st.sampled_from([b"x", b"a\nb", b"c\n"])), max_size=6)


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4), st.data())
def test_any_cut_and_any_restart_reads_every_byte_once(batches: list[list[bytes | None]], data: st.DataObject) -> None:
    """Each block is consumed up to any byte; at any moment the reader may die and begin again at its position."""
    log = [value for batch in batches for value in batch]
    expected = b"".join(join([value], 100)[0] for value in log)
    partition = Partition("t", 0, Position(0))
    read = b""
    while partition.fetched < len(log) or partition.has_rest:
        if data.draw(st.booleans(), label="dies"):
            position = load_position(partition.position.dump())
            assert position is not None
            partition = Partition("t", 0, position)
        if partition.fetched < len(log):
            size = data.draw(st.integers(1, 4), label="fetched")
            partition.add(piece(log[partition.fetched : partition.fetched + size], partition.fetched))
            text, _, _, _ = partition.offer(100)
        else:
            text, _ = partition.offer_rest()
        count = data.draw(st.integers(0, len(text)), label="consumed")
        if partition.fetched >= len(log):
            count = len(text)
        read += text[:count]
        partition.consumed(count)
    assert read == expected


@pytest.mark.parametrize(
    "stored", [b"", b"{}", b"[1]", b"\xff", b'{"offset":-1}', b'{"offset":1,"skip":-5}', b'{"offset":"x"}']
)
def test_a_position_that_is_none_of_ours_is_none(stored: bytes) -> None:
    assert load_position(stored) is None


def desk() -> tuple[Desk, TopicPartition]:
    one, at = Desk(lambda: None, lambda: None, clock=lambda: 0.0), TopicPartition("t", 0)
    one.place(at, Position(0, 0, "id"))
    return one, at


def test_what_is_queued_of_a_revoked_partition_is_never_offered() -> None:
    one, at = desk()
    one.add(at, piece([b"a"]))
    one.revoke({at})
    assert one.next_block() is None
    assert one.waiting_bytes == 0


def test_a_block_in_the_engines_hands_is_stored_before_its_partition_is_settled() -> None:
    one, at = desk()
    one.add(at, piece([b"a"]))
    block = one.next_block()
    assert block is not None
    one.revoke({at})
    assert not one.is_settled({at}, stored=False)
    assert one.consumed(block, 2) == {"t/0": b'{"offset":1,"topic_id":"id"}'}
    assert one.is_settled({at}, stored=False)
    assert not one.is_settled({at}, stored=True)
    one.has_stored()
    assert one.is_settled({at}, stored=True)


def test_a_gap_ends_what_is_unfinished_and_is_counted() -> None:
    one, at = desk()
    one.add(at, piece([b"a", b"b"]))
    block = one.next_block()
    assert block is not None
    one.consumed(block, 2)
    one.add(at, Piece((), (), 9, 1.0, 0, {"gap": 7}))
    block = one.next_block()
    assert block is not None
    assert (block.data, block.final, block.dropped) == (b"b\n", True, {"gap": 7})
    assert one.consumed(block, 2) == {"t/0": b'{"offset":9,"topic_id":"id"}'}
