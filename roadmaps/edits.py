"""Applies changes to an outline: a reviewer's all or none, a model's as far as they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.errors import InvalidRequestError
from core.ids import new_id
from core.settings import get_settings
from roadmaps.outline import ConceptNode, Keys, ModuleNode, Outline, StageNode
from roadmaps.requests import AddEdit, Edit, MoveEdit, RemoveEdit, RenameEdit, UpdateEdit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from roadmaps.outputs import EditOperation


def apply_edits(outline: Outline, edits: Sequence[Edit]) -> Outline:
    """Return the outline with a reviewer's edits applied in order; all or none.

    Raises:
        InvalidRequestError: An edit names something that is not there, or there are no concepts
            left, or too many.
    """
    before = sum(1 for _ in outline.concepts())
    for number, edit in enumerate(edits, 1):
        try:
            outline = _apply(outline, edit)
        except _UnknownPartError as error:
            raise InvalidRequestError(
                f"Edit {number} ({edit.op}): {error} is not in this version of the roadmap."
            ) from None
    outline = without_empty_parts(outline)
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
        try:
            for edit in _as_edits(operation, keys):
                outline = _apply(outline, edit)
        except (_UnknownPartError, ValueError) as error:
            skipped.append(f"{operation.op} {operation.concept or operation.title}: {error}")
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


def _apply(outline: Outline, edit: Edit) -> Outline:
    match edit:
        case RenameEdit():
            return _rename(outline, edit)
        case RemoveEdit():
            return _remove(outline, str(edit.concept_id))
        case AddEdit():
            return _add(outline, edit)
        case MoveEdit():
            return _move(outline, edit)
        case UpdateEdit():
            return _update(outline, edit)


def _map_modules(outline: Outline, change: Callable[[ModuleNode], ModuleNode]) -> Outline:
    return outline.model_copy(
        update={
            "stages": tuple(
                stage.model_copy(update={"modules": tuple(change(m) for m in stage.modules)})
                for stage in outline.stages
            )
        }
    )


def _map_concepts(outline: Outline, change: Callable[[ConceptNode], ConceptNode]) -> Outline:
    return _map_modules(
        outline,
        lambda m: m.model_copy(update={"concepts": tuple(change(c) for c in m.concepts)}),
    )


def _need(*, present: bool, what: str) -> None:
    if not present:
        raise _UnknownPartError(what)


def _rename(outline: Outline, edit: RenameEdit) -> Outline:
    if edit.concept_id is not None:
        key = str(edit.concept_id)
        _need(present=key in outline.concept_ids(), what=f"concept {key}")
        return _map_concepts(
            outline,
            lambda c: c.model_copy(update={"title": edit.title}) if c.concept_id == key else c,
        )
    if edit.module_id is not None:
        key = str(edit.module_id)
        _need(present=any(m.module_id == key for m in outline.modules()), what=f"module {key}")
        return _map_modules(
            outline,
            lambda m: m.model_copy(update={"title": edit.title}) if m.module_id == key else m,
        )
    key = str(edit.stage_id)
    _need(present=any(s.stage_id == key for s in outline.stages), what=f"stage {key}")

    def renamed(stage: StageNode) -> StageNode:
        return stage.model_copy(update={"title": edit.title}) if stage.stage_id == key else stage

    return outline.model_copy(update={"stages": tuple(renamed(s) for s in outline.stages)})


def _take(outline: Outline, key: str) -> Outline:
    return _map_modules(
        outline,
        lambda m: m.model_copy(
            update={"concepts": tuple(c for c in m.concepts if c.concept_id != key)}
        ),
    )


def _put(outline: Outline, concept: ConceptNode, module_id: str, position: int | None) -> Outline:
    def change(module: ModuleNode) -> ModuleNode:
        if module.module_id != module_id:
            return module
        concepts = list(module.concepts)
        concepts.insert(len(concepts) if position is None else position, concept)
        return module.model_copy(update={"concepts": tuple(concepts)})

    return _map_modules(outline, change)


def _remove(outline: Outline, key: str) -> Outline:
    _need(present=key in outline.concept_ids(), what=f"concept {key}")
    return _map_concepts(
        _take(outline, key),
        lambda c: c.model_copy(
            update={"prerequisites": tuple(p for p in c.prerequisites if p != key)}
        ),
    )


def _add(outline: Outline, edit: AddEdit) -> Outline:
    module = str(edit.module_id)
    _need(present=any(m.module_id == module for m in outline.modules()), what=f"module {module}")
    for wanted in edit.prerequisites:
        _need(present=str(wanted) in outline.concept_ids(), what=f"concept {wanted}")
    concept = ConceptNode(
        concept_id=str(new_id()),
        title=edit.title,
        description=edit.description,
        estimated_hours=edit.estimated_hours,
        difficulty=edit.difficulty,
        prerequisites=tuple(str(p) for p in edit.prerequisites),
    )
    return _put(outline, concept, module, edit.position)


def _move(outline: Outline, edit: MoveEdit) -> Outline:
    key = str(edit.concept_id)
    _need(present=key in outline.concept_ids(), what=f"concept {key}")
    target = str(edit.module_id or outline.module_of(key).module_id)
    _need(present=any(m.module_id == target for m in outline.modules()), what=f"module {target}")
    concept = next(c for c in outline.concepts() if c.concept_id == key)
    return _put(_take(outline, key), concept, target, edit.position)


def _update(outline: Outline, edit: UpdateEdit) -> Outline:
    key = str(edit.concept_id)
    _need(present=key in outline.concept_ids(), what=f"concept {key}")
    changes = edit.model_dump(exclude={"op", "concept_id"}, exclude_none=True)
    if edit.prerequisites is not None:
        for wanted in edit.prerequisites:
            _need(present=str(wanted) in outline.concept_ids(), what=f"concept {wanted}")
        changes["prerequisites"] = tuple(str(p) for p in edit.prerequisites)
    return _map_concepts(
        outline, lambda c: c.model_copy(update=changes) if c.concept_id == key else c
    )
