"""The API's shapes, errors and documentation, through real HTTP."""

import pytest

from service.api.app import create_app
from service.api.incident_timeline import events
from service.api.server import HttpServer
from service.errors import StoreBusyError
from service.store.commit import StreamCounts
from service.times import rfc3339
from service.view import Readiness, StreamStatus
from tests.service.api_fakes import FakeView, listening

ROUTES = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/api/v1/streams"),
    ("get", "/api/v1/incidents"),
    ("get", "/api/v1/incidents/{id}"),
    ("get", "/api/v1/incidents/{id}/timeline"),
    ("get", "/api/v1/timeline"),
    ("get", "/api/v1/failures"),
    ("get", "/api/v1/top"),
    ("get", "/api/v1/changes"),
    ("post", "/api/v1/changes"),
    ("post", "/api/v1/explain"),
}


class BrokenQueries:
    """A store that is locked, and one bug."""

    def top(self, *_: object) -> None:
        raise StoreBusyError("data/handspike.db is locked by another program; stop it")

    def timeline(self, *_: object) -> None:
        raise ZeroDivisionError

    def failures(self, *_: object, **__: object) -> None:
        raise ValueError('cursor: "abc" is none of ours; begin without one')

    def incident(self, id_: str) -> None:
        return None


@pytest.fixture
def view() -> FakeView:
    return FakeView(
        [StreamStatus("edge", "edge", "nginx", "reading"), StreamStatus("lb", "lb", "haproxy", "waiting", "not there")],
        BrokenQueries(),
    )


@pytest.fixture(scope="module")
def app():
    return create_app(FakeView())


@pytest.fixture(scope="module")
def running(app):
    with listening(app) as client:
        yield client


@pytest.fixture
def client(app, running, view: FakeView):
    """The one running server, with this test's own view behind it."""
    app.state.view = view
    return running


def test_openapi_documents_every_route_of_the_contract_with_an_example(client) -> None:
    """Summary, answer example and, for writes, a body example; each parameter has a description."""
    document = client.get("/openapi.json").json()
    found = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert found == ROUTES
    for method, path in ROUTES:
        operation = document["paths"][path][method]
        assert operation["summary"]
        good = operation["responses"]["201" if (method, path) == ("post", "/api/v1/changes") else "200"]
        assert all(content["example"] for content in good["content"].values())
        if method == "post":
            assert operation["requestBody"]["content"]["application/json"]["example"]
        assert all(
            parameter.get("description") or parameter["schema"].get("description")
            for parameter in operation.get("parameters", ())
        )


