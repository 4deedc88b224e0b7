"""What is stored of results and parts, in the types that the workflow gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflow.authoring.compiled import Compiled
from workflow.authoring.parts import collected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workflow.authoring import Parts
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
    made = definition.parts[step]
    return collected(
        ((part.key, part.kind, part.value) for part in parts if part.value is not None),
        ((part.key, part.kind, part.error) for part in parts if part.error is not None),
        kinds=made.kinds if made.by_kind else (),
    )
