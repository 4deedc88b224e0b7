"""A roadmap's structure as a value: stages, modules, concepts, in order, with ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from core.errors import AppError
from core.ids import new_id
from roadmaps.outputs import Difficulty
from workflow import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roadmaps.outputs import ConceptDraft, CurriculumDraft


_NOTHING: Final = frozenset(
    {
        "",
        "-",
        "\u2013",
        "\u2014",
        "none",
        "none required",
        "no prerequisites",
        "nothing",
        "null",
        "n/a",
        "na",
    }
    | {"keine", "keine voraussetzungen", "nichts", "aucun", "aucune", "aucun prérequis", "ninguno"}
    | {"ninguna", "nenhum", "nenhuma", "nessuno", "nessuna", "geen", "brak", "yok", "tidak ada"}
    | {
        "нет",
        "отсутствуют",
        "无",
        "無",
        "没有",
        "无前置要求",
        "なし",
        "없음",
        "لا يوجد",
        "لا توجد",
        "لا شيء",
    }
)
"""What models write where a concept requires nothing, in place of an empty list."""


class StructureInvalidError(AppError):
    """No usable structure came out of the design: it has no concept to write about."""

    code = "structure_invalid"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ConceptNode(_Part):
    """One thing to learn. `prerequisites` are ids, or titles that name no concept (an issue)."""

    concept_id: str
    title: str
    description: str
    estimated_hours: float
    difficulty: Difficulty
    prerequisites: tuple[str, ...] = ()


class ModuleNode(_Part):
    """A group of concepts."""

    module_id: str
    title: str
    concepts: tuple[ConceptNode, ...]


class StageNode(_Part):
    """A part of the way."""

    stage_id: str
    title: str
    modules: tuple[ModuleNode, ...]


class Outline(_Part):
    """The whole structure of one version."""

    title: str
    summary: str
    stages: tuple[StageNode, ...]

    def modules(self) -> Iterator[ModuleNode]:
        """Return the modules in reading order."""
        for stage in self.stages:
            yield from stage.modules

    def concepts(self) -> Iterator[ConceptNode]:
        """Return the concepts in reading order."""
        for module in self.modules():
            yield from module.concepts

    def concept_ids(self) -> set[str]:
        """Return the ids of all concepts."""
        return {concept.concept_id for concept in self.concepts()}

    def module_of(self, concept_id: str) -> ModuleNode:
        """Return the module that holds a concept."""
        for module in self.modules():
            if any(concept.concept_id == concept_id for concept in module.concepts):
                return module
        raise KeyError(concept_id)


class Keys:
    """Short names for parts (S1, M2, C3), for texts that a model reads and refers to."""

    def __init__(self, outline: Outline, *, shown: Keys | None = None) -> None:
        """Number the parts in reading order.

        Args:
            outline: The structure whose parts are referred to.
            shown: The keys that were shown before the structure was changed: what is left of it
                keeps them, and what is new goes by its id and title.
        """
        numbers = {} if shown is None else shown.of_concept
        self.concept = {
            f"C{n}" if shown is None else numbers.get(c.concept_id, c.concept_id): c
            for n, c in enumerate(outline.concepts(), 1)
        }
        self.module = {f"M{n}": m for n, m in enumerate(outline.modules(), 1)}
        self.of_concept: dict[str, str] = {c.concept_id: key for key, c in self.concept.items()}

    def concept_id(self, reference: str | None) -> str | None:
        """Return the concept that a key, an id or a title names, or None."""
        if reference is None:
            return None
        wanted = reference.strip()
        by_key = self.concept.get(wanted.upper())
        if by_key is not None:
            return by_key.concept_id
        for concept in self.concept.values():
            if wanted == concept.concept_id or wanted.casefold() == concept.title.casefold():
                return concept.concept_id
        return None

    def module_id(self, reference: str | None) -> str | None:
        """Return the module that a key or a title names, or None."""
        if reference is None:
            return None
        wanted = reference.strip()
        by_key = self.module.get(wanted.upper())
        if by_key is not None:
            return by_key.module_id
        for module in self.module.values():
            if wanted.casefold() == module.title.casefold():
                return module.module_id
        return None


def as_text(outline: Outline) -> str:
    """Return the outline for a model's eyes: one line per part, with keys, two spaces a level."""
    keys = Keys(outline)
    lines: list[str] = []
    modules = concepts = 0
    for number, stage in enumerate(outline.stages, 1):
        lines.append(f"S{number} {stage.title}")
        for module in stage.modules:
            modules += 1
            lines.append(f"  M{modules} {module.title}")
            for concept in module.concepts:
                concepts += 1
                after = ", ".join(keys.of_concept.get(p, p) for p in concept.prerequisites)
                lines.append(
                    f"    C{concepts} {concept.title}"
                    f" ({concept.estimated_hours:.1f} h, {concept.difficulty})"
                    + (f" after: {after}" if after else "")
                )
    return "\n".join(lines)