def test_an_example_of_openapi_has_the_keys_its_schema_requires(client) -> None:
    """The schemas are read off the examples, so they can't differ from what is shown."""
    for methods in client.get("/openapi.json").json()["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    assert "HTTPValidationError" not in str(content)
                    if "properties" in content.get("schema", {}):
                        assert set(content["schema"].get("required", ())) <= set(content["example"])


@pytest.mark.parametrize(
    ("question", "status", "expected"),
    [
        ("/nowhere", 404, "/openapi.json"),
        ("/api/v1/nowhere", 404, "/openapi.json"),
        ("/api/v1/incidents/i-1", 404, "/api/v1/incidents lists them"),
        ("/api/v1/top?by=hosts", 422, "'stream', 'hop', 'host', 'family', 'reason', 'direction' or 'peer'"),
        ("/api/v1/top?strem=lb", 422, "strem: there is no such name; there are from, to, stream, hop, host"),
        ("/api/v1/top?stream=bl", 422, 'stream: "bl" is no stream; there are edge, lb'),
        ("/api/v1/incidents?stream=bl", 422, "there are edge, lb"),
        ("/api/v1/incidents?state=closed", 422, "'open' or 'resolved'"),
        ("/api/v1/changes?stream=bl", 422, "there are edge, lb"),
        ("/api/v1/failures?from=yesterday", 422, "RFC 3339"),
        ("/api/v1/failures?limit=0", 422, "limit"),
        ("/api/v1/failures?limit=1001", 422, "limit"),
        ("/api/v1/failures?hop=cdn", 422, "'edge', 'lb', 'ingress', 'mesh' or 'app'"),
        ("/api/v1/failures?reason=expird", 422, "expired, not_yet_valid"),
        ("/api/v1/failures?host=a b", 422, "is no server name"),
        ("/api/v1/failures?peer=192.0.2.9:443", 422, "without a port"),
        ("/api/v1/failures?cursor=abc", 422, "is none of ours"),
        ("/api/v1/timeline?step=0", 422, "is no step"),
        ("/api/v1/timeline?from=now&to=-1h", 422, "must lie before"),
        ("/api/v1/top", 503, "is locked by another program"),
        ("/api/v1/timeline", 500, "a bug in handspike"),
    ],
)
def test_an_error_is_a_problem_document_that_tells_the_way_out(
    client, question: str, status: int, expected: str
) -> None:
    """RFC 9457, with what was expected in `detail`."""
    answer = client.get(question)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert {"type", "title", "detail", "instance"} <= set(problem)
    assert expected in problem["detail"]


def test_another_method_is_a_problem_document_that_names_the_right_one(client) -> None:
    """405 with Allow."""
    answer = client.delete("/api/v1/streams")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["detail"] == "DELETE does not work here; use GET."


def test_what_a_caller_sent_is_repeated_bounded(client) -> None:
    """Nobody makes us answer with his 7 KiB."""
    answer = client.get("/api/v1/top?stream=" + "x" * 200 + "&by=" + "y" * 7000)
    assert answer.status_code == 422
    assert len(answer.content) < 1500


def test_streams_are_shown_as_the_contract_says(client, view: FakeView) -> None:
    """Position, offsets and counts; unknown is null."""
    counts = StreamCounts(
        lines=5, bytes=400, candidates=2, failures=1, unrecognized=1, late=3, dropped={"gap": 2, "line_too_long": 1}
    )
    view.status = [
        StreamStatus("edge", "edge", "nginx", "reading", "", 1.5, 1_795_218_142.0, -0.25, {"/x.log": 400}, counts),
        StreamStatus("lb", "lb", "haproxy", "waiting", "/y.log is not there yet"),
    ]
    body = client.get("/api/v1/streams").json()
    assert body["next"] is None
    assert body["items"][0] == {
        "name": "edge",
        "hop": "edge",
        "format": "nginx",
        "state": "reading",
        "text": "",
        "up": True,
        "lag_seconds": 1.5,
        "last_record_at": "2026-11-20T23:42:22.000Z",
        "clock_offset_seconds": -0.25,
        "position": {"/x.log": 400},
        "counts": {
            "lines": 5,
            "bytes": 400,
            "candidates": 2,
            "failures": 1,
            "unrecognized": 1,
            "dropped": 3,
            "dropped_by_cause": {"gap": 2, "line_too_long": 1},
            "late": 3,
        },
    }
    assert [body["items"][1][name] for name in ("up", "lag_seconds", "last_record_at", "text")] == [
        False,
        None,
        None,
        "/y.log is not there yet",
    ]


@pytest.mark.parametrize("phase", ["starting", "draining", "store_unusable"])
def test_readiness_is_503_only_while_the_service_itself_can_not_work(client, view: FakeView, phase) -> None:
    """Alive all the same; the problem document says what it waits for."""
    view.readiness = Readiness(phase, "the disk is full: free some space")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["phase"]) == (503, False, phase)
    assert answer.json()["detail"].endswith("the disk is full: free some space")
    assert client.get("/healthz").json()["status"] == "ok"


def test_failing_streams_are_listed_by_a_service_that_is_ready(client, view: FakeView) -> None:
    """One broken log is no reason to take the whole out of service."""
    view.status = [
        StreamStatus("edge", "edge", "nginx", "failed", "/x.log: Permission denied"),
        StreamStatus("lb", "lb", "haproxy", "waiting", "/y.log is not there yet"),
    ]
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["failing"] == [{"name": "edge", "state": "failed", "text": "/x.log: Permission denied"}]
    assert [one["name"] for one in answer.json()["waiting"]] == ["lb"]


def test_metrics_are_served_in_the_format_that_is_asked_for(client) -> None:
    """Prometheus asks for OpenMetrics."""
    plain = client.get("/metrics", headers={"Accept": "text/plain"})
    openmetrics = client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0; charset=utf-8"}
    )
    assert plain.headers["content-type"].startswith("text/plain")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


def test_explain_takes_json_and_plain_text(client, view: FakeView) -> None:
    """The same question in two forms."""
    as_json = client.post("/api/v1/explain", json={"text": "one\ntwo", "hop": "lb", "format": "haproxy"})
    as_text = client.post(
        "/api/v1/explain?hop=lb&format=haproxy", content="one\ntwo", headers={"Content-Type": "text/plain"}
    )
    assert as_json.json() == as_text.json()
    assert [one["message"] for one in as_json.json()["items"]] == ["one", "two"]
    assert view.asked_to_explain == [("one\ntwo", "lb", "haproxy")] * 2


@pytest.mark.parametrize(
    ("sent", "status", "expected"),
    [
        ({"json": {}}, 422, "text: is required"),
        ({"json": {"text": ""}}, 422, "text"),
        ({"json": {"text": "x", "fromat": "nginx"}}, 422, "there are text, hop, format"),
        ({"json": {"text": "x", "format": "ngnix"}}, 422, "there are nginx, haproxy"),
        ({"json": [1]}, 422, "body"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422, "body"),
        ({"content": b"x", "headers": {"Content-Type": "image/png"}}, 415, "text/plain"),
    ],
)
def test_a_question_that_explain_can_not_take_is_told_why(client, sent, status: int, expected: str) -> None:
    """Never a 500."""
    answer = client.post("/api/v1/explain", **sent)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert expected in answer.json()["detail"]


