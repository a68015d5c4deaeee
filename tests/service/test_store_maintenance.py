"""The store stays small, and sums stay exact while it does."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from service.store import maintenance
from service.store.commit import Commit, Evidence, IncidentRow, Mark
from service.store.queries import Queries
from service.store.store import Store
from service.tally import Key, Tally

NOW = 1_795_218_000.0  # a whole minute, not a whole hour
HOUR, DAY = 3_600, 86_400


def done(store: Store, now: float = NOW) -> None:
    for _ in range(1_000):
        if not store.maintain(now):
            return
    raise AssertionError("maintenance never gets done")


def tally(at: int, count: int = 1, host: str | None = "a.example") -> Commit:
    minute = at - at % 60
    return Commit(
        tallies={"edge": Tally({(at, Key(host, "downstream", "expired")): count}, {}, {(minute, "192.0.2.1"): count})}
    )


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5 * DAY),
            st.sampled_from(["edge", "lb"]),
            st.sampled_from([None, "a.example", "b.example"]),
            st.sampled_from(["expired", "reset"]),
            st.integers(1, 1_000),
        ),
        max_size=40,
    )
)
def test_rolling_up_preserves_every_total(cells: list[tuple[int, str, str | None, str, int]]) -> None:
    """By stream, host and reason, before, after, and after being done again with late records."""
    commit = Commit()
    for age, stream, host, reason, count in cells:
        into = commit.tallies.setdefault(stream, Tally({}, {}, {})).seconds
        cell = (int(NOW) - age, Key(host, "downstream", reason))
        into[cell] = into.get(cell, 0) + count
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder), clock=lambda: NOW)
        queries = Queries(store.readers, {"edge": "edge", "lb": "lb"})

        def totals() -> list[list[tuple[str, int]]]:
            return [queries.top(by, 0, NOW + 1) for by in ("stream", "host", "reason", "family")]

        store.commit(commit)
        before = totals()
        done(store)
        assert totals() == before
        store.commit(commit)
        done(store, NOW + DAY)
        assert totals() == [[(value, 2 * count) for value, count in groups] for groups in before]
        store.close()


def test_old_counts_get_coarser(tmp_path: Path) -> None:
    """Seconds for two hours, minutes for two days, then hours; the answer tells the step it could keep."""
    store = Store.open(tmp_path, clock=lambda: NOW)
    ages = (10, 3 * HOUR, 3 * DAY)
    for age in ages:
        store.commit(tally(int(NOW) - age + 7))
    done(store)
    queries = Queries(store.readers, {})
    found = [queries.timeline(NOW - age, NOW - age + 60, 1) for age in ages]
    assert [(timeline.step, timeline.series) for timeline in found] == [
        (1, [("edge", [(int(NOW) - 3, 1)])]),
        (60, [("edge", [(int(NOW) - 3 * HOUR, 1)])]),
        (3_600, [("edge", [((int(NOW) - 3 * DAY) // HOUR * HOUR, 1)])]),
    ]


def test_a_crowded_hour_keeps_its_largest_names(tmp_path: Path) -> None:
    """200 peers, the rest summed up; the sum stays exact."""
    store = Store.open(tmp_path, clock=lambda: NOW)
    begin = (int(NOW) - 3 * DAY) // HOUR * HOUR
    for minute in range(3):
        peers = {(begin + 60 * minute, f"192.0.{minute}.{n}"): (1_000 if n == 150 else n + 1) for n in range(200)}
        store.commit(Commit(tallies={"edge": Tally({(begin, Key(None, "upstream", "reset")): 1}, {}, peers)}))
    queries = Queries(store.readers, {})
    before = sum(count for _, count in queries.top("peer", 0, NOW, limit=5_000))
    done(store)
    after = dict(queries.top("peer", 0, NOW, limit=5_000))
    assert (len(after), sum(after.values())) == (201, before)
    assert [after.get(f"192.0.{minute}.150") for minute in range(3)] == [1_000] * 3
    assert "192.0.0.0" not in after


def test_what_is_older_than_the_retention_goes(tmp_path: Path) -> None:
    """Counts, evidence, samples, marks and resolved incidents; open incidents and totals stay."""
    store = Store.open(tmp_path, retention_seconds=10 * DAY, clock=lambda: NOW)
    for age in (1, 11 * DAY):
        at = NOW - age
        commit = tally(int(at))
        commit.evidence = [Evidence(at, "edge", None, "downstream", "expired", {"age": age})]
        commit.samples = [("edge", at, "text")]
        commit.marks = [Mark(at, "deployment", "x")]
        commit.incidents = [
            IncidentRow(f"open-{age}", 1, "open", at, None, ["edge"], ["a.example"], {"id": f"open-{age}"}),
            IncidentRow(f"over-{age}", 1, "resolved", at, at, ["edge"], ["a.example"], {"id": f"over-{age}"}),
        ]
        store.commit(commit)
    done(store)
    queries = Queries(store.readers, {})
    assert queries.top("stream", 0, NOW) == [("edge", 1)]
    assert queries.top("peer", 0, NOW) == [("192.0.2.1", 1)]
    assert [document["age"] for document in queries.failures()[0]] == [1]
    assert len(queries.unrecognized("edge")) == len(queries.marks()[0]) == 1
    assert {document["id"] for document in queries.incidents()[0]} == {"open-1", f"open-{11 * DAY}", "over-1"}
    assert store.load().failures == {("edge", "downstream", "expired"): 2}


def test_beyond_its_size_the_oldest_goes_and_the_file_shrinks(tmp_path: Path) -> None:
    """The newest stay; the bytes are given back to the disk."""
    limit = 10_000_000
    store = Store.open(tmp_path, max_bytes=limit, clock=lambda: NOW)
    for age in range(60, 0, -1):
        at = NOW - age * 60
        store.commit(
            Commit(
                evidence=[
                    Evidence(at, "edge", f"h{n}.example", "downstream", "expired", {"age": age, "raw": "x" * 4_000})
                    for n in range(100)
                ]
            )
        )
    done(store)
    ages = [document["age"] for document in Queries(store.readers, {}).failures(limit=1_000)[0]]
    assert ages[0] == 1
    store.close()
    assert (tmp_path / "handspike.db").stat().st_size <= limit + maintenance.VACUUM_PAGES * 4_096


def test_one_call_works_for_a_bounded_time_and_says_that_there_is_more(tmp_path: Path) -> None:
    """Without any budget it still makes one step; the next calls get more, and in the end all is done."""
    store = Store.open(tmp_path, clock=lambda: NOW)
    cells = {(int(NOW) - 3 * HOUR - n, Key(None, "downstream", "expired")): 1 for n in range(12_000)}
    store.commit(Commit(tallies={"edge": Tally(cells)}))
    store._maintenance._budget = 0.0
    assert store.maintain(NOW) is True
    assert store._maintenance._budget == maintenance.BUDGET_SECONDS
    done(store)
    assert Queries(store.readers, {}).top("stream", 0, NOW) == [("edge", 12_000)]
