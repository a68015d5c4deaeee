"""What is committed is there, whole or not at all, whatever happens to disk, lock, file or process."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from service.errors import (
    StoreBusyError,
    StoreFullError,
    StoreInUseError,
    StoreTooNewError,
    StoreUnusableError,
)
from service.store import connecting, migrate, schema
from service.store.commit import Commit, Evidence, IncidentRow, Mark, StreamCounts
from service.store.queries import Queries
from service.store.store import Store
from service.tally import Key, Tally

NOW = 1_795_218_142.0
KEY = Key("api.shop.example", "downstream", "expired")


def open_store(data_dir: Path, **options: float) -> Store:
    return Store.open(data_dir, clock=lambda: NOW, **options)  # type: ignore[arg-type]


def one(number: int = 1) -> Commit:
    """A commit that touches every table; ``number`` is in each of them."""
    return Commit(
        positions={("edge", "/var/log/a.log"): b"%d" % number},
        counts={"edge": StreamCounts(lines=number, failures=number, dropped={"gap": number}, first_seen=NOW)},
        tallies={"edge": Tally({(int(NOW), KEY): 1}, {KEY: 1}, {(int(NOW) // 60 * 60, "192.0.2.1"): 1})},
        evidence=[Evidence(NOW, "edge", KEY.host, KEY.direction, KEY.reason, {"message": f"m{number}", "peer": None})],
        samples=[("edge", NOW, f"sample {number}")],
        state={("detector:edge", "key"): b"%d" % number},
        incidents=[IncidentRow("i1", number, "open", NOW, None, ["edge"], ["api.shop.example"], {"id": "i1"})],
        marks=[Mark(NOW, "deployment", f"release {number}")],
    )


def test_what_was_committed_is_loaded(tmp_path: Path) -> None:
    """Counts of tallies add up, everything else is the newest value; also after closing and opening."""
    store = open_store(tmp_path)
    store.commit(one(1))
    store.commit(one(2))
    store.close()
    loaded = open_store(tmp_path).load()
    assert loaded.positions == {"edge": {"/var/log/a.log": b"2"}}
    assert loaded.counts == {"edge": StreamCounts(lines=2, failures=2, dropped={"gap": 2}, first_seen=NOW)}
    assert loaded.state == {"detector:edge": {"key": b"2"}}
    assert loaded.failures == {("edge", "downstream", "expired"): 4}
    assert [(row.id, row.revision, row.streams, row.hosts) for row in loaded.open_incidents] == [
        ("i1", 2, ["edge"], ["api.shop.example"])
    ]


def test_none_deletes_a_position_or_a_state(tmp_path: Path) -> None:
    """And a resolved incident is no longer among the open ones."""
    store = open_store(tmp_path)
    store.commit(one())
    store.commit(
        Commit(
            positions={("edge", "/var/log/a.log"): None},
            state={("detector:edge", "key"): None},
            incidents=[IncidentRow("i1", 2, "resolved", NOW, NOW + 60, ["edge"], [], {"id": "i1"})],
        )
    )
    loaded = store.load()
    assert (loaded.positions, loaded.state, loaded.open_incidents) == ({}, {}, [])


def test_an_empty_commit_writes_nothing(tmp_path: Path) -> None:
    """Not even a transaction."""
    store = open_store(tmp_path)
    store.commit(Commit())
    assert store.commits == 0


def test_names_are_bounded_and_hostile_text_is_storable(tmp_path: Path) -> None:
    """A host of any length or bytes, a time far outside the calendar: counted, never an error."""
    store = open_store(tmp_path)
    hostile = Key("x" * 5_000 + "\0\ud800", "downstream", "expired")
    store.commit(
        Commit(
            tallies={"edge": Tally({(10**30, KEY): 2, (-5, KEY): 3, (60, hostile): 4})},
            marks=[Mark(1.0, "k\0", "w\ud800")],
            samples=[("edge", 1.0, "\0")],
        )
    )
    assert store.load().failures == {("edge", "downstream", "expired"): 9}
    assert Queries(store.readers, {}).top("host", 0, 2e9) == [("x" * 255, 4)]


def test_of_many_names_in_a_minute_the_first_keep_their_own_place(tmp_path: Path) -> None:
    """200 peers and 1,000 hosts of a stream, across commits and restarts; the rest is summed up, nothing is lost."""
    for part in range(2):
        store = open_store(tmp_path)
        names = range(part * 900, part * 900 + 900)
        hosts = {(120 + n % 60, Key(f"h{n}.example", "downstream", "expired")): 1 for n in names}
        peers = {(120, f"192.0.2.{n}"): 1 for n in names}
        store.commit(Commit(tallies={"edge": Tally(hosts, {}, peers)}))
        store.close()
    queries = Queries(open_store(tmp_path).readers, {})
    hosts_found = dict(queries.top("host", 0, 1e9, limit=5_000))
    peers_found = dict(queries.top("peer", 0, 1e9, limit=5_000))
    assert (len(hosts_found), hosts_found["__other__"], sum(hosts_found.values())) == (1_001, 800, 1_800)
    assert (len(peers_found), peers_found["__other__"], sum(peers_found.values())) == (201, 1_600, 1_800)


def test_the_newest_evidence_of_a_minute_and_the_newest_samples_are_kept(tmp_path: Path) -> None:
    """20 per stream, host, direction, reason and minute; 100 samples per stream."""
    store = open_store(tmp_path)
    for number in range(30):
        record = Evidence(60.0 + number, "edge", None, "upstream", "reset", {"n": number})
        store.commit(Commit(evidence=[record], samples=[("edge", 1.0, f"{number}-{n}") for n in range(5)]))
    queries = Queries(store.readers, {})
    assert [document["n"] for document in queries.failures()[0]] == list(range(29, 9, -1))
    samples = queries.unrecognized("edge", limit=1_000)
    assert (len(samples), samples[0], samples[-1]) == (100, (1.0, "29-4"), (1.0, "10-0"))


def test_a_locked_database_is_busy_and_the_same_commit_succeeds_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the refused commit is there, and nothing is there twice afterwards."""
    monkeypatch.setattr(connecting, "BUSY_TIMEOUT_SECONDS", 0.05)
    store = open_store(tmp_path)
    other = sqlite3.connect(store.file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreBusyError, match="locked by another program"):
        store.commit(one())
    other.execute("ROLLBACK")
    assert store.load().failures == {}
    store.commit(one())
    assert store.load().failures == {("edge", "downstream", "expired"): 2}


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    """SQLite's own page limit stands in for the disk: refused as a whole, and taken once there is room."""
    store = open_store(tmp_path)
    store.commit(one(1))
    with connecting.transaction(store._engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    big = one(2)
    big.samples = [("edge", NOW, "x" * 100_000)] * 50
    for _ in range(2):
        with pytest.raises(StoreFullError, match="free some space"):
            store.commit(big)
    assert store.load().positions == {"edge": {"/var/log/a.log": b"1"}}
    with connecting.transaction(store._engine) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    store.commit(big)
    loaded = store.load()
    assert (loaded.positions, loaded.failures[("edge", "downstream", "expired")]) == (
        {"edge": {"/var/log/a.log": b"2"}},
        4,
    )


@pytest.mark.parametrize("damage", ["header", "middle", "nonsense"])
def test_a_damaged_database_is_set_aside_and_told(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Renamed with its time, byte for byte; the message names both files and what is lost; a new store works."""
    store = open_store(tmp_path)
    for number in range(50):
        store.commit(one(number))
    store.close()
    file = tmp_path / "handspike.db"
    content = bytearray(file.read_bytes())
    if damage == "header":
        content[:16] = b"not a database.."
    elif damage == "middle":
        for page in range(2, len(content) // 4096):
            content[page * 4096 : page * 4096 + 200] = os.urandom(200)
    else:
        content = bytearray(b"hello\n" * 1_000)
    file.write_bytes(content)
    with caplog.at_level(logging.ERROR):
        store = open_store(tmp_path)
    aside = tmp_path / "handspike.db.corrupt-20261120T234222"
    assert store.set_aside == aside
    assert aside.read_bytes() == content
    assert str(file) in caplog.text
    assert str(aside) in caplog.text
    assert "Lost until it is restored: counts, history, incidents and evidence, and the positions" in caplog.text
    assert store.load().positions == {}
    store.commit(one())
    store.close()
    assert open_store(tmp_path).set_aside is None


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """With the holder's process number; it works once the first has closed."""
    first = open_store(tmp_path)
    with pytest.raises(StoreInUseError, match=rf"another handspike works .* \(process {os.getpid()}\)"):
        open_store(tmp_path)
    first.close()
    open_store(tmp_path).close()


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Neither migrated nor set aside."""
    store = open_store(tmp_path)
    with connecting.transaction(store._engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreTooNewError, match=r"written by a newer handspike \(schema 9999"):
        open_store(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["handspike.db", "handspike.lock"]


def test_a_directory_that_cannot_be_written_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read-only, or no directory at all."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusableError, match="make it writable, or change data_dir") as refused:
        open_store(tmp_path / "file" / "data")
    assert "\n" not in str(refused.value)

    def read_only(*_: object, **__: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(StoreUnusableError, match="Read-only file system"):
        open_store(tmp_path / "data")


def test_the_revisions_make_the_schema_that_the_code_says(tmp_path: Path) -> None:
    """Run from an empty database: the same tables, columns and indices as schema.py, and HEAD is the newest."""
    migrated, stated = create_engine(f"sqlite:///{tmp_path / 'a.db'}"), create_engine("sqlite://")
    with migrated.begin() as connection:
        migrate.migrate(connection, tmp_path / "a.db")
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == schema.HEAD
    schema.metadata.create_all(stated)

    def shape(engine: object) -> dict[str, object]:
        seen = inspect(engine)
        return {
            table: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(table)],
                seen.get_pk_constraint(table)["constrained_columns"],
                sorted((index["name"], tuple(index["column_names"])) for index in seen.get_indexes(table)),
                seen.get_table_options(table),
            )
            for table in seen.get_table_names()
            if table != "alembic_version"
        }

    assert shape(migrated) == shape(stated)


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All revisions are one transaction."""
    from alembic.operations import Operations

    monkeypatch.setattr(Operations, "create_index", lambda *_, **__: 1 / 0, raising=False)
    monkeypatch.setattr("alembic.op.create_index", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        open_store(tmp_path)
    connection = sqlite3.connect(tmp_path / "handspike.db")
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_opening_works_while_somebody_reads(tmp_path: Path) -> None:
    """A reader's open snapshot hinders neither opening nor writing, and stays what it was."""
    store = open_store(tmp_path)
    store.commit(one())
    store.close()
    reader = sqlite3.connect(f"file:{tmp_path / 'handspike.db'}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM marks").fetchone() == (1,)
    store = open_store(tmp_path)
    store.commit(one(2))
    assert reader.execute("SELECT count(*) FROM marks").fetchone() == (1,)
    reader.close()
    assert len(Queries(store.readers, {}).marks()[0]) == 2


def test_readers_cannot_write(tmp_path: Path) -> None:
    """Whatever a bug in a query does."""
    store = open_store(tmp_path)
    with (
        pytest.raises(StoreFullError, match=r"readonly database"),
        connecting.transaction(store.readers) as reader,
    ):
        reader.execute(text("DELETE FROM marks"))


def test_api_threads_read_while_the_engine_writes(tmp_path: Path) -> None:
    """Each answer is one whole commit: totals of two tables never differ."""
    store = open_store(tmp_path)
    queries, wrong, done = Queries(store.readers, {}), [], threading.Event()

    def read() -> None:
        while not done.is_set():
            loaded = store.load()
            lines = loaded.counts["edge"].lines if loaded.counts else 0
            if loaded.failures.get(("edge", "downstream", "expired"), 0) != 2 * lines:
                wrong.append(lines)
            queries.timeline(NOW - 60, NOW + 60, 1)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 60):
        store.commit(one(number))
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.service.test_store import one, open_store
store = open_store(Path({data!r}))
number = store.load().counts["edge"].lines if store.load().counts else 0
while True:
    number += 1
    store.commit(one(number))
    print(number, flush=True)
"""


def test_kill_minus_nine_leaves_all_or_nothing(tmp_path: Path) -> None:
    """Killed at several moments while it commits: every table tells the same number, none less than was acknowledged."""
    root = str(Path(__file__).parents[2])
    program = WRITER.format(root=root, data=str(tmp_path))
    for acknowledged_commits in (1, 2, 7, 23, 60):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(acknowledged_commits):
                acknowledged = int(child.stdout.readline())
            child.send_signal(signal.SIGKILL)
            rest = child.stdout.read().splitlines(keepends=True)
        acknowledged = max([acknowledged, *(int(line) for line in rest if line.endswith("\n"))])
        store = open_store(tmp_path)
        loaded = store.load()
        number = loaded.counts["edge"].lines
        assert store.set_aside is None
        assert number in (acknowledged, acknowledged + 1)
        assert loaded.positions["edge"]["/var/log/a.log"] == b"%d" % number
        assert loaded.state["detector:edge"]["key"] == b"%d" % number
        assert loaded.failures["edge", "downstream", "expired"] == 2 * number
        assert loaded.open_incidents[0].revision == number
        queries = Queries(store.readers, {})
        assert queries.timeline(NOW - 60, NOW + 60, 1).series == [("edge", [(int(NOW), number)])]
        assert queries.failures()[0][0]["message"] == f"m{number}"
        assert queries.marks(limit=1)[0][0]["what"] == f"release {number}"
        store.close()


def test_a_commit_of_twenty_thousand_cells_is_quick(tmp_path: Path) -> None:
    """Under half a second of CPU (0.1 s measured), so that a storm doesn't hold up the reading."""
    import time

    store = open_store(tmp_path)
    cells = {(1_000 + n // 10, Key(f"h{n % 700}.example", "downstream", "expired")): 1 for n in range(20_000)}
    started = time.process_time()
    store.commit(Commit(tallies={"edge": Tally(cells)}))
    assert time.process_time() - started < 0.5
