"""What is to be told of an incident, to whom and for how long: the outbox and the Alertmanager's view of it, no clock."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.alerts import outbox as rules
from service.alerts import signing, wording
from service.alerts.alertmanager import Posting, alert, due
from service.alerts.entry import Event, Standing
from service.alerts.outbox import Outbox
from service.alerts.webhook import delivery_id, payload
from service.alerts.wording import Links
from service.times import rfc3339

START = 1_790_000_000.0
LINKS = Links("https://handspike.example", "https://wiki.example/runbooks")
AM = "alertmanager:127.0.0.1:9093"
HOOK = "webhook:hooks.example"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Desk:
    """An outbox, the engine's part of it, and what the store holds; `restart` is a crash."""

    def __init__(self, *receivers: str) -> None:
        self.receivers = receivers or (AM,)
        self.clock = Clock()
        self.stored: dict[str, bytes] = {}
        self.incidents: dict[str, dict[str, Any]] = {}
        self.outbox = Outbox(self.receivers, self.clock)

    def commit(self, *changed: dict[str, Any], alive: set[str] | None = None) -> None:
        self.incidents.update({document["id"]: document for document in changed})
        for (kind, name), blob in self.outbox.record(changed, self.incidents if alive is None else alive).items():
            assert kind == "alerts"
            if blob is None:
                del self.stored[name]
            else:
                self.stored[name] = blob
        self.outbox.committed()

    def restart(self, *receivers: str) -> None:
        self.receivers = receivers or self.receivers
        self.outbox = Outbox(self.receivers, self.clock)
        self.outbox.load(self.stored, self.incidents.get)

    def due(self, receiver: str = AM) -> list[tuple[str, str]]:
        return [(posting.notice.id, posting.phase) for posting in self.postings(receiver)]

    def postings(self, receiver: str = AM) -> list[Posting]:
        return due(
            self.outbox.published, lambda notice: notice.entry.standings.get(receiver, Standing()), self.clock.now
        )

    def take(self, receiver: str = AM) -> None:
        """The Alertmanager takes all that is due, and that is stored."""
        for posting in self.postings(receiver):
            taken = Standing(fired=True, closed=posting.phase != "firing", was_late=posting.phase == "late")
            self.outbox.report(receiver, "success", 1, {posting.notice.id: taken})
        self.commit()

    def events(self, incident: str = "i1") -> list[str]:
        (found,) = [notice for notice in self.outbox.published if notice.id == incident]
        return [delivery_id(incident, event) for event in found.entry.events]


def incident(name: str = "i1", at: float = START - 5.0, **more: Any) -> dict[str, Any]:
    """An open incident whose first failure was at ``at``."""
    document: dict[str, Any] = {
        "id": name,
        "revision": 1,
        "state": "open",
        "merged_into": None,
        "started_at": rfc3339(at),
        "detected_at": rfc3339(at + 2.0),
        "resolved_at": None,
        "first": {"stream": "lb", "hop": "lb", "host": "api.shop.example", "onset": rfc3339(at), "tie_with": ["edge"]},
        "hosts": ["api.shop.example"],
        "failures": 12,
        "spikes": [
            {"stream": "lb", "onset": rfc3339(at), "family": "certificate", "last_failure_at": rfc3339(at + 3.0)},
        ],
        "verdict": {
            "summary": "lb broke first", "leg": "client -> lb", "fix_at": "lb", "confidence": 0.97,
            "provisional": False, "because": ["lb says so"], "steps": ["renew it"],
            "cleared": [{"stream": "ingress", "why": "quiet"}], "unseen": [],
        },
    }  # fmt: skip
    return document | more


def over(document: dict[str, Any], at: float, **more: Any) -> dict[str, Any]:
    return document | {"state": "resolved", "resolved_at": rfc3339(at)} | more


def test_it_fires_until_it_ends_then_its_end_is_told_for_five_minutes() -> None:
    desk = Desk()
    desk.commit(incident())
    assert desk.due() == [("i1", "firing")]
    desk.take()
    assert desk.due() == [("i1", "firing")]
    desk.clock.now += 100.0
    desk.commit(over(incident(), desk.clock.now - 60.0))
    for _ in range(6):
        assert desk.due() == [("i1", "resolved")]
        desk.take()
        desk.clock.now += 60.0
    assert desk.due() == []


