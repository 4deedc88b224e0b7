"""`python -m bench.quality`: designs roadmaps for twenty goals and scores their structure.

It asks whoever the settings name (LLM_PROVIDER and the rest); without any it runs on the sample
author. The JSON file it writes holds the prompts' versions, so that two runs can be compared:
`--against before.json` shows the differences.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path
from typing import Any, Final

from bench.quality.scores import NAMES, scores
from core.choices import Provider
from core.errors import AppError
from core.prices import priced
from core.settings import Settings, get_settings
from core.usage import Usage
from llm import Author, Call, create_author
from llm.prices import price_of
from roadmaps.checks import check_structure
from roadmaps.inputs import CallKind, DesignInputs, IntentInputs, Learner
from roadmaps.kinds import KINDS
from roadmaps.outline import from_draft
from roadmaps.outputs import CurriculumDraft, IntentAnalysis
from roadmaps.prompts import RoadmapPrompt, text_of, version_of

GOALS: Final = Path(__file__).with_name("goals.json")
AT_A_TIME: Final = 8


async def design(author: Author, wish: dict[str, Any]) -> dict[str, Any]:
    """Return one goal's scores, size and cost, or why there is no roadmap."""
    began, usage = time.perf_counter(), Usage()
    learner = Learner.model_validate(wish)
    row: dict[str, Any] = {"goal": wish["goal"], "language": wish["language"]}
    try:
        asked = Call(
            prompt=RoadmapPrompt(CallKind.INTENT_ANALYSIS, IntentInputs(learner=learner)),
            output=IntentAnalysis,
        )
        understood = await author.complete(asked)
        usage += understood.usage
        intent = understood.value
        inputs = DesignInputs(
            learner=learner,
            topic=intent.topic,
            summary=intent.summary,
            language=wish["language"],
            focus_areas=tuple(intent.focus_areas),
            skill_gaps=tuple(intent.skill_gaps),
            skills=tuple(intent.skills),
            constraints=tuple(intent.constraints),
        )
        designed = await author.complete(
            Call(prompt=RoadmapPrompt(CallKind.CURRICULUM_DESIGN, inputs), output=CurriculumDraft)
        )
        usage += designed.usage
    except AppError as error:
        return row | {"error": error.code}
    outline = from_draft(designed.value)
    hours_per_week = learner.hours_per_week
    cost = priced(usage, price_of(get_settings())).cost
    return row | {
        "title": outline.title,
        "concepts": sum(1 for _ in outline.concepts()),
        "hours": sum(concept.estimated_hours for concept in outline.concepts()),
        "issues": len(check_structure(outline, hours_per_week=hours_per_week)),
        "scores": scores(outline, intent, language=wish["language"], hours_per_week=hours_per_week),
        "tokens": usage.tokens,
        "cost": None if cost is None else float(cost),
        "seconds": round(time.perf_counter() - began, 2),
    }


async def run(settings: Settings, wishes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the report on all goals."""
    author, slots = create_author(settings), asyncio.Semaphore(AT_A_TIME)

    async def one(wish: dict[str, Any]) -> dict[str, Any]:
        async with slots:
            return await design(author, wish)

    try:
        rows = await asyncio.gather(*(one(wish) for wish in wishes))
    finally:
        await author.aclose()
    good = [row for row in rows if "scores" in row]
    sample = settings.llm_provider is Provider.SAMPLE
    return {
        "provider": str(settings.llm_provider),
        "model": None if sample else settings.llm_model,
        "prompts": {str(kind): version_of(text_of(kind)) for kind in (*CallKind, *KINDS)},
        "failed": len(rows) - len(good),
        "scores": {
            name: round(statistics.fmean(row["scores"][name] for row in good), 3) if good else None
            for name in NAMES
        },
        "tokens": sum(row["tokens"] for row in good),
        "goals": rows,
    }


def table(report: dict[str, Any], before: dict[str, Any] | None = None) -> list[str]:
    """Return the report as lines: a row for each goal, then the means, then what changed."""
    head = f"{'goal':36} {'concepts':>8} {'hours':>6} {'issues':>6}  " + " ".join(
        f"{name:>9}" for name in NAMES
    )
    lines = [head]
    for row in report["goals"]:
        goal = row["goal"][:35]
        if "error" in row:
            lines.append(f"{goal:36} {row['error']}")
            continue
        marks = " ".join(f"{row['scores'][name]:9.2f}" for name in NAMES)
        sizes = f"{row['concepts']:8} {row['hours']:6.0f} {row['issues']:6}"
        lines.append(f"{goal:36} {sizes}  {marks}")
    lines.append(_means("mean", report["scores"]))
    if before is not None:
        lines.append(_means("before", before["scores"]))
        changed = [
            kind
            for kind, version in report["prompts"].items()
            if before["prompts"].get(kind) != version
        ]
        lines.append(f"changed prompts: {', '.join(changed) or 'none'}")
    return lines


def _means(name: str, means: dict[str, float | None]) -> str:
    marks = " ".join("        -" if m is None else f"{m:9.3f}" for m in map(means.get, NAMES))
    return f"{name:36} {'':22}  {marks}"


def main() -> int:
    """Run, print, write; 1 when no goal became a roadmap."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--goals", type=int, default=20, help="how many of the goals")
    parser.add_argument("--out", type=Path, help="write the report here as JSON")
    parser.add_argument("--against", type=Path, help="an earlier report to compare with")
    options = parser.parse_args()
    wishes = json.loads(GOALS.read_text(encoding="utf-8"))[: options.goals]
    before = json.loads(options.against.read_text()) if options.against else None
    report = asyncio.run(run(get_settings(), wishes))
    print("\n".join(table(report, before)))
    if options.out:
        options.out.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    return 1 if report["failed"] == len(wishes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
