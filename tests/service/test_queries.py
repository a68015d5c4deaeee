"""What can be asked of the store, and what the answers look like."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.store.commit import Commit, Evidence, IncidentRow, Mark
from service.store.queries import Filters, Queries
from service.store.store import Store
from service.tally import Key, Tally
from service.times import rfc3339

T = 1_795_218_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, clock=lambda: float(T))
    yield opened
    opened.close()


@pytest.fixture
def queries(store: Store) -> Queries:
    store.commit(
        Commit(
            tallies={
                "edge": Tally(
                    {
                        (T, Key("a.example", "downstream", "expired")): 3,
                        (T + 1, Key("a.example", "downstream", "reset")): 1,
                        (T + 9, Key(None, "upstream", "reset")): 2,
                    },
                    {},
                    {(T, "192.0.2.1"): 4, (T, "192.0.2.2"): 2},
                ),
                "lb": Tally({(T + 1, Key("b.example", "upstream", "unknown_issuer")): 5}, {}, {(T, "192.0.2.1"): 5}),
            }
        )
    )
    return Queries(store.readers, {"edge": "edge", "lb": "lb", "lb2": "lb"})


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("stream", [("edge", 6), ("lb", 5)]),
        ("hop", [("edge", 6), ("lb", 5)]),
        ("host", [("b.example", 5), ("a.example", 4), ("__unknown__", 2)]),
        ("family", [("certificate", 8), ("handshake", 3)]),
        ("reason", [("unknown_issuer", 5), ("expired", 3), ("reset", 3)]),
        ("direction", [("upstream", 7), ("downstream", 4)]),
        ("peer", [("192.0.2.1", 9), ("192.0.2.2", 2)]),
    ],
)
def test_top_tells_the_largest_groups_of_every_kind(queries: Queries, by: Any, groups: list[tuple[str, int]]) -> None:
    """Largest first, equals by name; a timeline has the same series."""
    assert queries.top(by, T, T + 60) == groups
    assert queries.top(by, T, T + 60, limit=1) == groups[:1]
    series = queries.timeline(T, T + 60, 60, by).series
    assert series == [(value, [(T, count)]) for value, count in groups]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (Filters(stream="edge"), 6),
        (Filters(hop="lb"), 5),
        (Filters(host="a.example"), 4),
        (Filters(host="__unknown__"), 2),
        (Filters(family="certificate"), 8),
        (Filters(reason="reset"), 3),
        (Filters(direction="upstream"), 7),
        (Filters(reason="reset", direction="upstream"), 2),
        (Filters(stream="nobody"), 0),
        (Filters(peer="192.0.2.1"), 9),
        (Filters(peer="192.0.2.1", hop="edge"), 4),
    ],
)
def test_filters_narrow_what_is_counted(queries: Queries, filters: Filters, count: int) -> None:
    """Only what matches all that are given."""
    assert sum(n for _, n in queries.top("stream", T, T + 60, filters)) == count


def test_a_timeline_leaves_zeros_out_and_ends_before_its_end(queries: Queries) -> None:
    """Points stand at the start of their step."""
    timeline = queries.timeline(T, T + 9, 1, "stream", Filters(stream="edge"))
    assert (timeline.step, timeline.series) == (1, [("edge", [(T, 3), (T + 1, 1)])])
    timeline = queries.timeline(T + 0.5, T + 9.5, 5, "stream")
    assert (timeline.step, timeline.series) == (5, [("edge", [(T, 4), (T + 5, 2)]), ("lb", [(T, 5)])])


def test_a_step_that_would_give_too_many_points_is_widened(queries: Queries) -> None:
    """At most 2,000 points a series: a day by seconds becomes a day by minutes, and years by days."""
    assert queries.timeline(T - 86_400, T, 1).step == 60
    assert queries.timeline(0, T, 1).step == 11 * 86_400
    assert queries.timeline(T, T + 60, 7).step == 7


def test_series_beyond_the_largest_fifty_are_one(store: Store) -> None:
    """And it comes last, however large."""
    cells = {(T, Key(f"h{n:03}.example", "downstream", "expired")): 100 - n for n in range(80)}
    store.commit(Commit(tallies={"edge": Tally(cells)}))
    series = Queries(store.readers, {}).timeline(T, T + 60, 60, "host").series
    assert len(series) == 51
    assert series[0] == ("h000.example", [(T, 100)])
    assert series[-1] == ("__other__", [(T, sum(range(21, 51)))])


def test_what_is_not_kept_per_peer_is_said(queries: Queries) -> None:
    """Instead of a wrong number."""
    with pytest.raises(ValueError, match="peers are counted per stream only, so they can't be combined with host"):
        queries.top("peer", T, T + 60, Filters(host="a.example"))
    with pytest.raises(ValueError, match="by=reason"):
        queries.timeline(T, T + 60, 60, "reason", Filters(peer="192.0.2.1"))
    with pytest.raises(ValueError, match="finite"):
        queries.top("host", float("nan"), T)


def evidence(number: int, **fields: Any) -> Evidence:
    document = {"n": number, "message": f"message {number}", "raw": None, "peer": "192.0.2.1:5000", **fields}
    return Evidence(float(T + number), "edge", "a.example", "downstream", "expired", document)


def test_failures_come_newest_first_page_by_page(store: Store) -> None:
    """Also where several have the same time; the last page has no cursor."""
    records = [evidence(number // 3 * 70, k=number) for number in range(10)]
    store.commit(Commit(evidence=records))
    queries, cursor, seen, pages = Queries(store.readers, {}), None, [], 0
    while pages == 0 or cursor:
        documents, cursor = queries.failures(cursor=cursor, limit=4)
        seen += [document["k"] for document in documents]
        pages += 1
    assert (seen, pages) == ([9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 3)
    assert [document["k"] for document in queries.failures(from_=T + 70, to=T + 140)[0]] == [5, 4, 3]


@pytest.mark.parametrize("cursor", ["", "x", "1,x", "nan,1", "1", "1e999,5"])
def test_a_cursor_that_is_not_ours_is_refused(queries: Queries, cursor: str) -> None:
    """With a text for the caller."""
    with pytest.raises(ValueError, match=r"cursor: .* is none of ours"):
        queries.failures(cursor=cursor)


def test_failures_are_searched_by_text_and_peer(store: Store) -> None:
    """Word for word in message and raw, in either case; wildcards are plain letters, other fields don't count."""
    store.commit(
        Commit(
            evidence=[
                evidence(1, message='100% "Expired"'),
                evidence(2, raw="has_expired \\x1b", peer="[2001:db8::1]:443"),
                evidence(3, peer="192.0.2.10"),
            ]
        )
    )
    queries = Queries(store.readers, {})

    def numbers(text: str | None = None, peer: str | None = None) -> list[int]:
        return [document["n"] for document in queries.failures(Filters(peer=peer), text)[0]]

    assert numbers("EXPIRED") == [2, 1]
    assert numbers('% "exp') == [1]
    assert numbers("s_e") == [2]
    assert numbers("s%e") == []
    assert numbers("\\x1b") == [2]
    assert numbers("192.0.2.1") == []
    assert numbers(peer="192.0.2.1") == [1]
    assert numbers(peer="2001:db8::1") == [2]
    assert numbers(peer="192.0.2.10") == [3]


