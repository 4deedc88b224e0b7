"""What the model of the bench says: for everybody the same, of the size that such texts have."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, Final

CONCEPTS: Final = 15
KINDS: Final = ("tutorial", "resources", "quiz")
_SIZED: Final = re.compile(r"of (\d+) concepts")
_MOST_IN_MODULE: Final = 5
_MOST_IN_STAGE: Final = 5


@cache
def answer(kind: str, *, concepts: int = CONCEPTS) -> str:
    """Return what is said to a kind of call, as JSON.

    Args:
        kind: By the name of its schema; any other than ours gets 300 letters.
        concepts: How many concepts a curriculum has.
    """
    if kind == "curriculum_design":
        return json.dumps(_curriculum(concepts))
    return json.dumps(_SAID.get(kind, {"text": "x" * 300}))


def concepts_in(text: str) -> int:
    """Return how large a roadmap a prompt asks for: goals say `of 300 concepts`."""
    found = _SIZED.search(text)
    return int(found[1]) if found else CONCEPTS


def kind_of_call(number: int) -> str:
    """Return the kind of a job's call: three steps come first, then three contents a concept."""
    return "step" if number < len(KINDS) else KINDS[number % len(KINDS)]


def _curriculum(concepts: int) -> dict[str, Any]:
    titles = [f"Knot number {number}" for number in range(1, concepts + 1)]
    members = [
        {
            "title": title,
            "description": f"How {title} is tied, and what it is good for.",
            "estimated_hours": 0.5,
            "difficulty": "beginner",
            "prerequisites": [titles[number - 1]] if number % _MOST_IN_MODULE else [],
        }
        for number, title in enumerate(titles)
    ]
    modules = [
        {"title": f"Module {at + 1}", "concepts": members[at : at + _MOST_IN_MODULE]}
        for at in range(0, len(members), _MOST_IN_MODULE)
    ]
    stages = [
        {"title": f"Stage {at + 1}", "modules": modules[at : at + _MOST_IN_STAGE]}
        for at in range(0, len(modules), _MOST_IN_STAGE)
    ]
    return {"title": "Carpets", "summary": "You can knot a carpet.", "stages": stages}


_INTENT: Final[dict[str, Any]] = {
    "topic": "Knotting carpets",
    "summary": "You will knot a small carpet of your own.",
    "language": "en",
    "focus_areas": ["Looms", "Knots", "Patterns"],
    "skills": ["Warp a loom", "Tie a knot", "Read a pattern"],
    "skill_gaps": ["Terms", "Tension"],
    "constraints": [],
}
_PARAGRAPH: Final = (
    "A knot holds because the *pile* presses on the `weft`, and the weft on the warp. "
) * 5
_TUTORIAL: Final = "# A knot\n\n" + "\n\n".join(
    f"## Part {number}\n\n{_PARAGRAPH}\n\n1. Tie it.\n2. Look at it.\n" for number in range(1, 8)
)
_RESOURCES: Final = [
    {
        "title": f"Knots, part {number}",
        "url": f"https://carpets.example/{number}",
        "type": "article",
        "language": "en",
        "why": "It shows each move in a picture of its own.",
    }
    for number in range(1, 6)
]
_QUIZ: Final = [
    {
        "question": f"What holds a knot of kind {number} in its place?",
        "kind": "single",
        "answers": ["The pressure of the pile on the weft"],
        "distractors": ["Glue", "The colour of the wool", "Nothing does"],
        "explanation": "Without that pressure the knot opens as soon as somebody steps on it.",
    }
    for number in range(1, 7)
]
_SAID: Final[dict[str, dict[str, Any]]] = {
    "intent_analysis": _INTENT,
    "structure_validation": {"issues": []},
    "tutorial": {"markdown": _TUTORIAL},
    "resources": {"resources": _RESOURCES},
    "quiz": {"questions": _QUIZ},
}
