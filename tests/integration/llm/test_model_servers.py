"""Each model server that people use, through a whole task and through the doctor: they agree."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from cli.provider_checks import check_provider
from core.loop_local import LoopLocal
from core.settings import get_settings
from db.recorder import flush_recorder
from llm.openai_compatible import OpenAIAuthor
from tests import model_wire
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.factories import new_task, pair
from tests.model_servers import dialects
from tests.model_servers.server import KEY, DialectServer
from workflow import asking
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    import asyncpg

    from cli.findings import Finding
    from tests.model_servers.dialect import Dialect, Failure

DIALECTS = dialects()
BACKOFF_S = 0.01
EVERYTHING = {
    *("provider_unauthorized", "provider_quota_exhausted", "provider_unknown_model"),
    *("provider_address_wrong", "provider_rate_limited"),
}


@asynccontextmanager
async def serving(
    dialect: Dialect, settings_env: pytest.MonkeyPatch, **values: Any
) -> AsyncIterator[DialectServer]:
    """Run a server, and point the workflow's author at it."""
    async with DialectServer(dialect=dialect, stages=1, modules=1, **values) as server:
        settings_env.setenv("ROADMAP_LLM_PROVIDER", "openai")
        settings_env.setenv("ROADMAP_LLM_BASE_URL", server.base_url)
        settings_env.setenv("ROADMAP_LLM_API_KEY", KEY)
        settings_env.setenv("ROADMAP_LLM_MODEL", "x")
        get_settings.cache_clear()
        authors = LoopLocal(lambda: OpenAIAuthor(get_settings(), backoff_s=BACKOFF_S))
        settings_env.setattr(asking, "_authors", authors)
        settings_env.setattr("roadmaps.links.check_resources", _unchecked)
        yield server
        await asking.close_author()
        await flush_recorder()


async def _unchecked(drafts: Any, **_: Any) -> list[dict[str, Any]]:
    return [draft.model_dump() | {"verified": False} for draft in drafts]


async def examined() -> dict[str, Finding]:
    """Return what the doctor finds of the configured server."""
    settings = get_settings()
    findings = await asyncio.to_thread(check_provider, settings, call=True)
    assert "canary" not in str(findings)
    return {finding.name: finding for finding in findings}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
async def test_every_server_does_the_job_at_the_first_try(
    dialect: Dialect, database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """What it refuses is gone round in the task and by the doctor, who says so.

    What it refuses of one text fails that content alone.
    """
    alone = [f for f in dialect.failures if f.code not in EVERYTHING and not f.again]
    async with serving(dialect, settings_env, concepts=1 + len(alone)) as server:
        titles = [f"Bees 1.1.{number + 2}" for number in range(len(alone))]
        server.failing = dict(zip(titles, alone, strict=True))

        task = await new_task(goal="Learn Bees")
        await run_task(task, worker="w")

        ended = await pair(database, task)
        rows = await database.fetch(
            "SELECT concepts.title, error->>'code' AS code FROM contents JOIN concepts"
            " USING (concept_id) WHERE contents.status = 'failed' ORDER BY concepts.title"
        )
        assert {row["title"]: row["code"] for row in rows} == {
            title: failure.code for title, failure in server.failing.items()
        }
        assert len(rows) == len(alone)
        done = ("partial_failure", "content_generation") if alone else ("completed", "completed")
        assert ended == done

        server.failing.clear()
        found = await examined()
        assert found["language model"].ok, found["language model"].message
        said = found["model's habits"].message if dialect.habits else ""
        assert all(habit in said for habit in dialect.habits), said
        assert ("model's habits" in found) is bool(dialect.habits)


async def test_a_sum_that_is_none_fails_nothing(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A server that tells as the sum of all tokens what it wrote alone is counted, not failed."""
    told = {"prompt_tokens": 900, "completion_tokens": 50, "total_tokens": 50}
    settings_env.setattr(model_wire, "_usage", lambda _tokens: told)
    async with serving(DIALECTS[0], settings_env, concepts=1):
        task = await new_task(goal="Learn Bees")
        await run_task(task, worker="w")
    assert await pair(database, task) == ("completed", "completed")
    (row,) = await database.fetch("SELECT tokens, calls FROM roadmap_tasks")
    assert row["tokens"] == 950 * row["calls"]


async def test_the_doctor_and_the_task_agree_on_failures(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """Both end with the code that a person would read in the words, at the first request or not.

    With FAULTS=all these are all failures, else one of each server.
    """
    wrong: list[str] = []
    for dialect in DIALECTS:
        final = [failure for failure in dialect.failures if not failure.again]
        async with serving(dialect, settings_env, concepts=1) as server:
            for failure in dialect.failures if WHOLE_SET else final[:1]:
                server.failing = {"*": failure}
                server.requests.clear()
                task = await new_task(goal="Learn Bees")
                await run_task(task, worker="w")
                code = await database.fetchval(
                    "SELECT error->>'code' FROM roadmap_tasks WHERE task_id = $1", task
                )
                requests = len(server.requests)
                told = None if failure.again else (await examined())["language model"]
                if (
                    code != failure.code
                    or (requests > 1) is not _is_repeated(failure)
                    or (told and told.code != code)
                ):
                    wrong.append(f"{dialect.name}, {failure.name}: {code}, {requests}, {told}")
                await asking.close_author()  # what one failure taught does not count for the next
    assert not wrong, "\n".join(wrong)


def _is_repeated(failure: Failure) -> bool:
    return failure.again or failure.code in {"content_invalid", "content_truncated"}