def test_nothing_is_told_before_it_is_committed() -> None:
    desk = Desk()
    desk.outbox.record([incident()], {"i1"})
    assert desk.due() == []
    desk.outbox.committed()
    assert desk.due() == [("i1", "firing")]


def test_labels_stay_those_of_the_first_send_whatever_is_learnt_later() -> None:
    desk = Desk()
    desk.commit(incident())
    first = desk.postings()[0].notice.entry.labels
    assert first == {
        "alertname": "TLSHandshakeSpike",
        "severity": "critical",
        "stream": "lb",
        "hop": "lb",
        "family": "certificate",
        "incident": "i1",
    }
    later = incident(at=START - 40.0)
    later["first"] |= {"stream": "edge", "hop": "edge"}
    later["verdict"] |= {"summary": "edge broke first", "fix_at": "client"}
    desk.restart()
    desk.commit(later)
    sent = alert(desk.postings()[0], desk.clock.now, 60.0, LINKS)
    assert sent["labels"] == first
    assert sent["annotations"]["summary"] == "edge broke first"
    assert sent["annotations"]["fix_at"] == "client"
    assert sent["startsAt"] == rfc3339(START - 40.0)
    assert sent["endsAt"] == rfc3339(START + 240.0)


@pytest.mark.parametrize(
    ("fix_at", "severity"), [("lb", "critical"), ("beyond", "critical"), ("client", "warning"), (None, "critical")]
)
def test_what_clients_do_wrong_wakes_nobody(fix_at: str | None, severity: str) -> None:
    document = incident()
    document["verdict"]["fix_at"] = fix_at
    assert wording.labels(document)["severity"] == severity


def test_a_reopened_incident_does_not_alert_anew() -> None:
    desk = Desk()
    desk.commit(incident())
    desk.take()
    desk.commit(over(incident(), desk.clock.now))
    desk.take()
    desk.clock.now += 600.0
    desk.commit(incident(revision=3))
    assert desk.due() == []
    desk.restart()
    assert desk.due() == []


def test_one_that_reopens_before_its_end_was_taken_just_goes_on() -> None:
    desk = Desk()
    desk.commit(incident())
    desk.take()
    desk.commit(over(incident(), desk.clock.now))
    desk.commit(incident(revision=3))
    assert desk.due() == [("i1", "firing")]


def test_a_merged_incident_ends_and_says_where_it_goes_on() -> None:
    desk = Desk()
    desk.commit(incident("older"), incident("younger"))
    desk.take()
    desk.commit(over(incident("younger"), desk.clock.now, merged_into="older", resolved_at=None))
    assert desk.due() == [("older", "firing"), ("younger", "resolved")]
    sent = alert(desk.postings()[1], desk.clock.now, 60.0, LINKS)
    assert sent["annotations"]["summary"] == "Turned out to be part of incident older."
    assert sent["endsAt"] == rfc3339(desk.clock.now)


def test_one_whose_only_spike_was_withdrawn_ends_though_no_document_says_so() -> None:
    desk = Desk()
    desk.commit(incident())
    desk.take()
    desk.commit(alive=set())
    assert desk.due() == [("i1", "resolved")]


def test_one_that_came_and_went_while_an_alertmanager_was_away_fires_once_there() -> None:
    """And ends by itself: its end is not sent, as that would silence it before anybody was told."""
    desk = Desk(AM, "alertmanager:b")
    desk.commit(incident())
    desk.take()
    desk.clock.now += 50.0
    desk.commit(over(incident(), desk.clock.now))
    assert desk.due("alertmanager:b") == [("i1", "late")]
    desk.restart()
    desk.clock.now += 3600.0
    assert desk.due("alertmanager:b") == [("i1", "late")]
    sent = alert(desk.postings("alertmanager:b")[0], desk.clock.now, 60.0, LINKS)
    assert sent["annotations"]["summary"] == "Over already, told late: lb broke first"
    assert sent["endsAt"] == rfc3339(desk.clock.now + 240.0)
    desk.take("alertmanager:b")
    assert desk.due("alertmanager:b") == []


