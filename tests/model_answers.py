"""What the scripted language model says when it behaves.

It knows the kinds of calls of this project, and answers any other JSON Schema too.
"""

from __future__ import annotations

import json
import re
from typing import Any


class About:
    """What a request is about, read from its schema's name and its prompt's delimiters."""

    def __init__(self, request: dict[str, Any], prompt: str) -> None:
        wanted = request.get("response_format", {}).get("json_schema") or _shown_schema(prompt)
        self.kind = str(wanted.get("name", ""))
        self.schema: dict[str, Any] = wanted.get("schema", {})
        self.prompt = prompt
        self.streamed = bool(request.get("stream"))
        self.wants_usage = bool((request.get("stream_options") or {}).get("include_usage"))
        self.title = self._between("concept")
        self.goal = self._between("goal")
        self.outline = self._between("outline")
        self.feedback = self._between("feedback")
        self.subject = " ".join((self._between("topic") or self.goal or "Topic").split())[:60]

    def _between(self, tag: str) -> str:
        found = re.search(rf"<{tag}>\n(.*?)\n</{tag}>", self.prompt, re.DOTALL)
        return found[1].strip() if found else ""


def _shown_schema(prompt: str) -> dict[str, Any]:
    """Return the schema that a prompt shows, for requests that do not carry one."""
    found = re.search(r'<schema name="(\w+)">\n(.*?)\n</schema>', prompt, re.DOTALL)
    return {"name": found[1], "schema": json.loads(found[2])} if found else {}


def good_answer(about: About, *, stages: int, modules: int, concepts: int) -> Any:
    """Return an answer that fits; a curriculum gets the sizes given."""
    if about.kind == "curriculum_design":
        return _curriculum(about, stages, modules, concepts)
    known = _KNOWN.get(about.kind)
    return known(about) if known else _generic(about.schema, about.kind)


def _curriculum(about: About, stages: int, modules: int, concepts: int) -> dict[str, Any]:
    parts = []
    for s in range(1, stages + 1):
        groups = []
        for m in range(1, modules + 1):
            titles = [f"{about.subject} {s}.{m}.{c}" for c in range(1, concepts + 1)]
            members = [
                {
                    "title": title,
                    "description": f"What {title} is about.",
                    "estimated_hours": 2,
                    "difficulty": ("beginner", "intermediate", "advanced")[min(2, s - 1)],
                    "prerequisites": titles[:n][-1:],
                }
                for n, title in enumerate(titles)
            ]
            groups.append({"title": f"Module {s}.{m}", "concepts": members})
        parts.append({"title": f"Stage {s}", "modules": groups})
    summary = f"A roadmap for {about.subject}."
    return {"title": f"Roadmap: {about.subject}", "summary": summary, "stages": parts}


def _intent(about: About) -> dict[str, Any]:
    topic = about.goal.removeprefix("Learn ").strip()[:100] or "Topic"
    return {
        "topic": topic,
        "summary": f"You will know {topic}.",
        "language": "en",
        "focus_areas": ["Basics", "Practice"],
        "skills": ["Use it"],
        "skill_gaps": ["Terms"],
        "constraints": [],
    }


def _plan(about: About) -> dict[str, Any]:
    wish = about.feedback[:150] or "Improve it"
    intent = {"action": "add", "target": f"Wish: {wish}"[:200], "instruction": wish}
    return {"summary": wish, "intents": [intent]}


def _edit(about: About) -> dict[str, Any]:
    modules = re.findall(r"^\s*(M\d+) ", about.outline, re.MULTILINE)
    first = " ".join(about.feedback.split())[:80] or "Addition"
    operation: dict[str, Any] = {
        "op": "add",
        "concept": None,
        "module": modules[-1] if modules else "M1",
        "title": f"Wish: {first}",
        "description": f"Added because of: {first}",
        "estimated_hours": 1,
        "difficulty": "beginner",
        "prerequisites": [],
    }
    return {"summary": f"Added: {first}", "operations": [operation]}


def _tutorial(about: About) -> dict[str, Any]:
    text = f"# {about.title}\n\nWhat it is.\n\n## Try it\n\n1. Do it.\n2. Look at it.\n"
    return {"markdown": text}


def _resources(about: About) -> dict[str, Any]:
    rows = [
        {
            "title": f"{about.title}, source {n}",
            "url": f"https://example.org/{n}",
            "type": "article",
            "language": "en",
            "why": "It explains it.",
        }
        for n in range(1, 4)
    ]
    return {"resources": rows}


def _quiz(about: About) -> dict[str, Any]:
    rows = [
        {
            "question": f"What is {about.title}? ({n})",
            "kind": "single",
            "answers": ["The right answer"],
            "distractors": ["A wrong answer", "Another wrong answer"],
            "explanation": "Because.",
        }
        for n in range(1, 6)
    ]
    return {"questions": rows}


_KNOWN = {
    "intent_analysis": _intent,
    "structure_validation": lambda _about: {"issues": []},
    "edit_plan_analysis": _plan,
    "roadmap_edit": _edit,
    "tutorial": _tutorial,
    "resources": _resources,
    "quiz": _quiz,
}


def _generic(schema: dict[str, Any], name: str) -> Any:
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "anyOf" in schema:
        return _generic(schema["anyOf"][0], name)
    if schema.get("type") == "object":
        return {key: _generic(part, key) for key, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        count = max(1, schema.get("minItems", 1))
        return [_generic(schema.get("items", {}), f"{name} {n}") for n in range(1, count + 1)]
    least = schema.get("minimum", 1)
    plain = {"integer": least, "number": least, "boolean": True, "null": None}
    return plain.get(str(schema.get("type")), f"Some {name}")
