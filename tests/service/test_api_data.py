"""What the API answers from a real store: written by commits, read through HTTP."""

import time
from pathlib import Path
from typing import Any

import pytest

from service.store.commit import Commit, Evidence, IncidentRow, Mark
from service.store.queries import Queries
from service.store.store import Store
from service.tally import Key, Tally
from service.times import rfc3339
from service.view import StreamStatus
from tests.service.api_fakes import FakeView, serving

HOST = "api.shop.example"
EXPIRED = Key(HOST, "downstream", "expired")
RESET = Key(None, "upstream", "reset")


class StoreView(FakeView):
    """The fake's streams over a real store."""

    def __init__(self, store: Store) -> None:
        streams = [StreamStatus("lb", "lb", "haproxy", "reading"), StreamStatus("orders", "app", "app", "reading")]
        super().__init__(streams, Queries(store.readers, {"lb": "lb", "orders": "app"}))
        self._store = store

    def add_mark(self, mark: Mark) -> None:
        self._store.commit(Commit(marks=[mark]))


@pytest.fixture(scope="module")
def base() -> int:
    """Ten minutes ago, at a full minute: the store keeps seconds of what is that young."""
    now = int(time.time())
    return now - now % 60 - 600


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, base: int):
    store = Store.open(Path(tmp_path_factory.mktemp("data")))
    store.commit(
        Commit(
            tallies={
                "lb": Tally(
                    seconds={
                        (base, EXPIRED): 1,
                        (base + 1, EXPIRED): 5,
                        (base + 12, EXPIRED): 2,
                        (base + 12, RESET): 1,
                    },
                    peers={(base, "192.0.2.9"): 6, (base, "192.0.2.10"): 3},
                ),
                "orders": Tally(seconds={(base + 13, RESET): 4}),
            },
            evidence=[evidence(base + n, f"record {n}") for n in range(3)],
            incidents=[incident("one", base, "resolved", base + 60), incident("two", base + 120, "open", None)],
            marks=[Mark(base - 20.0, "certificate", "rotated", "lb", HOST, "https://ci.example/812")],
        )
    )
    try:
        with serving(StoreView(store)) as client:
            yield client
    finally:
        store.close()


def evidence(at: int, message: str) -> Evidence:
    document = {
        "time": rfc3339(at),
        "stream": "lb",
        "hop": "lb",
        "host": HOST,
        "direction": "downstream",
        "family": "certificate",
        "reason": "expired",
        "message": message,
        "raw": f"raw of {message}",
    }
    return Evidence(float(at), "lb", HOST, "downstream", "expired", document)


def incident(id_: str, started: int, state: str, resolved: int | None) -> IncidentRow:
    ended = None if resolved is None else rfc3339(resolved)
    spike = {
        "stream": "lb",
        "hop": "lb",
        "host": HOST,
        "direction": "downstream",
        "family": "certificate",
        "reason": "expired",
        "onset": rfc3339(started),
        "ended_at": ended,
        "failures": 8,
        "peak_per_second": 5.0,
        "baseline_per_second": 0.01,
    }
    document: dict[str, Any] = {
        "id": id_,
        "revision": 1,
        "state": state,
        "merged_into": None,
        "started_at": rfc3339(started),
        "resolved_at": ended,
        "hosts": [HOST],
        "spikes": [spike],
        "verdict": {"summary": f"the summary of {id_}"},
    }
    return IncidentRow(
        id_, 1, state, float(started), None if resolved is None else float(resolved), ["lb"], [HOST], document
    )


