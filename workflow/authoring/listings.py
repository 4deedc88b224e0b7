"""Says what is wrong with the list that a step's parts come from: its source, fields and kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from core.request_shapes import storable
from workflow.authoring.checks import steps
from workflow.authoring.signature import GIVEN, MISSING, Parameter, Signature, said

if TYPE_CHECKING:
    from workflow.authoring.declared import DeclaredStep, Listing
    from workflow.authoring.workflow import Workflow


def check_listing(workflow: Workflow[Any], step: DeclaredStep) -> None:
    """Check what says which parts there are.

    Raises:
        WorkflowError: It takes what is not there, or names fields that a part does not have.
    """
    if step.listing is None:
        return
    _check_source(workflow, step, step.listing)
    _check_fields(step, step.listing)
    _check_kinds(step, step.listing)


def _check_source(workflow: Workflow[Any], step: DeclaredStep, listing: Listing) -> None:
    for parameter in listing.of.parameters.values():
        if parameter.name == "request":
            continue
        if parameter.name in GIVEN:
            raise step.reader.wrong(f"`of` takes {parameter.name!r}, which is not there yet")
        if parameter.name not in steps(workflow):
            raise step.reader.wrong(
                f"`of` takes {parameter.name!r}, which is no step declared before it; there are"
                f" {', '.join(steps(workflow)) or 'none'}"
            )


def _check_fields(step: DeclaredStep, listing: Listing) -> None:
    part = step.signature.parameters["part"].annotation
    said_of = {"key": listing.key, "title": listing.title, "made_from": listing.made_from}
    for what, names in said_of.items():
        for name in _texts(names):
            if not may_have(part, name):
                raise step.reader.wrong(
                    f"`{what}` names the field {name!r}, which {said(part)} does not have"
                )
    if listing.key is None and isinstance(part, type) and issubclass(part, BaseModel):
        raise step.reader.wrong(f"say with `key` which field of {said(part)} names a part")


def _check_kinds(step: DeclaredStep, listing: Listing) -> None:
    if listing.kinds and "kind" not in step.signature.parameters:
        raise step.reader.wrong("it makes several kinds, so it must take `kind`, the one to make")
    if len(set(listing.kinds)) != len(listing.kinds) or not all(
        isinstance(kind, str) and kind and storable(kind) == kind for kind in listing.kinds
    ):
        raise step.reader.wrong(f"its `kinds` must be different texts, not {listing.kinds!r}")


def _texts(names: object) -> tuple[str, ...]:
    if isinstance(names, str):
        return (names,)
    return names if isinstance(names, tuple) else ()


def may_have(annotation: Any, name: str) -> bool:
    """Tell whether objects of a type have a field; True where that cannot be told."""
    if not isinstance(annotation, type) or get_args(annotation):
        return True
    if issubclass(annotation, BaseModel):
        return (
            name in annotation.model_fields
            or name in annotation.model_computed_fields
            or hasattr(annotation, name)
            or annotation.model_config.get("extra") == "allow"
        )
    if issubclass(annotation, str | int | float | bytes):
        return False
    known = getattr(annotation, "__dataclass_fields__", None)
    return known is None or name in known or hasattr(annotation, name)


def result_of(step: str) -> Signature:
    """Return a function that gives the result of a step as it is."""

    def result(**results: Any) -> Any:
        return results[step]

    parameter = Parameter(name=step, annotation=Any, optional=False)
    return Signature(function=result, parameters={step: parameter}, returns=MISSING)