def cut_off(draft: CurriculumDraft, *, most: int) -> CurriculumDraft:
    """Return a model's draft with its first concepts only, and the parts that hold them.

    A model that runs on would have thousands of contents written, and paid for.
    """
    left = most
    stages = []
    for stage in draft.stages:
        modules = []
        for module in stage.modules:
            kept = module.concepts[:left]
            left -= len(kept)
            if kept:
                modules.append(module.model_copy(update={"concepts": kept}))
        if modules:
            stages.append(stage.model_copy(update={"modules": modules}))
    return draft.model_copy(update={"stages": stages})


def from_draft(draft: CurriculumDraft) -> Outline:
    """Give ids to a model's draft; prerequisites become ids where a title names a concept.

    What needs no model to be mended is mended: a second concept of the same name gets a number,
    none requires itself, and who requires "none" requires nothing.
    """
    ids: dict[str, str] = {}
    for stage in draft.stages:
        for module in stage.modules:
            for concept in module.concepts:
                ids.setdefault(concept.title.strip().casefold(), str(new_id()))
    names: set[str] = set()
    taken: set[str] = set()

    def node(concept: ConceptDraft) -> ConceptNode:
        title = _distinct(concept.title.strip() or "Untitled", names)
        names.add(title.casefold())
        own = ids[concept.title.strip().casefold()]
        if own in taken:  # who requires a name that stands twice means the first of them
            own = str(new_id())
        taken.add(own)
        named = [p.strip() for p in concept.prerequisites if p.strip()]
        named = [p for p in named if p.casefold() in ids or _plain(p) not in _NOTHING]
        wanted = dict.fromkeys(ids.get(p.casefold(), p) for p in named)
        return ConceptNode(
            concept_id=own,
            title=title,
            description=concept.description.strip(),
            estimated_hours=concept.estimated_hours,
            difficulty=concept.difficulty,
            prerequisites=tuple(p for p in wanted if p != own),
        )

    return Outline(
        title=draft.title.strip() or "Roadmap",
        summary=draft.summary.strip(),
        stages=tuple(
            StageNode(
                stage_id=str(new_id()),
                title=stage.title,
                modules=tuple(
                    ModuleNode(
                        module_id=str(new_id()),
                        title=module.title,
                        concepts=tuple(node(concept) for concept in module.concepts),
                    )
                    for module in stage.modules
                ),
            )
            for stage in draft.stages
        ),
    )


def _plain(text: str) -> str:
    """Return a word without the signs around it."""
    return text.strip(" .\u3002()[]<>*_\"'").casefold()


def _distinct(title: str, names: set[str]) -> str:
    """Return a title that no other concept has, with a number behind it if need be."""
    number = 2
    shown = title
    while shown.casefold() in names:
        shown = f"{title} ({number})"
        number += 1
    return shown


def size_of(outline: Outline) -> str:
    """Return an outline's size in words."""
    stages = len(outline.stages)
    modules = sum(1 for _ in outline.modules())
    concepts = sum(1 for _ in outline.concepts())
    return (
        f"{counted(stages, 'stage')}, {counted(modules, 'module')}, {counted(concepts, 'concept')}"
    )
