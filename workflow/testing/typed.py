"""What is stored of results and parts, in the types that the workflow gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflow.authoring import Failure, Parts
from workflow.authoring.compiled import Compiled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workflow.definition import Definition
    from workflow.testing.seen import SeenPart


def typed_result(definition: Definition, step: str, output: Mapping[str, Any]) -> Any:
    """Return what a step gave."""
    if isinstance(definition, Compiled):
        return definition.declared[step].codec.read(output, what=f"the result of {step!r}")
    model = definition.audit.outputs.get(step)
    return dict(output) if model is None else model.model_validate(output)


def typed_part(definition: Definition, step: str, kind: str, body: Mapping[str, Any]) -> Any:
    """Return what was made of a part."""
    if isinstance(definition, Compiled):
        return definition.declared[step].codec.read(body, what=f"the {kind} of {step!r}")
    model = definition.audit.bodies.get(kind) if step in definition.parts else None
    return dict(body) if model is None else model.model_validate(body)


def parts_of(definition: Definition, step: str, parts: Sequence[SeenPart]) -> Parts[Any]:
    """Return the parts of a step as later steps get them."""
    kinds = definition.parts[step].kinds
    several = len(kinds) > 1
    made: dict[str, Any] = {}
    failed: dict[str, Failure] = {}
    for part in parts:
        if part.error is not None:
            error = part.error
            failed[part.key] = Failure(
                code=str(error.get("code", "")),
                message=str(error.get("message", "")),
                kind=part.kind if several else None,
            )
        elif part.value is not None and several:
            made.setdefault(part.key, {})[part.kind] = part.value
        elif part.value is not None:
            made[part.key] = part.value
    return Parts(made, failed, kinds=kinds if several else ())