def incident(id_: str, start: int, end: int | None, host: str = "a.example", **fields: Any) -> IncidentRow:
    state = "open" if end is None else "resolved"
    return IncidentRow(id_, 1, state, start, end, ["edge"], [host], {"id": id_, **fields})


def test_incidents_are_filtered_by_state_host_stream_and_overlap(store: Store) -> None:
    """Latest start first; an open one lasts on; the cursor works among equal starts."""
    store.commit(
        Commit(
            incidents=[incident("a", T, T + 60), incident("b", T + 100, None, "b.example"), incident("c", T, T + 10)]
        )
    )
    queries = Queries(store.readers, {})

    def ids(**asked: Any) -> list[str]:
        return [document["id"] for document in queries.incidents(**asked)[0]]

    assert ids() == ["b", "c", "a"]
    assert ids(state="open") == ["b"]
    assert ids(host="a.example") == ["c", "a"]
    assert ids(stream="lb") == []
    assert ids(from_=T + 20) == ["b", "a"]
    assert ids(to=T + 50) == ["c", "a"]
    first, cursor = queries.incidents(limit=2)
    assert [document["id"] for document in first + queries.incidents(cursor=cursor)[0]] == ["b", "c", "a"]
    assert queries.incident("a") == {"id": "a"}
    assert queries.incident("nobody") is None


def test_an_incidents_evidence_is_shared_among_its_spikes_in_order_of_time(store: Store) -> None:
    """From each spike's onset to its end; a coarse spike takes what its known parts match."""
    spikes = [
        {"stream": "edge", "host": "a.example", "direction": "downstream", "reason": "expired"},
        {"stream": "lb", "host": None, "direction": "upstream", "reason": "reset"},
    ]
    for spike in spikes:
        spike |= {"onset": rfc3339(T + 10), "ended_at": rfc3339(T + 600)}
    records = [evidence(number) for number in (0, 10, 70, 130, 900)]
    records += [Evidence(T + n, "lb", f"h{n}.example", "upstream", "reset", {"n": n}) for n in (20, 30)]
    store.commit(Commit(incidents=[incident("a", T, None, spikes=spikes)], evidence=records))
    queries = Queries(store.readers, {})
    assert [document["n"] for document in queries.incident_evidence("a")] == [10, 20, 30, 70, 130]
    assert [document["n"] for document in queries.incident_evidence("a", limit=2)] == [10, 20]
    assert queries.incident_evidence("nobody") == []


def test_marks_of_a_stream_include_those_of_none(store: Store) -> None:
    """A deployment without a stream concerns all."""
    store.commit(
        Commit(
            marks=[Mark(T, "deployment", "all"), Mark(T + 1, "reload", "e", "edge"), Mark(T + 2, "reload", "l", "lb")]
        )
    )
    found, cursor = Queries(store.readers, {}).marks(stream="edge")
    assert found == [
        {"at": T + 1, "kind": "reload", "what": "e", "stream": "edge", "host": None, "url": None},
        {"at": T, "kind": "deployment", "what": "all", "stream": None, "host": None, "url": None},
    ]
    assert cursor is None