def test_an_alertmanager_that_is_away_for_more_than_a_day_is_not_told_any_more() -> None:
    desk = Desk()
    desk.commit(incident())
    desk.commit(over(incident(), desk.clock.now))
    desk.clock.now += rules.LATE_SECONDS - 10.0
    desk.commit()
    assert desk.due() == [("i1", "late")]
    desk.clock.now += 20.0
    desk.commit()
    (posting,) = desk.postings()
    assert posting.phase == "dropped"
    desk.outbox.report(AM, "dropped", 1, {"i1": Standing(closed=True)})
    desk.commit()
    assert desk.due() == []
    assert desk.outbox.deliveries[AM, "dropped"] == 1


def test_an_archive_of_last_week_pages_nobody() -> None:
    desk = Desk(AM, HOOK)
    old = incident(at=START - 7 * 86_400.0)
    desk.commit(old)
    desk.commit(over(old, START - 7 * 86_400.0 + 300.0))
    assert desk.outbox.published == ()
    assert desk.stored == {}


def test_an_outage_read_from_this_mornings_log_that_is_over_pages_nobody() -> None:
    desk = Desk()
    old = incident(at=START - 7200.0)
    desk.commit(over(old, START - 6000.0))
    assert desk.due() == []


def test_an_old_outage_that_still_goes_on_pages() -> None:
    desk = Desk()
    old = incident(at=START - 7 * 86_400.0)
    desk.commit(old)
    assert desk.due() == []
    old["spikes"][0]["last_failure_at"] = rfc3339(START - 1.0)
    desk.commit(old)
    assert desk.due() == [("i1", "firing")]


def test_a_receiver_that_is_configured_later_is_not_told_of_what_is_over() -> None:
    desk = Desk(AM)
    desk.commit(incident("over"), incident("open"))
    desk.take()
    desk.commit(over(incident("over"), desk.clock.now))
    desk.restart(AM, "alertmanager:new", HOOK)
    desk.commit()
    for _ in range(2):
        assert desk.due("alertmanager:new") == [("open", "firing")]
        told = {n.id: n.entry.standings.get(HOOK, Standing()).told for n in desk.outbox.published}
        assert told == {"over": 2, "open": 0}
        desk.restart()


def test_what_was_delivered_is_counted_and_the_counts_survive_a_restart() -> None:
    desk = Desk()
    desk.commit(incident())
    assert desk.outbox.deliveries == {(AM, outcome): 0 for outcome in ("success", "failure", "refused", "dropped")}
    desk.outbox.report(AM, "failure", 2, {})
    assert desk.outbox.has_news
    assert desk.outbox.deliveries[AM, "failure"] == 0, "only what is committed is shown"
    desk.take()
    assert not desk.outbox.has_news
    desk.restart()
    assert desk.outbox.deliveries == {(AM, "success"): 1, (AM, "failure"): 2, (AM, "refused"): 0, (AM, "dropped"): 0}


def test_webhooks_are_told_each_turn_of_the_story_once() -> None:
    desk = Desk(HOOK)
    desk.commit(incident())
    desk.commit(incident(revision=2, failures=20))
    assert desk.events() == ["i1:opened"], "more failures are no news"
    guess = incident()
    guess["verdict"] |= {"fix_at": "beyond", "provisional": True}
    desk.commit(guess)
    assert desk.events() == ["i1:opened"], "a guess is no news either"
    guess["verdict"]["provisional"] = False
    desk.commit(guess)
    desk.commit(over(guess, desk.clock.now))
    desk.commit(guess)
    desk.restart()
    desk.commit(over(guess, desk.clock.now))
    desk.commit(over(guess, desk.clock.now))
    assert desk.events() == ["i1:opened", "i1:changed", "i1:resolved", "i1:reopened", "i1:resolved:2"]


def test_an_incident_that_flaps_for_ever_is_bounded() -> None:
    desk = Desk(HOOK)
    for _ in range(100):
        desk.commit(incident())
        desk.commit(over(incident(), desk.clock.now))
    assert len(desk.events()) == rules.MOST_EVENTS
    assert desk.events()[-1].startswith("i1:resolved"), "its end is not left out"


def test_memory_is_bounded_and_the_oldest_ends_go_first() -> None:
    desk = Desk()
    for number in range(rules.MOST_ENTRIES + 100):
        desk.clock.now += 1.0
        document = incident(f"i{number}", desk.clock.now)
        desk.commit(document)
        desk.commit(over(document, desk.clock.now))
    names = {name for name in desk.stored if name}
    assert len(names) == rules.MOST_ENTRIES
    assert "i0" not in names
    assert f"i{rules.MOST_ENTRIES + 99}" in names
    desk.clock.now += rules.REMEMBERED_SECONDS + 10.0
    desk.commit()
    assert set(desk.stored) <= {""}


