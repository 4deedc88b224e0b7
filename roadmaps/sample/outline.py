"""Reads the outline that editing calls show: one line per part, two spaces per level."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from roadmaps.outputs import Difficulty

_GROUP: Final = re.compile(r"^\s*(?P<key>[SM]\d+)\s+(?P<title>.*)$")
_CONCEPT: Final = re.compile(
    r"^\s*(?P<key>C\d+)\s+(?P<title>.*?)\s+\((?P<hours>\d+(?:\.\d+)?) h, "
    r"(?P<difficulty>beginner|intermediate|advanced)\)(?:\s+after: (?P<after>.*))?$"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlineConcept:
    """One concept's line; `after` holds keys and, where there is no such concept, raw titles."""

    key: str
    title: str
    hours: float
    difficulty: Difficulty
    after: tuple[str, ...]
    module: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlineModule:
    """One module's line and the stage it stands in."""

    key: str
    title: str
    stage: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """The whole outline, in order."""

    stages: dict[str, str] = field(default_factory=dict)
    modules: dict[str, OutlineModule] = field(default_factory=dict)
    concepts: dict[str, OutlineConcept] = field(default_factory=dict)

    def in_module(self, key: str) -> list[OutlineConcept]:
        """Return a module's concepts."""
        return [c for c in self.concepts.values() if c.module == key]

    def in_stage(self, key: str) -> list[OutlineConcept]:
        """Return a stage's concepts."""
        return [c for c in self.concepts.values() if self.modules[c.module].stage == key]


def read_outline(text: str) -> Outline:
    """Parse an outline; lines that are no part of one are passed over."""
    outline = Outline()
    stage = module = ""
    for line in text.splitlines():
        if concept := _CONCEPT.match(line):
            if module:
                key = concept["key"]
                outline.concepts[key] = _concept(concept, module)
        elif group := _GROUP.match(line):
            key, title = group["key"], group["title"].strip()
            if key.startswith("S"):
                stage = key
                outline.stages[key] = title
            else:
                module = key
                outline.modules[key] = OutlineModule(key=key, title=title, stage=stage)
    by_title = {c.title.casefold(): c.key for c in reversed(outline.concepts.values())}
    for key, concept_line in outline.concepts.items():
        after = tuple(by_title.get(name.casefold(), name) for name in concept_line.after)
        outline.concepts[key] = replace(concept_line, after=after)
    return outline


def _concept(found: re.Match[str], module: str) -> OutlineConcept:
    names = (part.strip() for part in (found["after"] or "").split(","))
    return OutlineConcept(
        key=found["key"],
        title=found["title"],
        hours=float(found["hours"]),
        difficulty=cast("Difficulty", found["difficulty"]),
        after=tuple(name for name in names if name),
        module=module,
    )
