"""What a plan, a title, an upgrade or a check of a request raises is an error of its own task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import BaseModel, field_validator

from core.errors import InvalidRequestError, UnreadableRecordError, UpgradeError
from core.ids import new_id
from core.request_shapes import parse_request
from tests.factories import ALICE, new_task, pair
from tests.own import asked, error_of
from workflow import Context, Workflow, registry
from workflow.authoring import definition
from workflow.decisions import decide_review
from workflow.ending import Result
from workflow.open_reviews import open_review
from workflow.runs import run_task
from workflow.service import accept_delivery
from workflow.under_review import Approval

if TYPE_CHECKING:
    import asyncpg

    from tests.ledger import LedgerAuthor


class Unprintable(Exception):  # noqa: N818 - it is what it says
    """An error that cannot even be told."""

    def __str__(self) -> str:
        raise ValueError("no words")


RAISED: Final[dict[str, BaseException]] = {
    "error": ValueError("no"),
    "unprintable": Unprintable(),
    "stop": StopIteration(),
    "deep": RecursionError(),
    "exit": SystemExit(1),
    "interrupt": KeyboardInterrupt(),
    "generator": GeneratorExit(),
    "cancelled": asyncio.CancelledError(),
    "base": BaseException("odd"),
    "group": BaseExceptionGroup("both", [SystemExit(2), ValueError("x")]),
}


class Request(BaseModel):
    """What the workflows of this file are asked for."""

    raises: str = ""


async def test_a_plan(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Its task fails, and all others that begin in the same moment go on."""
    flow = Workflow("planned", version=1, request=Request, title="Planned")

    @flow.step
    async def first(ctx: Context) -> int:
        return 1

    @flow.plan
    def plan(request: Request) -> Any:
        raise RAISED[request.raises]

    tasks = {name: await asked(flow, raises=name) for name in RAISED}
    other = await new_task()
    results = await asyncio.gather(*(run_task(t, worker="w") for t in (*tasks.values(), other)))
    assert results[-1] is Result.COMPLETED
    for name, task in tasks.items():
        assert await pair(database, task) == ("failed", "first"), name
        assert (await error_of(database, task))["code"] == "plan_failed"


@pytest.mark.parametrize("raised", RAISED)
async def test_a_title(database: asyncpg.Connection, raised: str) -> None:
    """The task is called by its workflow."""

    def title(request: Request) -> str:
        raise RAISED[request.raises]

    flow = Workflow("titled_badly", version=1, request=Request, title=title)

    @flow.step
    async def first(ctx: Context) -> int:
        return 1

    task = await asked(flow, raises=raised)
    found = await database.fetchval("SELECT title FROM roadmap_tasks WHERE task_id = $1", task)
    assert found == "titled badly"


class Checked(BaseModel):
    """A request with a check that slips."""

    raises: str = ""

    @field_validator("raises")
    @classmethod
    def _slips(cls, value: str) -> str:
        if value in RAISED:
            raise RAISED[value]
        return value


@pytest.mark.parametrize("raised", RAISED)
async def test_a_check_of_a_request(database: asyncpg.Connection, raised: str) -> None:
    """Who asks is told, and a task that came as a message is a failed one."""
    with pytest.raises(InvalidRequestError):
        parse_request(Checked, {"raises": raised})
    flow = Workflow("checked", version=1, request=Checked, title="Checked")

    @flow.step
    async def first(ctx: Context) -> int:
        return 1

    registry.register(definition(flow))
    task, request = new_id(), {"raises": raised}
    assert not await accept_delivery(task, user_id="alice", request=request, workflow="checked")
    assert (await pair(database, task))[0] == "failed"
    assert (await error_of(database, task))["code"] == "invalid_request"


@pytest.mark.parametrize("raised", RAISED)
async def test_an_upgrade(database: asyncpg.Connection, raised: str) -> None:
    """A task of an earlier version fails, and says what the upgrade raised, if it can be told."""
    task = await asked(_upgraded(1), raises=raised)
    await database.execute("UPDATE roadmap_tasks SET started_at = now()")
    registry.register(definition(_upgraded(2, RAISED[raised])))
    assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    error = await error_of(database, task)
    assert error["code"] == "upgrade_failed"
    assert type(RAISED[raised]).__name__ in error["message"]


async def test_reviews_of_what_cannot_be_read(database: asyncpg.Connection) -> None:
    """They say what the author has to mend, and stay open."""
    task = await asked(_upgraded(1))
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    registry.register(definition(_upgraded(2, Unprintable())))
    with pytest.raises(UpgradeError, match="Unprintable"):
        await decide_review(task, Approval(), actor=ALICE)

    class Renamed(BaseModel):
        goal: str

    registry.register(definition(_upgraded(1, request=Renamed)))
    for asking in (open_review(task, actor=ALICE), decide_review(task, Approval(), actor=ALICE)):
        with pytest.raises(UnreadableRecordError, match="goal"):
            await asking
    assert (await pair(database, task))[0] == "human_review_pending"
    registry.register(definition(_upgraded(1)))
    await decide_review(task, Approval(), actor=ALICE)


def _upgraded(
    version: int, error: BaseException | None = None, request: type[BaseModel] = Request
) -> Workflow[Any]:
    """Return a version of a workflow whose upgrade, if it has one, raises."""
    flow = Workflow("moved", version=version, request=request, title="Moved")

    @flow.step
    async def first(ctx: Context) -> int:
        return 1

    flow.review(of=first)

    if error is not None:

        @flow.upgrade(from_version=1)
        def upgrade(results: dict[str, Any]) -> dict[str, Any]:
            raise error

    return flow
