"""Says at import what cannot work, in one sentence: the workflow, the step, and the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import starmap
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from core.settings.kinds import MOST_HOURS
from workflow.authoring.arguments import check_number
from workflow.authoring.declared import DeclaredReview, DeclaredStep
from workflow.authoring.errors import WorkflowError
from workflow.authoring.parts import Parts
from workflow.authoring.signature import (
    GIVEN,
    MISSING,
    Parameter,
    Reader,
    Signature,
    bare,
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
    if wanted is MISSING or _fits(workflow.request, wanted):
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
        from difflib import get_close_matches  # late: most are right

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
    if wanted is MISSING or wanted is Any:
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
        if not _fits(gives, held[0]):
            raise reader.wrong(
                f"the parameter {parameter.name!r} is annotated {said(wanted)}, and the parts of"
                f" {source.name!r} are {said(gives)}"
            )
        return
    if not _fits(without_none(gives), wanted):
        raise reader.wrong(
            f"the parameter {parameter.name!r} is annotated {said(wanted)}, and {source.name!r}"
            f" returns {said(gives)}"
        )


def _fits(gives: Any, wanted: Any) -> bool:
    """Tell whether what has one type may be given as the other; what is not plain may.

    A type can be written in many ways, and only what it stands for counts. The rest is left to
    type checkers: what is refused here is wrong for certain.
    """
    gives, wanted = bare(gives), bare(wanted)
    if wanted is gives or Any in (wanted, gives):
        return True
    if get_origin(gives) in {Union, UnionType}:
        return all(_fits(each, wanted) for each in get_args(gives))
    if get_origin(wanted) in {Union, UnionType}:
        return any(_fits(gives, each) for each in get_args(wanted))
    if (values := literal_values(gives)) is not None:
        among = literal_values(wanted)
        if among is not None:
            return all(value in among for value in values)
        return all(_fits(type(value), wanted) for value in values)
    return _is_kind_of(get_origin(gives) or gives, get_origin(wanted) or wanted) and all(
        starmap(_fits, _inner(gives, wanted))
    )


def _is_kind_of(gives: Any, wanted: Any) -> bool:
    if not (isinstance(gives, type) and isinstance(wanted, type)):
        return True
    if wanted is float and issubclass(gives, int):
        return True
    try:
        return issubclass(gives, wanted)
    except TypeError:  # a protocol or a `TypedDict`, which cannot be asked
        return True


def _inner(gives: Any, wanted: Any) -> list[tuple[Any, Any]]:
    """Return the types inside of two, side by side, where they mean the same."""
    given, asked = get_args(gives), get_args(wanted)
    same = get_origin(gives) is get_origin(wanted) and len(given) == len(asked)
    return list(zip(given, asked, strict=True)) if same else []


def check_review(workflow: Workflow[Any], review: DeclaredReview, reader: Reader) -> None:
    """Check that a step can be reviewed.

    Raises:
        WorkflowError: It is reviewed already, or its time is none.
    """
    if any(isinstance(each, DeclaredReview) and each.of == review.of for each in workflow.declared):
        raise reader.wrong(f"{review.of!r} is reviewed already")
    check_number(reader, "due_hours", review.due_hours, above=0, most=MOST_HOURS)


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


def steps(workflow: Workflow[Any]) -> dict[str, DeclaredStep]:
    """Return the steps that are declared so far, by name."""
    return {each.name: each for each in workflow.declared if isinstance(each, DeclaredStep)}


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
