"""What is wrong with a workflow is told when it is imported, in one sentence."""

from __future__ import annotations

import math
import runpy
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from roadmap_worker import Context, Parts, Workflow, WorkflowError
from tests.unit.workflow.flow import Ask, Item, Other, Plan, planned, refused
from workflow.authoring import definition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from decimal import Decimal as OnlyForCheckers
    from pathlib import Path


class Thing:
    """What nobody can store."""


def _unknown_parameter(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context, plan_its: Plan) -> str:
        return ""


def _no_return(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context):  # type: ignore[no-untyped-def] # noqa: ANN202
        return ""


def _not_storable(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context) -> Thing:
        return Thing()


def _list_not_storable(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context) -> dict[str, Thing]:
        return {}


def _twice(flow: Workflow[Ask]) -> None:
    @flow.step
    async def plan_it(ctx: Context) -> str:
        return ""


def _reserved(flow: Workflow[Ask]) -> None:
    @flow.step
    async def completed(ctx: Context) -> str:
        return ""


def _taken(flow: Workflow[Ask]) -> None:
    @flow.step
    async def request(ctx: Context) -> str:
        return ""


def _bad_name(flow: Workflow[Ask]) -> None:
    @flow.step
    async def writeIt(ctx: Context) -> str:  # noqa: N802
        return ""


def _generator(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context) -> AsyncIterator[str]:
        yield ""


def _stars(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context, **rest: Any) -> str:
        return ""


def _checkers_only(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context, plan_it: OnlyForCheckers) -> str:
        return ""


def _other_request(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context, request: Other) -> str:
        return ""


def _other_result(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context, plan_it: list[Item]) -> str:
        return ""


def _feedback_must_be_none(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context, feedback: str) -> str:
        return ""


def _needs_too_much(flow: Workflow[Ask]) -> None:
    @flow.step(needs=1.5)
    async def write(ctx: Context) -> str:
        return ""


def _shares_too_much(flow: Workflow[Ask]) -> None:
    @flow.step(share=0.6)
    async def write(ctx: Context) -> str:
        return ""

    @flow.step(share=0.6)
    async def read(ctx: Context) -> str:
        return ""


def _review_of_nothing(flow: Workflow[Ask]) -> None:
    flow.review(of=Other)


def _review_twice(flow: Workflow[Ask]) -> None:
    flow.review(of="plan_it")
    flow.review(of="plan_it")


def _expiry(flow: Workflow[Ask]) -> None:
    flow.review(of="plan_it", on_expiry="shrug")  # type: ignore[arg-type]


def _async_plan(flow: Workflow[Ask]) -> None:
    @flow.plan  # type: ignore[type-var]
    async def plan(done: Any) -> str:
        return ""


async def _later(given: Any) -> str:
    return ""


def _upgrade_from_now(flow: Workflow[Ask]) -> None:
    @flow.upgrade(from_version=1)
    def up(results: dict[str, Any]) -> dict[str, Any]:
        return results


def _never_there(flow: Workflow[Ask]) -> None:
    @flow.step
    async def write(ctx: Context, later: str | None) -> str:
        return ""

    definition(flow)


def _plan_of_nothing(flow: Workflow[Ask]) -> None:
    @flow.plan
    def plan(finished: list[str]) -> str:
        return "plan_it"

    definition(flow)


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (_unknown_parameter, "step 'write': the parameter 'plan_its' is no step declared before"),
        (_no_return, "step 'write': it does not say what it returns"),
        (_not_storable, "step 'write': it returns Thing, which cannot be stored as JSON"),
        (_list_not_storable, "which cannot be stored as JSON"),
        (_twice, "step 'plan_it': there is a step of this name already"),
        (_reserved, "step 'completed': the name 'completed' means something else here"),
        (_taken, "step 'request': the name 'request' means something else here"),
        (_bad_name, "step 'writeIt': a step's name must be of small letters"),
        (_generator, "step 'write': it is a generator"),
        (_stars, "step 'write': the parameter `**rest` takes anything"),
        (_checkers_only, "names 'OnlyForCheckers', which is not there when the program runs"),
        (
            _other_request,
            "step 'write': `request` is annotated Other, and the workflow's request is",
        ),
        (_other_result, "is annotated list[tests.unit"),
        (_feedback_must_be_none, "step 'write': `feedback` is None at first"),
        (_needs_too_much, "step 'write': `needs` must be a number between 0 and 1, not 1.5"),
        (_shares_too_much, "step 'read': the shares of all steps are more than 1 together"),
        (_review_of_nothing, "review of 'Other': 'Other' is no step of this workflow"),
        (_review_twice, "review of 'plan_it': 'plan_it' is reviewed already"),
        (_expiry, "`on_expiry` must be one of 'keep', 'approve', 'cancel', not 'shrug'"),
        (_async_plan, "plan: it must not be `async`"),
        (_upgrade_from_now, "the workflow's `version` is 1, so none was before it; raise it"),
        (_never_there, "step 'write': the parameter 'later' is no step of this workflow"),
        (_plan_of_nothing, "plan: it takes 'finished', which is no step"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong(declare: Callable[[Workflow[Ask]], None], said: str) -> None:
    """The message names the workflow, the step, and the reason."""
    refused(declare, said)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "Flow"}, "the name must be of small letters"),
        ({"name": "roadmap"}, "and not be `roadmap`"),
        ({"request": dict}, "`request` must be a pydantic model"),
        ({"version": 0}, "`version` must be a whole number, 1 or more, not 0"),
        ({"version": "1"}, "`version` must be a whole number, 1 or more, not '1'"),
        ({"version": 2**31}, "`version` must be 2,147,483,647 at most"),
        ({"budget_tokens": 0}, "`budget_tokens` must be a whole number, 1 or more"),
        ({"budget_tokens": 0.5}, "`budget_tokens` must be a whole number, 1 or more"),
        ({"title": 7}, "`title` must be a text, not 7"),
        ({"title": _later}, "`title` must not be `async`"),
        ({"description": 7}, "`description` must be a text, not 7"),
        ({"page": 7}, "`page` must be a text, not 7"),
    ],
)
def test_what_is_wrong_with_itself(given: dict[str, Any], said: str) -> None:
    """So it is with a workflow's own name, version and request."""
    with pytest.raises(WorkflowError) as raised:
        Workflow(**{"name": "flow", "request": Ask, **given})
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("argument", "given", "said"),
    [
        ("needs", "distrct", "a number between 0 and 1, not 'distrct'"),
        ("share", "half", "a number between 0 and 1, not 'half'"),
        ("share", True, "a number between 0 and 1, not True"),
        ("timeout_s", "9", "a number, more than 0, not '9'"),
        ("timeout_s", 10**400, "1,000,000,000 at most"),
    ],
)
def test_a_steps_argument_of_a_wrong_type(argument: str, given: Any, said: str) -> None:
    """It is named with the step, what it got and what it may be."""

    async def write(ctx: Context) -> str:
        return ""

    with pytest.raises(WorkflowError) as raised:
        Workflow("flow", request=Ask).step(None, **{argument: given})(write)
    assert f"step 'write': `{argument}` must be {said}" in raised.value.message


