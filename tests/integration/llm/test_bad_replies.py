"""Bad replies by the hundred, and a provider that fails every seventh time: nothing breaks."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx

from api.app import create_app
from core.provider_errors import ProviderError
from core.settings import get_settings
from llm import Call
from roadmaps.kinds.quiz import QuizDraft
from roadmaps.kinds.resources import ResourceList
from roadmaps.kinds.tutorial import Tutorial
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.factories import events, new_task, pair
from tests.model_rules import Rule
from tests.prompts import content_inputs, prompt_of
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg
    import pytest

    from llm.openai_compatible import OpenAIAuthor
    from tests.model_server import ModelServer

    MakeAuthor = Callable[..., OpenAIAuthor]

REPLIES = 2000 if WHOLE_SET else 500
AT_A_TIME = 16
KINDS: list[tuple[str, type[Any]]] = [
    ("tutorial", Tutorial),
    ("quiz", QuizDraft),
    ("resources", ResourceList),
]


def call(number: int) -> Call[Any]:
    """Return a call that is answered with the bad reply of that number."""
    kind, output = KINDS[number % len(KINDS)]
    inputs = content_inputs(title=f"Concept {number}")
    return Call(prompt=prompt_of(kind, inputs), output=output)


async def test_generated_bad_replies_have_their_class(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Each ends as one of our errors, under the code it belongs to; every other is a stream.

    There are two thousand of them with FAULTS=all.
    """
    server.rules.append(Rule("bad"))
    author = author_for(llm_timeout_s=60)
    numbers = iter(range(REPLIES))
    wrong: list[tuple[int, str, str]] = []

    async def ask() -> None:
        for number in numbers:
            if len(server.ledger) >= REPLIES:
                return
            code = await _code(author, number)
            title = f"Concept {number}"
            (expected,) = {e.outcome for e in server.ledger if e.title == title}
            if expected != f"bad_{code}":
                wrong.append((number, expected, code))

    await asyncio.gather(*(ask() for _ in range(AT_A_TIME)))

    assert len(server.ledger) >= REPLIES
    assert wrong == []
    assert len(set(server.outcomes())) >= 8


async def _code(author: OpenAIAuthor, number: int) -> str:
    try:
        if number % 2:
            await author.complete(call(number))
        else:
            field = next(iter(call(number).output.model_fields))
            await author.stream(call(number), field=field, on_text=lambda _offset, _text: None)
    except ProviderError as error:
        return error.code if len(error.message) < 600 else "too long a message"
    return "no error"


async def test_bad_replies_in_a_task_leave_an_api_that_answers(
    database: asyncpg.Connection, model: ModelServer, settings_env: pytest.MonkeyPatch
) -> None:
    """Whatever the model said, everything about the task can be read, and nothing is a 5xx."""
    settings_env.setenv("ROADMAP_AUTH", "none")
    get_settings.cache_clear()
    model.stages, model.concepts = 2, 8
    model.rules += [Rule("bad", kind=kind, title=r"[024579]$") for kind, _ in KINDS]
    model.rules += [Rule("html", kind=kind) for kind, _ in KINDS]

    task = await new_task(goal="Learn 16")  # whose replies all let the others go on
    await run_task(task, worker="w")

    assert await pair(database, task) == ("partial_failure", "content_generation")
    app = create_app()
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1") as api,
    ):
        shown = (await api.get(f"/tasks/{task}")).raise_for_status().json()
        assert len({content["code"] for content in shown["failed_contents"]}) >= 4
        (await api.get(f"/tasks/{task}/events?after=0")).raise_for_status()
        roadmap = (await api.get(f"/roadmaps/{shown['roadmap_id']}")).raise_for_status().json()
        for stage in roadmap["stages"]:
            for module in stage["modules"]:
                for concept in module["concepts"]:
                    address = f"/roadmaps/{shown['roadmap_id']}/concepts/{concept['concept_id']}"
                    found = (await api.get(address)).raise_for_status().json()
                    assert "<script" not in str((found["tutorial"] or {}).get("html"))


async def test_thirty_concepts_with_every_seventh_call_failing_complete(
    database: asyncpg.Connection, model: ModelServer, settings_env: pytest.MonkeyPatch
) -> None:
    """One in ten is answered 429 and one in twenty 500; all ninety contents are written, once."""
    settings_env.setenv("ROADMAP_LLM_MAX_CONCURRENCY", "8")
    get_settings.cache_clear()
    model.stages, model.modules, model.concepts = 3, 2, 5
    model.rules += _one_in_seven(random.Random(5))

    task = await new_task()
    await run_task(task, worker="w")

    assert await pair(database, task) == ("completed", "completed")
    assert (await events(database, task)).count("content_completed") == 90
    outcomes = Counter(model.outcomes())
    assert outcomes["ok"] == 90 + 3
    assert outcomes["status_429"] >= 5
    assert outcomes["status_500"] >= 2
    assert model.peak <= 8
    assert await database.fetchval("SELECT calls FROM roadmap_tasks") == len(model.ledger)


def _one_in_seven(dice: random.Random) -> list[Rule]:
    """Return a rule for each of the first calls: 10 % 429, 5 % 500, the rest as they should be."""
    rules = []
    for _ in range(150):
        number = dice.random()
        if number < 0.1:
            rules.append(Rule("status", status=429, retry_after="0.01", times=1))
        elif number < 0.15:
            rules.append(Rule("status", status=500, times=1))
        else:
            rules.append(Rule("ok", times=1))
    return rules
