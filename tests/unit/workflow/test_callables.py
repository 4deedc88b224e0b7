"""What an author gives for a function need not be written as one: objects and partial functions."""

from __future__ import annotations

from functools import partial

from roadmap_worker import Context, Finished, Next, Workflow
from tests.unit.workflow.flow import Ask, Item, Plan
from workflow.authoring import definition


class Called:
    """What can be called and has a name."""

    __name__ = "words"

    async def __call__(self, request: Ask) -> list[Item]:
        """Give a list."""
        return [Item(slug=request.topic)]


class Way:
    """A plan."""

    def __call__(self, done: Finished, request: Ask) -> Next:  # noqa: ARG002 - it is looked up
        """Go on as declared."""
        return done.next


def listed(plan_it: Plan, most: int, *, least: int) -> list[Item]:
    """Return some of the planned parts."""
    return plan_it.items[least:most]


def test_annotations_are_looked_up_where_they_are_written() -> None:
    """In the module of an object's class, and of what a `partial` calls; bound values are given."""
    flow = Workflow("flow", request=Ask)
    flow.step(Called())  # type: ignore[type-var]

    @flow.step
    async def plan_it(ctx: Context) -> Plan:
        return Plan(items=[])

    @flow.parts(of=partial(listed, most=2, least=0), key="slug")
    async def piece(ctx: Context, part: Item, words: list[Item]) -> str:
        return part.slug

    flow.plan(Way())
    assert definition(flow).stages.steps == ("words", "plan_it", "piece")
