"""The scores of a structure, and the run over the goals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.quality.__main__ import GOALS, run, table
from bench.quality.scores import NAMES, distinct, hours, in_language, order, rising, scores
from core.settings import Settings, get_settings
from roadmaps.inputs import CallKind
from roadmaps.kinds import KINDS
from roadmaps.outputs import IntentAnalysis
from tests.factories import outline

if TYPE_CHECKING:
    from roadmaps.outline import Outline


def intent(*areas: str) -> IntentAnalysis:
    """Return what a learner of kites wants."""
    return IntentAnalysis(
        topic="Kites",
        summary="Fly.",
        language="en",
        focus_areas=list(areas),
        skills=[],
        skill_gaps=[],
        constraints=[],
    )


def scored(of: Outline, *areas: str) -> dict[str, float]:
    """Return the scores of a structure."""
    return scores(of, intent(*areas), language="en", hours_per_week=5)


def test_a_good_structure_scores_full() -> None:
    """What covers its goal in order, without doubles, gets 1 everywhere."""
    good = outline(
        ["Choosing wind for kites", "Launching kites"],
        ["Steering kites", "Landing kites"],
        prerequisites={"Steering kites": ["Launching kites"]},
    )
    text = good.model_dump_json().replace("About ", "You learn, step by step and outside, about ")
    better = type(good).model_validate_json(text)
    assert scored(better, "Wind", "Landing") == dict.fromkeys(NAMES, 1.0)


def test_each_flaw_is_seen() -> None:
    """Missing areas, wrong order, doubles, too many hours and falling levels lower their score."""
    concepts = list(outline(["A one", "B two"], prerequisites={"A one": ["B two"]}).concepts())
    assert order(concepts) == 0
    assert distinct(["Knots and lines", "Lines and knots", "Wind"]) == pytest.approx(2 / 3)
    assert hours(concepts, 5) == 1
    assert hours(list(outline(["A", "B"], hours=200).concepts()), 2) == 0
    assert scored(outline(["Wind"]), "Wind", "Repair")["coverage"] == 0.5
    falling = [c.model_copy(update={"difficulty": "advanced"}) for c in concepts[:1]] + concepts
    assert rising(falling) == 0.5
    assert in_language(["学打羽毛球", "Badminton"], "zh-CN") == 0.5


async def test_the_goals_run_on_the_sample_author(settings_env: pytest.MonkeyPatch) -> None:
    """Twenty goals in several languages become roadmaps with scores, and a table of them."""
    wishes = json.loads(GOALS.read_text(encoding="utf-8"))
    assert len(wishes) == 20
    assert len({wish["language"] for wish in wishes}) >= 4
    assert {wish["level"] for wish in wishes} == {"beginner", "intermediate", "advanced"}
    report = await run(get_settings(), wishes)
    assert report["failed"] == 0
    assert report["scores"]["order"] == report["scores"]["distinct"] == 1
    assert report["prompts"].keys() == {*CallKind, *KINDS}
    lines = table(report, report)
    assert len(lines) == 1 + 20 + 3
    assert lines[-1] == "changed prompts: none"


async def test_a_goal_that_fails_is_a_row(settings_env: pytest.MonkeyPatch) -> None:
    """A provider that is not there fails the goals, not the run."""
    settings = Settings.model_validate(
        {"llm_provider": "openai", "llm_base_url": "http://127.0.0.1:1/v1", "llm_api_key": "ü"}
    )
    report = await run(settings, [{"goal": "Learn Rust", "language": "en"}])
    assert report["failed"] == 1
    assert report["goals"][0]["error"] == "provider_unauthorized"
    assert "provider_unauthorized" in "\n".join(table(report))
