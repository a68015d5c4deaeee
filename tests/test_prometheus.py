"""What is shipped for Prometheus: rules that promtool proves, pages that exist, and the two servers really run with it."""

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from service.alerts import wording
from service.metrics import render
from tests.service.alert_servers import Receiver, Server, alertmanager, prometheus, wait_for
from tests.service.api_fakes import FakeView
from tests.service.test_alerts_live import fail, firing, pages, service

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "deploy" / "prometheus"
RULES = (SHIPPED / "handspike.rules.yml").read_text()
FROM_PROMETHEUS_ITSELF = {"up"}


def rules() -> list[dict[str, Any]]:
    return [rule for group in YAML(typ="safe").load(RULES)["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


@pytest.mark.server("prometheus")
@pytest.mark.parametrize(
    "arguments",
    [
        ["promtool", "check", "rules", "handspike.rules.yml"],
        ["promtool", "test", "rules", "handspike.rules.test.yml"],
        ["promtool", "check", "config", "prometheus.yml"],
    ],
    ids=" ".join,
)
def test_promtool_is_content(arguments: list[str]) -> None:
    ended = subprocess.run(arguments, cwd=SHIPPED, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.server("alertmanager")
def test_amtool_is_content() -> None:
    command = ["amtool", "check-config", "alertmanager.yml"]
    ended = subprocess.run(command, cwd=SHIPPED, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_alert_has_its_own_name_its_page_and_its_test() -> None:
    """And each page belongs to an alert: the pushed one has a name that no rule has."""
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    assert wording.ALERTNAME not in names
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"]
    written = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")} - {"README"}
    assert written == {*names, wording.ALERTNAME}
    proven = YAML(typ="safe").load((SHIPPED / "handspike.rules.test.yml").read_text())["tests"]
    cases = [case for test in proven for case in test.get("alert_rule_test", ())]
    for name in names:
        outcomes = [bool(case["exp_alerts"]) for case in cases if case["alertname"] == name]
        assert {True, False} <= set(outcomes), f"{name}: fires, and stays silent or resolves"


def test_the_pushed_alerts_page_is_the_one_its_annotation_names() -> None:
    document = {"id": "i1", "first": {}, "verdict": {}}
    url = wording.annotations(document, wording.Links("http://h", "docs/runbooks"))["runbook_url"]
    assert (ROOT / url).is_file()


def test_the_index_of_the_runbooks_names_all_of_them_and_their_links_hold() -> None:
    folder = ROOT / "docs" / "runbooks"
    index = set(re.findall(r"\((\w+\.md)\)", (folder / "README.md").read_text()))
    assert index == {path.name for path in folder.glob("*.md")} - {"README.md"}
    for page in folder.glob("*.md"):
        for link in re.findall(r"\]\(([^):]+)\)", page.read_text()):
            assert (folder / link).exists(), f"{page.name}: {link}"


def test_rules_ask_only_for_metrics_that_handspike_has() -> None:
    page, _ = render(FakeView())
    exposed = set(re.findall(rb"^# TYPE (\S+) ", page, re.MULTILINE))
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        for metric in re.findall(r"(?<![\w:])(?:\w+:)?handspike_\w+(?::\w+)?", rule["expr"]):
            assert metric.encode() in exposed or metric in recorded, f"{metric} in {rule}"


CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}
scrape_configs: [{{job_name: handspike, static_configs: [{{targets: ['{handspike}']}}]}}]
"""


def state(server: Server, name: str) -> str | None:
    """How Alertmanager stands to the alert: active, suppressed, or None."""
    found = server.get(f"/api/v2/alerts?filter=alertname%3D{name}")
    return found[0]["status"]["state"] if found else None


@pytest.mark.server("prometheus", "alertmanager")
@pytest.mark.timeout(240)
def test_push_and_pull_together_page_once_and_pull_goes_on_when_push_is_gone(tmp_path: Path) -> None:
    """Real Prometheus with the shipped rules, real Alertmanager with the shipped inhibition, waits shortened."""
    inhibit = "inhibit_rules:" + (SHIPPED / "alertmanager.yml").read_text().split("inhibit_rules:")[1]
    with Receiver() as pager, alertmanager(tmp_path / "am", pager.url, inhibit) as server:
        handspike = service(tmp_path, server.url)
        handspike.start()
        (tmp_path / "prometheus").mkdir()
        (tmp_path / "prometheus" / "rules.yml").write_text(re.sub(r"for: \d+m", "for: 3s", RULES))
        config = CONFIG.format(alertmanager=server.url[7:], handspike=handspike.url[7:])
        with prometheus(tmp_path / "prometheus", config) as watcher:
            try:
                until = time.monotonic() + 90.0
                while state(server, "HandspikeSpikeActive") is None:
                    assert time.monotonic() < until, "Prometheus never fired"
                    fail(tmp_path, 5)
                assert state(server, "HandspikeSpikeActive") == "suppressed"
                (alert,) = firing(server)
                assert state(server, "TLSHandshakeSpike") == "active"
                first = "instance:handspike_first_spike_onset_timestamp_seconds"
                (value,) = watcher.get(f"/api/v1/query?query={first}")["data"]["result"]
                assert value["metric"]["stream"] == "edge"
                wait_for(lambda: firing(server) == [], "over", 60.0)
                wait_for(lambda: ("resolved", alert["labels"]["incident"]) in pages(pager), "resolved")
                # Once the push is over the inhibition is, too: a rule one scrape behind may be told then, never before.
                until_the_end = pages(pager)[: pages(pager).index(("resolved", alert["labels"]["incident"])) + 1]
                assert [what for what in until_the_end if what[1] != "HandspikeSpikeActive"] == until_the_end
                assert len(until_the_end) == 2, "one page, one end; the rule's alert was never told meanwhile"
                handspike.kill()
                wait_for(lambda: state(server, "HandspikeDown") == "active", "seen to be dead", 60.0)
                handspike.start()
                wait_for(lambda: state(server, "HandspikeDown") is None, "seen to be back", 60.0)
            finally:
                handspike.stop()