@pytest.mark.parametrize("hours", [math.inf, 1e12, 10**400])
def test_a_review_that_is_never_due(hours: float) -> None:
    """A due date that no database can keep is told at import, not by each task."""

    async def write(ctx: Context) -> str:
        return ""

    flow = Workflow("flow", request=Ask)
    flow.step(write)
    with pytest.raises(WorkflowError, match="`due_hours` must be 876,000 at most"):
        flow.review(of=write, due_hours=hours)


def test_a_misspelt_parameter() -> None:
    """The likeliest name is told, and of a plain step no name that only parts get."""
    with pytest.raises(WorkflowError, match="did you mean 'request'") as raised:

        @Workflow("flow", request=Ask).step
        async def write(ctx: Context, requst: Ask) -> str:
            return ""

    assert "(ctx, feedback, request)" in raised.value.message


def test_any_storable_result() -> None:
    """Models, dataclasses, lists, dictionaries, texts, numbers and None may be results."""

    @dataclass
    class Point:
        x: float

    flow = Workflow("flow", request=Ask)

    @flow.step
    async def one(ctx: Context) -> list[Point]:
        return []

    @flow.step
    async def two(ctx: Context, one: list[Point]) -> dict[str, Item | None]:
        return {}

    @flow.step
    async def three(ctx: Context, two: dict[str, Item | None]) -> tuple[int, str] | None:
        return None

    @flow.step
    def four(ctx: Context, three: tuple[int, str] | None) -> None:
        return None

    made = definition(flow)
    assert made.result_schema("one") is not None
    assert made.result_schema("four") == {"type": "null"}
    assert [step.name for step in made.describe().steps] == ["one", "two", "three", "four"]
    stored = made.declared["one"].codec.stored([Point(1)], what="it")
    assert made.declared["one"].codec.read(stored, what="it") == [Point(1)]


def test_shares() -> None:
    """What shares leave is divided among the others, of which those with parts get the most."""
    flow = Workflow("flow", request=Ask)

    @flow.step(share=0.5)
    async def one(ctx: Context) -> list[str]:
        return []

    @flow.parts(of=one)
    async def two(ctx: Context, part: str) -> str:
        return part

    @flow.step
    async def three(ctx: Context, two: Parts[str]) -> str:
        return ""

    stages = definition(flow).stages
    assert (stages.begins_at["one"], stages.begins_at["two"]) == (1.0, 50.0)
    assert stages.ends_at == {"two": stages.begins_at["three"]}
    assert 90 < stages.begins_at["three"] < 95


class Maker:
    """What can be called and has no name."""

    def __call__(self) -> str:
        """Make a text."""
        return ""


@pytest.mark.parametrize("function", [partial(str, "a"), Maker()])
def test_what_has_no_name(function: Any) -> None:
    """A step is called as its function is; what has no name is told so."""
    for declare in (Workflow("flow", request=Ask).step, planned().parts(of=lambda: ["a"])):
        with pytest.raises(WorkflowError, match="has no name; write a function with `def`"):
            declare(function)


LATER = """\
from typing import TYPE_CHECKING
from pydantic import BaseModel
from roadmap_worker import Workflow
if TYPE_CHECKING:
    from decimal import Decimal
    from roadmap_worker import Context
class Topic(BaseModel):
    topic: str
flow = Workflow("flow", request=Topic)
@flow.step
async def one(ctx: Context, request: Topic) -> RESULT:
    return ""
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Python 3.14 looks annotations up later")
def test_a_name_for_checkers_needs_no_future_import(tmp_path: Path) -> None:
    """As with `from __future__ import annotations`: no harm where nobody needs it, else named."""
    module = tmp_path / "later.py"
    module.write_text(LATER.replace("RESULT", "str"))
    definition(runpy.run_path(str(module))["flow"])
    module.write_text(LATER.replace("RESULT", "list[Decimal]"))
    with pytest.raises(WorkflowError, match=r"'list\[Decimal\]' .* names 'Decimal', which is not"):
        runpy.run_path(str(module))