def test_clocks_that_are_ahead_make_no_alert_that_alertmanager_refuses() -> None:
    """It refuses what ends before it starts, and takes what ends in the future as firing."""
    desk = Desk()
    ahead = incident(at=START + 3600.0)
    desk.commit(ahead)
    desk.take()
    desk.commit(over(ahead, START + 7200.0))
    sent = alert(desk.postings()[0], desk.clock.now, 60.0, LINKS)
    assert (sent["startsAt"], sent["endsAt"]) == (rfc3339(START), rfc3339(START))


def test_a_megabyte_of_text_is_cut_everywhere() -> None:
    flood = incident()
    flood["verdict"] |= {"summary": "x" * 1_000_000, "because": ["y" * 1_000_000] * 1000, "steps": ["z" * 1_000_000]}
    flood["first"]["host"] = "h" * 1_000_000
    desk = Desk(AM, HOOK)
    desk.commit(flood)
    (posting,) = desk.postings()
    assert len(orjson.dumps(alert(posting, START, 60.0, LINKS))) < 10_000
    assert posting.notice.document["verdict"]["summary"] == "x" * 1_000_000
    event = posting.notice.entry.events[0]
    assert len(payload(posting.notice, event, "slack", LINKS)) < 4_000
    assert len(payload(posting.notice, event, "json", LINKS)) < 500_000


def test_no_text_of_a_log_becomes_a_mention_a_link_or_a_broken_body() -> None:
    document = incident()
    document["verdict"]["summary"] = "<!channel> <https://evil.example|here> & \x1b[31m\x00 \ud800"
    desk = Desk(HOOK)
    desk.commit(document)
    (posting,) = desk.postings()
    text = orjson.loads(payload(posting.notice, Event("opened", 1, START), "slack", LINKS))["text"]
    assert "&lt;!channel&gt; &lt;https://evil.example|here&gt; &amp;  [31m  ?" in text
    assert text.endswith("<https://handspike.example/#i1|i1>")
    assert text.count("<") == 1


def test_the_description_says_how_sure_why_what_to_do_and_what_to_leave_alone() -> None:
    assert wording.description(incident()).split("\n") == [
        "Fix at lb (97% sure).",
        f"First: lb (hop lb) at {rfc3339(START - 5.0)}, in the same moment as edge. Broken leg: client -> lb.",
        "- lb says so",
        "1. renew it",
        "Leave alone: ingress.",
    ]


def test_the_signature_is_that_of_the_standard_webhooks_scheme() -> None:
    """Key, id, time, body and signature of the example in that scheme's reference libraries' tests."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    headers = signing.headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330.9, body)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert signing.is_genuine(secret, headers, body, 1_614_265_400.0)
    assert not signing.is_genuine(secret, headers, body + b" ", 1_614_265_400.0)
    assert not signing.is_genuine(secret, headers | {"webhook-id": "other"}, body, 1_614_265_400.0)
    assert not signing.is_genuine(secret, headers, body, 1_614_265_330.0 + 301.0), "a replay"
    assert not signing.is_genuine("another", headers, body, 1_614_265_400.0)
    assert "webhook-signature" not in signing.headers(None, "x", 0.0, b"")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(sorted(incident())), JSON),
    st.dictionaries(st.sampled_from(sorted(incident()["verdict"])), JSON),
    st.dictionaries(st.sampled_from(sorted(incident()["first"])), JSON),
)
@settings(max_examples=100, deadline=None)
def test_whatever_an_incident_holds_an_alert_can_be_made_of_it(more: Any, verdict: Any, first: Any) -> None:
    """Fields of another version, or of a damaged row, keep nobody from being told."""
    document = incident()
    document["verdict"] |= verdict
    document["first"] |= first
    document |= {name: value for name, value in more.items() if name != "id"}
    labels = wording.labels(document)
    assert all(value and len(value) <= wording.LONGEST_LABEL for value in labels.values())
    told = wording.annotations(document, LINKS)
    assert all(value and len(value) <= wording.LONGEST_TEXT for value in told.values())
    orjson.dumps([labels, told, wording.bounded(document)])
    assert len(wording.chat(document, "opened", "critical", LINKS)) < 4_000
