"""Turns what a decorator is given into declared data, and refuses what cannot be."""

from __future__ import annotations

import math
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from core.authored import plainly
from core.settings.kinds import MOST_SECONDS
from core.states import RESERVED
from workflow.authoring import arguments, checks
from workflow.authoring.codec import Codec
from workflow.authoring.declared import DeclaredReview, DeclaredStep, Listing
from workflow.authoring.errors import WorkflowError
from workflow.authoring.listings import check_listing, result_of
from workflow.authoring.signature import TAKEN, Reader
from workflow.step import StepOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workflow.authoring.signature import Signature
    from workflow.authoring.workflow import Workflow

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TAKEN: Final = frozenset({"roadmap"})


def check_itself(workflow: Workflow[Any], title: object) -> None:
    """Check what a workflow says of itself, before it has any step.

    Raises:
        WorkflowError: Its name, version, request or texts cannot be.
    """
    name = workflow.name
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in _TAKEN:
        raise WorkflowError(
            f"workflow {name!r}: the name must be of small letters, digits and `_`, begin"
            " with a letter, and not be `roadmap`."
        )
    reader = Reader(name, "itself")
    request: Any = workflow.request
    if not isinstance(request, type) or not issubclass(request, BaseModel):
        raise reader.wrong(f"`request` must be a pydantic model, not {request!r}")
    if request is BaseModel:
        raise reader.wrong("`request` must be a model of your own, derived from `BaseModel`")
    most = 2**31 - 1  # as stored with each task
    arguments.check_number(reader, "version", workflow.version, above=0, most=most, whole=True)
    arguments.check_number(reader, "budget_tokens", workflow.budget_tokens, above=0, whole=True)
    arguments.check_text(reader, "description", workflow.description)
    arguments.check_text(reader, "page", workflow.page)
    arguments.check_title(reader, title)


def declared_step(
    workflow: Workflow[Any],
    function: Callable[..., Any],
    names: Mapping[str, Any],
    *,
    needs: float | None,
    **limits: Any,
) -> DeclaredStep:
    """Return a step that gives one result.

    Args:
        workflow: The workflow so far.
        function: What the author wrote.
        names: What is named where the decorator stands.
        needs: The share of parts that must be there before it.
        limits: Its share and time.

    Raises:
        WorkflowError: It takes or returns what cannot be.
    """
    name = _name_of(workflow, function, "step")
    reader = Reader(workflow.name, f"step {name!r}", names)
    signature = reader.read(function)
    arguments.check_share(reader, "needs", needs)
    step = DeclaredStep(
        name=name,
        signature=signature,
        codec=Codec(signature.returns, reader),
        options=_options(workflow, reader, needs=needs, **limits),
        reader=reader,
        needs=needs,
    )
    checks.check_parameters(workflow, step)
    return step


def declared_parts(
    workflow: Workflow[Any],
    function: Callable[..., Any],
    names: Mapping[str, Any],
    *,
    limits: Mapping[str, Any],
    **listing: Any,
) -> DeclaredStep:
    """Return a step that makes parts.

    Args:
        workflow: The workflow so far.
        function: What the author wrote.
        names: What is named where the decorator stands.
        limits: Its share, time, retries and concurrency.
        listing: What says which parts there are.

    Raises:
        WorkflowError: It takes or returns what cannot be.
    """
    name = _name_of(workflow, function, "parts step")
    reader = Reader(workflow.name, f"step {name!r}", names)
    signature = reader.read(function)
    step = DeclaredStep(
        name=name,
        signature=signature,
        listing=_listing(workflow, reader, name, names, **listing),
        codec=Codec(signature.returns, reader),
        options=_options(workflow, reader, **limits),
        reader=reader,
    )
    checks.check_parameters(workflow, step)
    check_listing(workflow, step)
    return step


def _listing(
    workflow: Workflow[Any],
    reader: Reader,
    step: str,
    names: Mapping[str, Any],
    *,
    of: Callable[..., Any],
    **said: Any,
) -> Listing:
    for field in ("key", "title"):
        arguments.check_field(reader, field, said[field])
    for texts in ("kinds", "made_from"):
        arguments.check_names(reader, texts, said[texts])
    arguments.check_number(reader, "version", said["version"], above=0, whole=True)
    made_from = said["made_from"]
    return Listing(
        of=_source(workflow, of, step, names),
        key=plainly(said["key"]),
        title=plainly(said["title"]),
        kinds=tuple(plainly(kind) for kind in said["kinds"] or ()),
        members={plainly(kind): kind for kind in said["kinds"] or ()},
        made_from=None if made_from is None else tuple(plainly(name) for name in made_from),
        version=said["version"],
    )