def test_a_change_is_stored_before_it_is_answered(client, view: FakeView) -> None:
    """All fields arrive; names are made comparable."""
    sent = {
        "at": "2026-11-20T23:42:10Z",
        "kind": "certificate",
        "what": " rotated\nit ",
        "stream": "lb",
        "host": "API.shop.example",
        "url": "https://ci.example/812",
    }
    answer = client.post("/api/v1/changes", json=sent)
    assert answer.status_code == 201
    assert answer.json() == sent | {"at": "2026-11-20T23:42:10.000Z", "what": "rotated it", "host": "api.shop.example"}
    [mark] = view.marks
    assert (rfc3339(mark.at), mark.what, mark.stream) == ("2026-11-20T23:42:10.000Z", "rotated it", "lb")


def test_a_change_s_secrets_are_masked_before_it_is_stored(client, view: FakeView) -> None:
    """A pasted command or a signed link gives nothing away."""
    sent = {"kind": "deployment", "what": "ran deploy --token s3cr3t-value", "url": "https://ci.example/run?sig=s3cr3t"}
    answer = client.post("/api/v1/changes", json=sent)
    assert answer.status_code == 201
    assert "s3cr3t" not in answer.text
    assert (view.marks[0].what, view.marks[0].url) == ("ran deploy --token ***", "https://ci.example/run?sig=***")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"what": None}, "what"),
        ({"what": "x" * 501}, "what"),
        ({"kind": " \n"}, "kind"),
        ({"at": "soon"}, "RFC 3339"),
        ({"at": "9000-01-01T00:00:00Z"}, "more than a year ahead"),
        ({"stream": "bl"}, "there are edge, lb"),
        ({"url": "javascript:alert(1)"}, "http or https"),
        ({"url": "https://user:password@ci.example/"}, "leave it out"),
        ({"urk": "https://ci.example/"}, "there are at, kind, what, stream, host, url"),
    ],
)
def test_a_change_that_makes_no_sense_is_told_why_and_not_stored(client, view: FakeView, wrong, expected: str) -> None:
    """Each field has its own words."""
    answer = client.post("/api/v1/changes", json={"kind": "deployment", "what": "checkout"} | wrong)
    assert answer.status_code == 422
    assert expected in answer.json()["detail"]
    assert view.marks == []


def test_a_change_that_the_store_does_not_take_in_time_is_told_so(client, view: FakeView) -> None:
    """503, and no lie that it was lost."""

    def late(_: object) -> None:
        raise TimeoutError

    view.add_mark = late  # type: ignore[method-assign]
    answer = client.post("/api/v1/changes", json={"kind": "deployment", "what": "checkout"})
    assert answer.status_code == 503
    assert "before you send it again" in answer.json()["detail"]


def spike(**fields: object) -> dict[str, object]:
    return {
        "stream": "lb",
        "hop": "lb",
        "host": "api.shop.example",
        "direction": "downstream",
        "family": "certificate",
        "reason": "expired",
        "onset": "2026-11-20T23:42:22.000Z",
        "ended_at": "2026-11-20T23:50:00.000Z",
        "failures": 120,
        "peak_per_second": 14.0,
        "baseline_per_second": 0.002,
    } | fields


def test_an_incident_s_timeline_tells_changes_onsets_peaks_and_recoveries_in_order() -> None:
    """At one moment the change comes first: it may be the cause."""
    incident = {"spikes": [spike(), spike(stream="app", hop="app", onset="2026-11-20T23:42:40.000Z", ended_at=None)]}
    mark = {"at": 1_795_218_142.0, "kind": "certificate", "what": "rotated", "stream": "lb", "host": None, "url": None}
    told = events(incident, [mark], {0: (1_795_218_150.0, 14, 1)}, {"lb": "lb"})
    assert [(event["at"][11:19], event["kind"], event["stream"], event["hop"]) for event in told] == [
        ("23:42:22", "change", "lb", "lb"),
        ("23:42:22", "onset", "lb", "lb"),
        ("23:42:30", "peak", "lb", "lb"),
        ("23:42:40", "onset", "app", "app"),
        ("23:50:00", "recovery", "lb", "lb"),
    ]
    assert {tuple(event) for event in told} == {("at", "kind", "stream", "hop", "host", "reason", "text")}
    assert told[0]["text"] == "certificate: rotated"
    assert told[2]["text"] == "at its worst: certificate/expired downstream, 14 in one second"


def test_a_coarse_spike_is_told_without_the_labels_it_lacks() -> None:
    """Host, direction and reason may be null."""
    coarse = spike(host=None, direction=None, family=None, reason=None)
    assert [event["text"] for event in events({"spikes": [coarse]}, [], {}, {})] == [
        "begins: failures of any kind, up to 14/s where 0.002/s is normal",
        "back to normal: failures of any kind, after 120 failures",
    ]


def test_a_taken_port_is_an_error_at_the_start(view: FakeView) -> None:
    """Not a thread that dies in silence."""
    first = HttpServer(lambda *_: None, "127.0.0.1", 0)  # type: ignore[arg-type,return-value]
    try:
        with pytest.raises(OSError, match="in use"):
            HttpServer(lambda *_: None, "127.0.0.1", first.port)  # type: ignore[arg-type,return-value]
    finally:
        first.stop()