def got(client, path: str, **parameters: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", params={name.rstrip("_"): value for name, value in parameters.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_timeline_has_the_asked_step_and_range(client, base: int) -> None:
    """Points are [start of the span, failures]; empty spans are left out."""
    body = got(client, "timeline", from_=rfc3339(base), to=rfc3339(base + 60), step="10s", by="stream")
    assert body == {
        "from": rfc3339(base),
        "to": rfc3339(base + 60),
        "step_seconds": 10,
        "series": [
            {"by": "lb", "points": [[rfc3339(base), 6], [rfc3339(base + 10), 3]]},
            {"by": "orders", "points": [[rfc3339(base + 10), 4]]},
        ],
    }


@pytest.mark.parametrize(
    ("by", "sums"),
    [
        ("stream", {"lb": 9, "orders": 4}),
        ("hop", {"lb": 9, "app": 4}),
        ("host", {HOST: 8, "__unknown__": 5}),
        ("family", {"certificate": 8, "handshake": 5}),
        ("reason", {"expired": 8, "reset": 5}),
        ("direction", {"downstream": 8, "upstream": 5}),
        ("peer", {"192.0.2.9": 6, "192.0.2.10": 3}),
    ],
)
def test_timeline_and_top_agree_for_every_label(client, base: int, by: str, sums: dict[str, int]) -> None:
    """The largest group comes first in both."""
    span = {"from_": rfc3339(base), "to": rfc3339(base + 60)}
    series = got(client, "timeline", step="60", by=by, **span)["series"]
    top = got(client, "top", by=by, **span)
    assert {one["by"]: sum(n for _, n in one["points"]) for one in series} == sums
    assert {one["by"]: one["failures"] for one in top["items"]} == sums
    assert [one["failures"] for one in top["items"]] == sorted(sums.values(), reverse=True)
    assert top["next"] is None


@pytest.mark.parametrize(
    ("filters", "failures"),
    [
        ({"stream": "orders"}, 4),
        ({"hop": "lb"}, 9),
        ({"host": "API.shop.example."}, 8),
        ({"host": "__unknown__"}, 5),
        ({"family": "certificate"}, 8),
        ({"reason": "handshake/reset"}, 5),
        ({"direction": "upstream", "stream": "lb"}, 1),
        ({"reason": "expired", "stream": "orders"}, 0),
    ],
)
def test_filters_narrow_what_is_counted(client, base: int, filters: dict[str, str], failures: int) -> None:
    """All that are given must match; a host is compared as names are."""
    body = got(client, "top", by="stream", from_=rfc3339(base), to=rfc3339(base + 60), **filters)
    assert sum(one["failures"] for one in body["items"]) == failures


def test_relative_times_are_understood(client) -> None:
    """The last hour, in three ways."""
    assert [
        sum(one["failures"] for one in got(client, "top", **span)["items"])
        for span in (
            {},
            {"from_": "-1h", "to": "now"},
            {"from_": "-2d"},
            {"from_": "-2h", "to": "-1h"},
        )
    ] == [13, 13, 13, 0]


def test_failures_come_newest_first_page_by_page(client) -> None:
    """`next` leads on until it is null."""
    first = got(client, "failures", limit=2)
    rest = got(client, "failures", limit=2, cursor=first["next"])
    assert [one["message"] for one in first["items"] + rest["items"]] == ["record 2", "record 1", "record 0"]
    assert rest["next"] is None


def test_failures_are_searched_and_narrowed(client, base: int) -> None:
    """By text and by time."""
    assert [one["message"] for one in got(client, "failures", text="ord 1")["items"]] == ["record 1"]
    found = got(client, "failures", from_=rfc3339(base + 1), to=rfc3339(base + 2))
    assert [one["message"] for one in found["items"]] == ["record 1"]
    assert got(client, "failures", stream="orders")["items"] == []


@pytest.mark.parametrize(
    "question", ["failures?cursor=abc", "incidents?cursor=%00", "changes?cursor=x", "top?by=host&peer=192.0.2.9"]
)
def test_what_the_store_can_not_answer_is_the_asker_s_mistake(client, question: str) -> None:
    """A made-up cursor, or a label that is not kept together with peers, is 422 with words."""
    answer = client.get(f"/api/v1/{question}")
    assert answer.status_code == 422
    assert len(answer.json()["detail"]) > 10


def test_incidents_come_latest_first_and_are_filtered(client, base: int) -> None:
    """By state, host, stream and time."""
    assert [one["id"] for one in got(client, "incidents")["items"]] == ["two", "one"]
    assert [one["id"] for one in got(client, "incidents", state="open")["items"]] == ["two"]
    assert [one["id"] for one in got(client, "incidents", stream="lb", host=HOST, state="resolved")["items"]] == ["one"]
    assert [one["id"] for one in got(client, "incidents", to=rfc3339(base + 90))["items"]] == ["one"]
    assert got(client, "incidents", stream="orders")["items"] == []


def test_a_single_incident_brings_its_records(client) -> None:
    """The object, and the evidence in order of time."""
    body = got(client, "incidents/one")
    assert body["verdict"] == {"summary": "the summary of one"}
    assert [one["message"] for one in body["evidence"]] == ["record 0", "record 1", "record 2"]


def test_an_incident_s_timeline_holds_the_change_before_it_and_its_worst_second(client, base: int) -> None:
    """Change, onset, peak, recovery, each at its time."""
    told = got(client, "incidents/one/timeline")["items"]
    assert [(event["at"], event["kind"]) for event in told] == [
        (rfc3339(base - 20), "change"),
        (rfc3339(base), "onset"),
        (rfc3339(base + 1), "peak"),
        (rfc3339(base + 60), "recovery"),
    ]
    assert told[0]["text"] == "certificate: rotated (https://ci.example/812)"
    assert told[2]["text"] == "at its worst: certificate/expired downstream, 5 in one second"


def test_a_change_is_there_once_it_is_answered(client) -> None:
    """Read your own write."""
    told = client.post(
        "/api/v1/changes", json={"kind": "deployment", "what": "checkout 1.42", "stream": "orders"}
    ).json()
    newest = got(client, "changes", limit=1)
    assert newest["items"] == [told]
    assert [one["what"] for one in got(client, "changes", cursor=newest["next"])["items"]] == ["rotated"]
    assert [one["what"] for one in got(client, "changes", stream="lb")["items"]] == ["rotated"]
