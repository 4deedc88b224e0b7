"""Says at import what cannot work, in one sentence: the workflow, the step, and the reason."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeGuard, get_args, get_origin

from pydantic import BaseModel

from core.choices import ReviewExpiry
from workflow.authoring.declared import DeclaredReview, DeclaredStep, Listing
from workflow.authoring.errors import WorkflowError
from workflow.authoring.parts import Parts
from workflow.authoring.signature import (
    GIVEN,
    MISSING,
    Parameter,
    Reader,
    Signature,
    literal_values,
    said,
    without_none,
)

if TYPE_CHECKING:
    from workflow.authoring.workflow import Workflow


def check_parameters(workflow: Workflow[Any], step: DeclaredStep) -> None:
    """Check that a step can be given all that it takes.

    Raises:
        WorkflowError: It takes something that nobody gives.
    """
    for parameter in step.signature.parameters.values():
        if parameter.name in GIVEN:
            _check_given(workflow, step, parameter)
        else:
            check_result(workflow, step.reader, parameter, plain=step.listing is None)
    if step.listing is not None and "part" not in step.signature.parameters:
        raise step.reader.wrong("it makes parts, so it must take `part`, the one to make")


def _check_given(workflow: Workflow[Any], step: DeclaredStep, parameter: Parameter) -> None:
    wrong, kinds = step.reader.wrong, step.listing.kinds if step.listing else ()
    if parameter.name == "request":
        _check_request(workflow, step.reader, parameter)
    if parameter.name == "part" and step.listing is None:
        raise wrong("it takes `part`, and makes no parts; declare it with `parts`")
    if parameter.name == "kind":
        if not kinds:
            raise wrong("it takes `kind`, and declares no `kinds`")
        values = literal_values(parameter.annotation)
        if values is not None and set(values) != set(kinds):
            raise wrong(
                f"`kind` is annotated {said(parameter.annotation)}, and its kinds are"
                f" {', '.join(kinds)}"
            )
    if parameter.name == "feedback" and not (
        parameter.optional or parameter.annotation in {MISSING, Any}
    ):
        raise wrong("`feedback` is None at first; annotate it `str | None`")


def _check_request(workflow: Workflow[Any], reader: Reader, parameter: Parameter) -> None:
    wanted = parameter.annotation
    if wanted in {MISSING, Any, workflow.request}:
        return
    if isinstance(wanted, type) and issubclass(workflow.request, wanted):
        return
    raise reader.wrong(
        f"`request` is annotated {said(wanted)}, and the workflow's request is"
        f" {said(workflow.request)}"
    )


def check_result(
    workflow: Workflow[Any], reader: Reader, parameter: Parameter, *, plain: bool = False
) -> None:
    """Check that a parameter gets the result of a step that comes before, in its type.

    Args:
        workflow: The workflow so far.
        reader: Whose parameter it is.
        parameter: The parameter.
        plain: It is of a step that makes no parts.

    Raises:
        WorkflowError: There is no such step, or it gives another type.
    """
    earlier = steps(workflow)
    source = earlier.get(parameter.name)
    if source is None:
        if parameter.optional:
            return  # of a step that is declared later: looked for when all are there
        known = [*sorted(GIVEN - ({"part", "kind"} if plain else set())), *earlier]
        near = get_close_matches(parameter.name, known, n=1)
        raise reader.wrong(
            f"the parameter {parameter.name!r} is no step declared before it, and none of the names"
            f" that are given ({', '.join(known)})"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )
    check_type(reader, parameter, source)


def check_type(reader: Reader, parameter: Parameter, source: DeclaredStep) -> None:
    """Check that a parameter's annotation is what the step gives.

    Raises:
        WorkflowError: It is something else.
    """
    wanted = without_none(parameter.annotation)
    if wanted in {MISSING, Any}:
        return
    gives = source.codec.annotation
    if source.listing is not None:
        if (get_origin(wanted) or wanted) not in {Parts, Mapping}:
            raise reader.wrong(
                f"the parameter {parameter.name!r} is annotated {said(wanted)}, and"
                f" {source.name!r} makes parts; annotate it `Parts[{said(gives)}]`"
            )
        held = get_args(wanted)[-1:] or (Any,)
        by_kind = (get_origin(held[0]) in {dict, Mapping}) and get_args(held[0])[-1:]
        if by_kind and source.listing.kinds:
            held = by_kind
        if held[0] not in {Any, gives} and not _is_wider(held[0], gives):
            raise reader.wrong(
                f"the parameter {parameter.name!r} is annotated {said(wanted)}, and the parts of"
                f" {source.name!r} are {said(gives)}"
            )
        return
    if wanted != without_none(gives) and wanted != gives and not _is_wider(wanted, gives):
        raise reader.wrong(
            f"the parameter {parameter.name!r} is annotated {said(wanted)}, and {source.name!r}"
            f" returns {said(gives)}"
        )


def _is_wider(wanted: Any, gives: Any) -> bool:
    """Tell whether everything of one type is also of the other, as far as that is plain."""
    wanted, gives = get_origin(wanted) or wanted, get_origin(gives) or gives
    if isinstance(wanted, type) and isinstance(gives, type):
        return wanted is not gives and issubclass(gives, wanted)
    return not isinstance(wanted, type)  # unions and the like are left to type checkers


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
        isinstance(kind, str) and kind for kind in listing.kinds
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


def check_share(reader: Reader, name: str, share: object) -> None:
    """Check that a share lies between 0 and 1.

    Raises:
        WorkflowError: It does not.
    """
    if share is not None and not (_is_number(share) and 0 <= share <= 1):
        raise reader.wrong(f"`{name}` must be a number between 0 and 1, not {share!r}")


def check_number(
    reader: Reader, name: str, value: object, *, above: int, whole: bool = False
) -> None:
    """Check that what may be left out is a number, and large enough.

    Args:
        reader: Whose it is.
        name: The argument.
        value: What was given.
        above: It must be more than this.
        whole: It must be a whole number.

    Raises:
        WorkflowError: It is not.
    """
    if value is None or (
        _is_number(value) and value > above and (isinstance(value, int) or not whole)
    ):
        return
    least = f"a whole number, {above + 1} or more" if whole else f"a number, more than {above}"
    raise reader.wrong(f"`{name}` must be {least}, not {value!r}")


def check_names(reader: Reader, name: str, value: object) -> None:
    """Check that what may be left out is a list of texts: one text alone would be its letters.

    Raises:
        WorkflowError: It is not.
    """
    if value is None or (
        isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    ):
        return
    example = f"; write [{value!r}]" if isinstance(value, str) else ""
    raise reader.wrong(f"`{name}` must be a list of texts, not {value!r}{example}")


def check_field(reader: Reader, name: str, value: object) -> None:
    """Check that what may be left out is a field's name, or a function of a part.

    Raises:
        WorkflowError: It is neither.
    """
    if value is not None and not isinstance(value, str) and not callable(value):
        raise reader.wrong(f"`{name}` must be a field's name or a function, not {value!r}")


def check_text(reader: Reader, name: str, value: object) -> None:
    """Check that what may be left out is a text.

    Raises:
        WorkflowError: It is not.
    """
    if value is not None and not isinstance(value, str):
        raise reader.wrong(f"`{name}` must be a text, not {value!r}")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_review(workflow: Workflow[Any], review: DeclaredReview, reader: Reader) -> None:
    """Check that a step can be reviewed.

    Raises:
        WorkflowError: It is reviewed already, or its time is none.
    """
    if any(isinstance(each, DeclaredReview) and each.of == review.of for each in workflow.declared):
        raise reader.wrong(f"{review.of!r} is reviewed already")
    check_number(reader, "due_hours", review.due_hours, above=0)


def step_of(workflow: Workflow[Any], of: Callable[..., Any] | str, reader: Reader) -> str:
    """Return the name of the step that a function is.

    Raises:
        WorkflowError: It is none.
    """
    for step in steps(workflow).values():
        if step.signature.function is of or step.name == of:
            return step.name
    name = of if isinstance(of, str) else getattr(of, "__name__", repr(of))
    raise reader.wrong(
        f"{name!r} is no step of this workflow declared before it; there are"
        f" {', '.join(steps(workflow)) or 'none'}"
    )


def expiry(value: str, reader: Reader) -> ReviewExpiry:
    """Return what happens to a review that nobody decides.

    Raises:
        WorkflowError: There is no such thing.
    """
    try:
        return ReviewExpiry(value)
    except ValueError:
        choices = ", ".join(repr(str(each)) for each in ReviewExpiry)
        raise reader.wrong(f"`on_expiry` must be one of {choices}, not {value!r}") from None


def check_plain(signature: Signature, reader: Reader) -> None:
    """Check that a function is no coroutine: it is asked for data, and does nothing.

    Raises:
        WorkflowError: It is one.
    """
    if inspect.iscoroutinefunction(signature.function):
        raise reader.wrong("it must not be `async`: it only says what follows from what is there")


def steps(workflow: Workflow[Any]) -> dict[str, DeclaredStep]:
    """Return the steps that are declared so far, by name."""
    return {each.name: each for each in workflow.declared if isinstance(each, DeclaredStep)}


def result_of(step: str) -> Signature:
    """Return a function that gives the result of a step as it is."""

    def result(**results: Any) -> Any:
        return results[step]

    parameter = Parameter(name=step, annotation=Any, optional=False)
    return Signature(function=result, parameters={step: parameter}, returns=MISSING)


def check_whole(workflow: Workflow[Any]) -> None:
    """Check what can be told only when everything is declared.

    Raises:
        WorkflowError: There is no step, or a parameter that gets no result.
    """
    known = steps(workflow)
    if not known:
        raise WorkflowError(f"workflow {workflow.name!r} has no step.")
    for step in known.values():
        for parameter in step.signature.results:
            if parameter.name not in known:
                raise step.reader.wrong(
                    f"the parameter {parameter.name!r} is no step of this workflow"
                )
            check_type(step.reader, parameter, known[parameter.name])
    if workflow.own_plan is not None:
        _check_plan(workflow, workflow.own_plan)


def _check_plan(workflow: Workflow[Any], plan: Signature) -> None:
    reader, known = Reader(workflow.name, "plan"), steps(workflow)
    for parameter in plan.parameters.values():
        if parameter.name == "request":
            _check_request(workflow, reader, parameter)
        elif parameter.name in known and known[parameter.name].listing is not None:
            raise reader.wrong(
                f"it takes {parameter.name!r}, which makes parts; a plan gets results"
            )
        elif parameter.name in known:
            check_type(reader, parameter, known[parameter.name])
        elif parameter.name != "done":
            raise reader.wrong(
                f"it takes {parameter.name!r}, which is no step; it may take `done`, `request` and"
                f" {', '.join(known)}"
            )
