"""What the bench writes down: figures that other programs read, and the page made of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from bench import jobs, results
from bench.field import CONTESTANTS
from bench.picture import picture
from bench.report import page

if TYPE_CHECKING:
    from pathlib import Path


def figures(speed: float) -> dict[str, float]:
    """Return a contestant's figures in one round."""
    return {
        "jobs_s": speed,
        "cpu_ms": 100 / speed,
        "pg_cpu_ms": 3.0,
        "redis_cpu_ms": 0.2,
        "mb": 90.0,
        "connections": 10,
    }


ROUNDS = {
    "roadmap-worker, wire": [figures(12), figures(10), figures(11)],
    "taskiq, ORM commits, wire": [figures(4), figures(5), figures(5)],
}


def test_ratios_are_of_the_same_round() -> None:
    """Whatever else the machine did in a round met both; the table tells least, median, most."""
    assert jobs.medians(ROUNDS)["roadmap-worker, wire"]["jobs_s"] == 11
    found = jobs.ratios(ROUNDS)
    assert found.keys() == {"taskiq, ORM commits, wire"}
    assert found["taskiq, ORM commits, wire"]["jobs_s"] == {"min": 2.0, "median": 2.2, "max": 3.0}


def test_a_part_of_a_run_keeps_the_rest(tmp_path: Path) -> None:
    """`python -m bench wire` replaces what it measured and nothing else."""
    file = tmp_path / "results.json"
    results.write({"contestants": {"a, sleep": figures(1)}, "growth": [{"contents": 30}]}, file)
    results.write({"contestants": {"a, wire": figures(2)}}, file)

    found = json.loads(file.read_text())
    assert found["contestants"].keys() == {"a, sleep", "a, wire"}
    assert found["growth"] == [{"contents": 30}]
    assert (found["viewers"], found["latency"]) == ({}, {})


def test_who_failed_keeps_no_figures_of_another_run(tmp_path: Path) -> None:
    """A contestant that did not do its jobs this time is left out, with its ratios."""
    file = tmp_path / "results.json"
    ratio: dict[str, dict[str, float]] = {"jobs_s": {}, "cpu_ms": {}}
    both = {"a, wire": figures(1), "b, wire": figures(2), "b, sleep": figures(3)}
    results.write({"contestants": both, "ratios": {"b, wire": ratio, "b, sleep": ratio}}, file)
    results.write({"contestants": {"a, wire": figures(4)}, "ratios": {}}, file)

    found = json.loads(file.read_text())
    assert found["contestants"] == {"a, wire": figures(4), "b, sleep": figures(3)}
    assert found["ratios"].keys() == {"b, sleep"}


def test_the_page_shows_every_contestant_and_its_ratios() -> None:
    """Also in the picture, which is well-formed XML."""
    contestants = jobs.medians(ROUNDS)
    found = results.EMPTY | {"contestants": contestants, "ratios": jobs.ratios(ROUNDS)}

    shown = page(found)
    drawn = picture(contestants)

    assert "| **roadmap-worker** | 11.0 |" in shown
    assert "2.00 · 2.20 · 3.00" in shown
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own
    assert "taskiq, ORM commits" in drawn


def test_names_are_as_other_programs_expect() -> None:
    """Ours has three modes; every other contestant is measured without a model's server, too."""
    ours, *others = CONTESTANTS
    assert (ours.name, ours.modes) == ("roadmap-worker", ("sleep", "sample", "wire"))
    assert all("sleep" in other.modes and "sample" not in other.modes for other in others)
