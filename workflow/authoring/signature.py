"""Reads a function of a workflow: which values it takes by name, and what it gives.

Annotations are looked up one by one and only where they are needed, so that a name that exists
for type checkers alone does no harm where nobody needs it, and is named where somebody does.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from functools import partial
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NewType,
    Union,
    get_args,
    get_origin,
)

from workflow.authoring.errors import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MISSING: Final = inspect.Parameter.empty
CONTEXT: Final = "ctx"
GIVEN: Final = frozenset({CONTEXT, "request", "feedback", "part", "kind"})
"""Names of parameters that mean something else than a step's result."""
TAKEN: Final = GIVEN | {"done", "end"}
"""Names that no step may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One parameter.

    Attributes:
        name: Its name, which says what it gets.
        annotation: Its type; `MISSING` without one.
        optional: It may be left out, or be None.
        default: What it is when left out; `MISSING` without.
    """

    name: str
    annotation: Any
    optional: bool
    default: Any = MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """A function: what it takes and gives."""

    function: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    returns: Any
    """Its annotation; `MISSING` without one."""

    @property
    def results(self) -> tuple[Parameter, ...]:
        """The parameters that get results of steps."""
        return tuple(p for p in self.parameters.values() if p.name not in GIVEN)


class Reader:
    """Reads functions of one workflow, and says whose annotation is wrong."""

    def __init__(self, workflow: str, what: str, names: Mapping[str, Any] | None = None) -> None:
        """Say where the function belongs.

        Args:
            workflow: Its name.
            what: What the function is of it, for messages, such as `step 'plot'`.
            names: Names that stand where the function does, beside those of its module.
        """
        self._where = f"workflow {workflow!r}, {what}"
        self._names = dict(names or {})

    def wrong(self, problem: str) -> WorkflowError:
        """Return the error that says what is wrong with the function."""
        return WorkflowError(f"{self._where}: {problem}.")

    def read(self, function: Callable[..., Any]) -> Signature:
        """Return what a function takes and gives.

        Raises:
            WorkflowError: It takes something that cannot be given by name.
        """
        if not callable(function):
            raise self.wrong(f"{function!r} is no function")
        plain = inspect.unwrap(function)
        if inspect.isasyncgenfunction(plain) or inspect.isgeneratorfunction(plain):
            raise self.wrong(
                "it is a generator; return the whole result, and use `ctx.stream` or"
                " `ctx.progress` to show what is done meanwhile"
            )
        parameters = {}
        signature = signature_of(plain)
        given = plain.keywords if isinstance(plain, partial) else {}
        for each in signature.parameters.values():
            if each.name in given:
                continue  # by the author
            if each.kind in {each.VAR_POSITIONAL, each.VAR_KEYWORD}:
                stars = "*" if each.kind is each.VAR_POSITIONAL else "**"
                raise self.wrong(
                    f"the parameter `{stars}{each.name}` takes anything; name what it needs"
                )
            if each.kind is each.POSITIONAL_ONLY:
                raise self.wrong(
                    f"the parameter {each.name!r} must be given by name; take out the `/`"
                )
            parameters[each.name] = self._parameter(plain, each)
        return Signature(
            function=function,
            parameters=parameters,
            returns=self._meant(plain, "what it returns", signature.return_annotation),
        )

    def _parameter(self, function: Callable[..., Any], given: inspect.Parameter) -> Parameter:
        annotation = given.annotation
        if given.name != CONTEXT:
            annotation = self._meant(function, f"the parameter {given.name!r}", annotation)
        return Parameter(
            name=given.name,
            annotation=annotation,
            optional=given.default is not MISSING or allows_none(annotation),
            default=given.default,
        )

    def _meant(self, function: Callable[..., Any], what: str, annotation: Any) -> Any:
        """Return the type that an annotation written as text stands for."""
        if annotation is None:
            return NoneType
        if not isinstance(annotation, str):
            return annotation
        written = _written(function)
        there = getattr(written, "__globals__", {})
        names = {**there, **self._names, **_closed_over(written)}
        try:
            return _looked_up(annotation, names)
        except NameError as error:
            missing = getattr(error, "name", None) or annotation
            raise self.wrong(
                f"the annotation {annotation!r} of {what} names {missing!r}, which is not there"
                " when the program runs: define it above, or import it outside of"
                " `if TYPE_CHECKING`"
            ) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the author is told
            raise self.wrong(
                f"the annotation {annotation!r} of {what} cannot be understood: {error}"
            ) from None


def _written(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what an author has written with `def`: of a `partial`, or of an object to call."""
    while isinstance(function, partial):
        function = inspect.unwrap(function.func)
    if hasattr(function, "__globals__") or isinstance(function, type):
        return function
    called: Callable[..., Any] = inspect.unwrap(type(function).__call__)
    return called


def _looked_up(annotation: str, names: Mapping[str, Any]) -> Any:
    found = eval(annotation, dict(names))  # noqa: S307 - the author's own source
    return _looked_up(found, names) if isinstance(found, str) else found


def _closed_over(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return dict(inspect.getclosurevars(function).nonlocals)
    except (TypeError, ValueError):
        return {}


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return a function's signature; annotations are text where a name in one is not there.

    Since Python 3.14 they are looked up when they are asked for, and that fails as a whole.

    Raises:
        TypeError: It is no function.
        ValueError: It is of C, and says nothing.
    """
    try:
        return inspect.signature(function)
    except NameError:
        if sys.version_info >= (3, 14):
            from annotationlib import Format

            return inspect.signature(function, annotation_format=Format.STRING)
        raise


def allows_none(annotation: Any) -> bool:
    """Tell whether a type has None in it."""
    annotation = bare(annotation)
    if annotation is None or annotation is NoneType:
        return True
    return get_origin(annotation) in {Union, UnionType} and any(
        allows_none(each) for each in get_args(annotation)
    )


def without_none(annotation: Any) -> Any:
    """Return a type without the None that it allows."""
    annotation = bare(annotation)
    if get_origin(annotation) not in {Union, UnionType}:
        return annotation
    rest = tuple(each for each in get_args(annotation) if each is not None and each is not NoneType)
    return Union[rest] if rest else NoneType  # noqa: UP007 - of a tuple


def bare(annotation: Any) -> Any:
    """Return the type that stands behind other names of it: `Annotated`, `NewType`, an alias."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):  # of `type Plots = …`
            whole = annotation.__value__
            annotation = whole[get_args(annotation)] if get_args(annotation) else whole
        else:
            return annotation


def literal_values(annotation: Any) -> tuple[Any, ...] | None:
    """Return the values of a `Literal`; None when it is none."""
    return get_args(annotation) if get_origin(annotation) is Literal else None


def said(annotation: Any) -> str:
    """Return a type as people write it."""
    if isinstance(annotation, type) and not get_args(annotation):
        return "None" if annotation is NoneType else annotation.__qualname__.split(".")[-1]
    return str(annotation).replace("typing.", "")
