"""What a user and a task may have in a day, and how large a roadmap gets."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from core.errors import InvalidRequestError, QuotaExceededError
from core.settings import get_settings
from roadmaps.edits import apply_edits
from roadmaps.links.budget import Budget
from roadmaps.outline import cut_off, from_draft
from roadmaps.outputs import CurriculumDraft
from roadmaps.requests import AddEdit
from roadmaps.web_addresses import completed
from tests.factories import ALICE, new_task
from workflow import quotas
from workflow.service import accept_delivery, cancel_task, retry_task

if TYPE_CHECKING:
    import asyncpg
    from sqlalchemy.ext.asyncio import AsyncSession


async def test_a_user_has_so_many_tasks_a_day(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """One task more is refused and told when; one that came by Celery is a failed row."""
    settings_env.setenv("ROADMAP_USER_MAX_TASKS_PER_DAY", "2")
    get_settings.cache_clear()
    await new_task(user="alice")
    await new_task(user="alice")
    with pytest.raises(QuotaExceededError) as refused:
        await new_task(user="alice")
    assert 86_000 < refused.value.details["retry_after_s"] <= 86_400
    await new_task(user="bob")
    key = uuid4()
    assert not await accept_delivery(key, user_id="alice", request={"goal": "x"})
    row = await database.fetchrow("SELECT status, error FROM roadmap_tasks WHERE task_id=$1", key)
    assert row is not None
    assert row["status"] == "failed"
    assert "quota_exceeded" in row["error"]
    await database.execute("UPDATE roadmap_tasks SET created_at = now() - interval '25 hours'")
    await new_task(user="alice")


@pytest.mark.parametrize("delivered", [False, True])
async def test_far_from_a_quota(
    database: asyncpg.Connection,
    settings_env: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
    *,
    delivered: bool,
) -> None:
    """Only a task that a quota may refuse is counted by itself, and the quota holds."""
    settings_env.setenv("ROADMAP_USER_MAX_TASKS_PER_DAY", "10")
    get_settings.cache_clear()
    monkeypatch.setattr(quotas, "AT_ONCE", 2)
    counted, check = [], quotas.check_user

    async def count(session: AsyncSession, user_id: str) -> None:
        counted.append(user_id)
        await check(session, user_id)

    monkeypatch.setattr(quotas, "check_user", count)
    for _ in range(10):
        if delivered:
            assert await accept_delivery(uuid4(), user_id="alice", request={"goal": "x"})
        else:
            await new_task(user="alice")
    assert len(counted) == 2
    with pytest.raises(QuotaExceededError):
        await new_task(user="alice")
    await new_task(user="bob")
    assert len(counted) == 3


async def test_a_user_has_so_many_tokens_a_day(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """Whose tasks used up the tokens gets no new one; without a setting only `jwt` has a limit."""
    await new_task(user="alice")
    await database.execute("UPDATE roadmap_tasks SET tokens = $1", quotas.TOKENS_A_DAY)
    await new_task(user="alice")
    settings_env.setenv("ROADMAP_AUTH", "jwt")
    settings_env.setenv("ROADMAP_AUTH_SECRET", "fJ3k9sQz0pLw7Rt5Yx2Vb8Nm4Hc6Gd1A")
    get_settings.cache_clear()
    with pytest.raises(QuotaExceededError, match="20,000,000 tokens"):
        await new_task(user="alice")


async def test_a_task_is_retried_so_often_a_day(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """One retry more than allowed is refused."""
    settings_env.setenv("ROADMAP_TASK_MAX_RETRIES_PER_DAY", "2")
    get_settings.cache_clear()
    task = await new_task(user="alice")
    for _ in range(2):
        await cancel_task(task, actor=ALICE)
        await retry_task(task, actor=ALICE)
    await cancel_task(task, actor=ALICE)
    with pytest.raises(QuotaExceededError):
        await retry_task(task, actor=ALICE)


def _draft(concepts: int) -> CurriculumDraft:
    concept = {
        "title": "c",
        "description": "",
        "estimated_hours": 1,
        "difficulty": "beginner",
        "prerequisites": [],
    }
    modules = [
        {"title": "m", "concepts": [concept | {"title": f"{m} {n}"} for n in range(100)]}
        for m in range(concepts // 100)
    ]
    return CurriculumDraft.model_validate(
        {"title": "t", "summary": "", "stages": [{"title": "s", "modules": modules}]}
    )


def test_a_roadmap_has_so_many_concepts(settings_env: pytest.MonkeyPatch) -> None:
    """A design of 20,000 concepts is cut off at the limit; an edit over it is refused."""
    outline = from_draft(cut_off(_draft(20_000), most=get_settings().max_concepts))
    assert len(outline.concept_ids()) == 300
    assert len(list(outline.modules())) == 3
    module = next(outline.modules())
    add = AddEdit.model_validate({"op": "add", "module_id": module.module_id, "title": "more"})
    with pytest.raises(InvalidRequestError, match="at most 300"):
        apply_edits(outline, [add])


def test_no_login_of_an_address_is_kept() -> None:
    """A name and a password are taken out, and nothing else that has an `@`."""
    assert completed("https://me:secret@e.org/a@b") == "https://e.org/a@b"
    assert completed("https://e.org/a@b") == "https://e.org/a@b"


def test_look_ups_have_a_budget(settings_env: pytest.MonkeyPatch) -> None:
    """One host is asked so often a minute, and one task has so many look-ups."""
    settings_env.setenv("ROADMAP_HOST_MAX_LINK_CHECKS_PER_MINUTE", "3")
    settings_env.setenv("ROADMAP_TASK_MAX_LINK_CHECKS", "5")
    get_settings.cache_clear()
    budget = Budget()
    task = uuid4()
    assert [budget.allows("e.org", task) for _ in range(4)] == [True, True, True, False]
    assert [budget.allows(f"{n}.org", task) for n in range(3)] == [True, True, False]