def _source(
    workflow: Workflow[Any], of: Callable[..., Any], step: str, names: Mapping[str, Any]
) -> Signature:
    for each in checks.steps(workflow).values():
        if each.signature.function is of:
            return result_of(each.name)
    reader = Reader(workflow.name, f"step {step!r}, `of`", names)
    signature = reader.read(of)
    arguments.check_plain(signature, reader)
    return signature


def declared_review(
    workflow: Workflow[Any],
    of: Callable[..., Any] | str,
    *,
    due_hours: float | None,
    on_expiry: str | None,
) -> DeclaredReview:
    """Return a review of a step.

    Raises:
        WorkflowError: There is no such step, or it is reviewed already.
    """
    name = of if isinstance(of, str) else getattr(of, "__name__", repr(of))
    reader = Reader(workflow.name, f"review of {name!r}")
    review = DeclaredReview(
        of=checks.step_of(workflow, of, reader),
        due_hours=due_hours,
        on_expiry=None if on_expiry is None else arguments.expiry(on_expiry, reader),
    )
    checks.check_review(workflow, review, reader)
    return review


def declared_plan(
    workflow: Workflow[Any], function: Callable[..., Any], names: Mapping[str, Any]
) -> Signature:
    """Return what an author's plan takes.

    Raises:
        WorkflowError: There is a plan already, or it is a coroutine.
    """
    reader = Reader(workflow.name, "plan", names)
    if workflow.own_plan is not None:
        raise reader.wrong("there is one already")
    signature = reader.read(function)
    arguments.check_plain(signature, reader)
    return signature


def check_upgrade(
    workflow: Workflow[Any],
    function: Callable[..., Any],
    names: Mapping[str, Any],
    *,
    from_version: int,
) -> None:
    """Check that a function may take tasks of an earlier version over.

    Raises:
        WorkflowError: The version is no earlier one, or it takes something else than `results`.
    """
    reader = Reader(workflow.name, f"upgrade from version {from_version!r}", names)
    if not isinstance(from_version, int) or not 1 <= from_version < workflow.version:
        if workflow.version == 1:
            raise reader.wrong("the workflow's `version` is 1, so none was before it; raise it")
        raise reader.wrong(f"`from_version` must be from 1 to {workflow.version - 1}")
    if from_version in workflow.upgrades:
        raise reader.wrong("there is one already")
    signature = reader.read(function)
    arguments.check_plain(signature, reader)
    if list(signature.parameters) != ["results"]:
        raise reader.wrong("it must take `results` and nothing else")


def names_around() -> dict[str, Any]:
    """Return what is named where the calling decorator stands, for annotations that are text."""
    frame = sys._getframe(2)  # noqa: SLF001 - the author's, as `typing` itself looks for it
    return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)


def _name_of(workflow: Workflow[Any], function: Callable[..., Any], what: str) -> str:
    name = getattr(function, "__name__", "")
    reader = Reader(workflow.name, f"{what} {name!r}")
    if not name:
        raise reader.wrong(
            f"{function!r} has no name; write a function with `def`, and call it from there"
        )
    if not _NAME.fullmatch(name):
        raise reader.wrong("a step's name must be of small letters, digits and `_`")
    if name in RESERVED or name in TAKEN:
        raise reader.wrong(f"the name {name!r} means something else here; take another one")
    if name in checks.steps(workflow):
        raise reader.wrong("there is a step of this name already")
    return name


def _options(workflow: Workflow[Any], reader: Reader, **said: Any) -> StepOptions:
    arguments.check_share(reader, "share", said.get("share"))
    if said.get("timeout_s") != math.inf:  # which is no limit
        arguments.check_number(
            reader, "timeout_s", said.get("timeout_s"), above=0, most=MOST_SECONDS
        )
    arguments.check_number(reader, "concurrency", said.get("concurrency"), above=0, whole=True)
    arguments.check_number(reader, "retries", said.get("retries"), above=-1, whole=True)
    shares = [step.options.share or 0.0 for step in checks.steps(workflow).values()]
    if sum(shares) + (said.get("share") or 0.0) > 1 + 1e-9:
        raise reader.wrong("the shares of all steps are more than 1 together")
    return StepOptions(**said)
