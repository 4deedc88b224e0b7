"""Alerts, dashboard and runbook speak of metrics that exist, and of each other."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client import Gauge

from core.settings import Settings
from docs.generate import all_metrics, metrics_list
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
_NAME = re.compile(r"\b(?:roadmap|db_engine)_\w+")


def _exposed() -> set[str]:
    """Return every name that a scrape may show."""
    names: set[str] = set()
    for name, kind in re.findall(r"^\| `(\w+)` \| (\w+) \|", metrics_list(), re.MULTILINE):
        suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        names |= {name + suffix for suffix in suffixes}
    return names


def _expressions() -> Iterator[tuple[str, str]]:
    for rule in ALERTS:
        yield rule["alert"], rule["expr"]
    for panel in json.loads((DEPLOY / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def test_scaling_asks_for_metrics_that_exist() -> None:
    """KEDA scales the workers' deployment, by the age of the oldest waiting task first."""
    scaled = yaml.safe_load((DEPLOY / "keda.yml").read_text())["spec"]
    queries = [trigger["metadata"]["query"] for trigger in scaled["triggers"]]
    assert queries[0] == "max(roadmap_oldest_waiting_seconds)"
    assert {name for query in queries for name in _NAME.findall(query)} <= _exposed()
    names = {found["metadata"]["name"] for found in _deployments()}
    assert scaled["scaleTargetRef"]["name"] in names


def test_probes_are_what_the_guide_says() -> None:
    """Liveness never asks for what a restart cannot mend; commands are those of Compose."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for deployment in _deployments():
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["args"] == services[container["name"]]["command"]
        assert container["securityContext"]["runAsNonRoot"] is True
        alive = container["livenessProbe"]
        assert "exec" not in alive or "--alive" in alive["exec"]["command"]
        assert "readyz" not in str(alive)
    worker = next(d for d in _deployments() if d["metadata"]["name"] == "roadmap-worker")
    grace = worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= Settings.model_fields["shutdown_grace_s"].default + 20


def _deployments() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yml").read_text()))


def test_only_metrics_that_exist_are_asked_for() -> None:
    """A metric that is renamed in the code is renamed in alerts and dashboard too."""
    exposed = _exposed()
    unknown = {
        (where, name)
        for where, expression in _expressions()
        for name in _NAME.findall(expression)
        if name not in exposed
    }
    assert not unknown


def test_a_gauge_of_many_processes_is_one() -> None:
    """Each gauge says how a prefork worker's children add up; by default each would stay apart."""
    gauges = [metric for metric in all_metrics() if isinstance(metric, Gauge)]
    assert len(gauges) > 10
    assert [gauge._name for gauge in gauges if gauge._multiprocess_mode == "all"] == []


def test_every_alert_has_its_section_in_the_runbook() -> None:
    """Whoever is woken finds what users feel, where to look and what to do."""
    sections = dict(
        part.split("\n", 1) for part in (ROOT / "docs/RUNBOOK.md").read_text().split("\n## ")[1:]
    )
    assert list(sections) == [rule["alert"] for rule in ALERTS]
    for name, text in sections.items():
        assert [word for word in ("**Felt**", "**Look**", "**Do**") if word not in text] == [], name
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "effect"}


def test_every_alert_is_tried() -> None:
    """Each alert has a case in which it fires."""
    cases = yaml.safe_load((DEPLOY / "alerts.test.yml").read_text())["tests"]
    assert {case["name"] for case in cases} == {"a good day", *(r["alert"] for r in ALERTS)}


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_prometheus_agrees(arguments: tuple[str, ...]) -> None:
    """Rules are valid, fire when they should, and stay quiet on a good day."""
    promtool = need_program("promtool", package="prometheus")
    done = subprocess.run(
        [promtool, *arguments], cwd=DEPLOY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
