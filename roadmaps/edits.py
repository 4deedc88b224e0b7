"""Applies changes to an outline: a reviewer's all or none, a model's as far as they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.errors import InvalidRequestError
from core.ids import new_id
from core.settings import get_settings
from roadmaps.outline import ConceptNode, Keys, Outline
from roadmaps.requests import AddEdit, Edit, MoveEdit, RemoveEdit, RenameEdit, UpdateEdit

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from roadmaps.outline import ModuleNode
    from roadmaps.outputs import EditOperation


def apply_edits(outline: Outline, edits: Sequence[Edit]) -> Outline:
    """Return the outline with a reviewer's edits applied in order; all or none.

    Raises:
        InvalidRequestError: An edit names something that is not there, or there are no concepts
            left, or too many.
    """
    before = sum(1 for _ in outline.concepts())
    draft = _Draft(outline)
    for number, edit in enumerate(edits, 1):
        try:
            draft.apply(edit)
        except _UnknownPartError as error:
            raise InvalidRequestError(
                f"Edit {number} ({edit.op}): {error} is not in this version of the roadmap."
            ) from None
    outline = without_empty_parts(draft.outline())
    number = sum(1 for _ in outline.concepts())
    if not number:
        raise InvalidRequestError("These edits leave a roadmap without concepts.")
    most = get_settings().max_concepts
    if number > max(most, before):
        raise InvalidRequestError(
            f"These edits make {number} concepts; a roadmap has at most {most}. Leave some out."
        )
    return outline


def apply_operations(
    outline: Outline, operations: Sequence[EditOperation]
) -> tuple[Outline, list[str]]:
    """Return the outline with a model's operations applied, and what could not be applied.

    A model may refer to what is not there; the rest of its edit is still worth having.
    """
    skipped: list[str] = []
    shown = Keys(outline)
    for operation in operations:
        keys = Keys(outline, shown=shown)
        if operation.op == "add" and len(keys.concept) >= get_settings().max_concepts:
            skipped.append(f"add {operation.title}: the roadmap has as many concepts as it may")
            continue
        draft = _Draft(outline)
        try:
            for edit in _as_edits(operation, keys):
                draft.apply(edit)
        except (_UnknownPartError, ValueError) as error:
            skipped.append(f"{operation.op} {operation.concept or operation.title}: {error}")
        outline = draft.outline()
    trimmed = without_empty_parts(outline)
    return (trimmed if trimmed.stages else outline), skipped


def without_empty_parts(outline: Outline) -> Outline:
    """Return the outline without modules that have no concept and stages that have no module."""
    stages = []
    for stage in outline.stages:
        modules = tuple(module for module in stage.modules if module.concepts)
        if modules:
            stages.append(stage.model_copy(update={"modules": modules}))
    return outline.model_copy(update={"stages": tuple(stages)})


class _UnknownPartError(Exception):
    """What an edit refers to is not there."""


def _as_edits(operation: EditOperation, keys: Keys) -> list[Edit]:
    """Translate a model's operation, which speaks of keys, into edits, which speak of ids."""
    concept = keys.concept_id(operation.concept)
    module = _module(operation, keys)
    wanted: list[str] | None = None
    if operation.prerequisites is not None:
        named = [keys.concept_id(p) for p in operation.prerequisites]
        wanted = [p for p in named if p is not None]
    changes: dict[str, Any] = {
        "estimated_hours": operation.estimated_hours,
        "difficulty": operation.difficulty,
        "prerequisites": wanted,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    if operation.op == "add":
        if module is None or not operation.title:
            raise _UnknownPartError("a module and a title to add")
        return [
            AddEdit.model_validate(
                {
                    "op": "add",
                    "module_id": module,
                    "title": operation.title,
                    "description": operation.description or "",
                    **given,
                }
            )
        ]
    if concept is None:
        raise _UnknownPartError(f"concept {operation.concept!r}")
    if operation.op == "remove":
        return [RemoveEdit(op="remove", concept_id=UUID(concept))]
    if operation.op == "move":
        return [
            MoveEdit(
                op="move",
                concept_id=UUID(concept),
                module_id=UUID(module) if module else None,
            )
        ]
    edits: list[Edit] = []
    if operation.title:
        edits.append(RenameEdit(op="rename", concept_id=UUID(concept), title=operation.title))
    if operation.description is not None:
        given["description"] = operation.description
    if given:
        edits.append(UpdateEdit.model_validate({"op": "update", "concept_id": concept, **given}))
    return edits


def _module(operation: EditOperation, keys: Keys) -> str | None:
    """Return the module that is meant; what is added without a known one goes into the last."""
    module = keys.module_id(operation.module)
    if operation.op == "add" and module is None and keys.module:
        return list(keys.module.values())[-1].module_id
    if operation.op == "move" and module is None and operation.module is not None:
        raise _UnknownPartError(f"module {operation.module!r}")
    return module


class _Draft:
    """An outline that is being edited: its parts by id, so that an edit costs what it changes."""

    def __init__(self, outline: Outline) -> None:
        self._before = outline
        self._stages = {stage.stage_id: stage.title for stage in outline.stages}
        self._modules = {module.module_id: module.title for module in outline.modules()}
        self._concepts = {concept.concept_id: concept for concept in outline.concepts()}
        self._order = {
            module.module_id: [concept.concept_id for concept in module.concepts]
            for module in outline.modules()
        }
        self._module_of = {key: module for module, keys in self._order.items() for key in keys}
        self._removed: set[str] = set()

    def apply(self, edit: Edit) -> None:
        """Apply an edit, or leave everything as it is.

        Raises:
            _UnknownPartError: What it refers to is not there.
        """
        match edit:
            case RenameEdit():
                self._rename(edit)
            case RemoveEdit():
                self._remove(self._concept(edit.concept_id))
            case AddEdit():
                self._add(edit)
            case MoveEdit():
                self._move(edit)
            case UpdateEdit():
                self._update(edit)

    def outline(self) -> Outline:
        """Return what the edits made of the outline."""
        stages = tuple(
            stage.model_copy(
                update={
                    "title": self._stages[stage.stage_id],
                    "modules": tuple(self._edited(module) for module in stage.modules),
                }
            )
            for stage in self._before.stages
        )
        return self._before.model_copy(update={"stages": stages})

    def _edited(self, module: ModuleNode) -> ModuleNode:
        key = module.module_id
        concepts = tuple(self._without_removed(self._concepts[each]) for each in self._order[key])
        return module.model_copy(update={"title": self._modules[key], "concepts": concepts})

    def _without_removed(self, concept: ConceptNode) -> ConceptNode:
        left = tuple(key for key in concept.prerequisites if key not in self._removed)
        if len(left) == len(concept.prerequisites):
            return concept
        return concept.model_copy(update={"prerequisites": left})

    def _concept(self, concept_id: UUID) -> str:
        return _known(concept_id, self._concepts, "concept")

    def _module(self, module_id: UUID) -> str:
        return _known(module_id, self._modules, "module")

    def _change(self, key: str, changes: dict[str, Any]) -> None:
        self._concepts[key] = self._concepts[key].model_copy(update=changes)

    def _put(self, key: str, module: str, position: int | None) -> None:
        order = self._order[module]
        order.insert(len(order) if position is None else min(position, len(order)), key)
        self._module_of[key] = module

    def _rename(self, edit: RenameEdit) -> None:
        if edit.concept_id is not None:
            self._change(self._concept(edit.concept_id), {"title": edit.title})
        elif edit.module_id is not None:
            self._modules[self._module(edit.module_id)] = edit.title
        else:
            self._stages[_known(edit.stage_id, self._stages, "stage")] = edit.title

    def _remove(self, key: str) -> None:
        self._order[self._module_of.pop(key)].remove(key)
        del self._concepts[key]
        self._removed.add(key)

    def _add(self, edit: AddEdit) -> None:
        module = self._module(edit.module_id)
        prerequisites = tuple(self._concept(wanted) for wanted in edit.prerequisites)
        concept = ConceptNode(
            concept_id=str(new_id()),
            title=edit.title,
            description=edit.description,
            estimated_hours=edit.estimated_hours,
            difficulty=edit.difficulty,
            prerequisites=prerequisites,
        )
        self._concepts[concept.concept_id] = concept
        self._put(concept.concept_id, module, edit.position)

    def _move(self, edit: MoveEdit) -> None:
        key = self._concept(edit.concept_id)
        module = self._module(edit.module_id) if edit.module_id else self._module_of[key]
        self._order[self._module_of[key]].remove(key)
        self._put(key, module, edit.position)

    def _update(self, edit: UpdateEdit) -> None:
        key = self._concept(edit.concept_id)
        changes = edit.model_dump(exclude={"op", "concept_id"}, exclude_none=True)
        if edit.prerequisites is not None:
            changes["prerequisites"] = tuple(self._concept(p) for p in edit.prerequisites)
        self._change(key, changes)


def _known(part_id: UUID | None, parts: Container[str], name: str) -> str:
    key = str(part_id)
    if key not in parts:
        raise _UnknownPartError(f"{name} {key}")
    return key
