"""Every way a model fails, through the real workflow: the right class, the right pair."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.settings import get_settings
from roadmaps.kinds import KINDS
from tests.factories import ALICE, events, new_task, pair
from tests.model_rules import Rule
from workflow.runs import run_task
from workflow.service import retry_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg
    import pytest

    from tests.model_server import ModelServer

CONTENTS = tuple(KINDS)


@dataclass(frozen=True)
class Case:
    """What the model does to some calls, and the code that comes of it; empty for no failure.

    `requests` is how many each of them takes. With `stops` no further call is made for the task.
    """

    rule: Rule
    code: str
    requests: int
    stops: bool = False

    @property
    def name(self) -> str:
        """What the test is called."""
        told = re.sub(r"\W+", " ", self.rule.body or "").strip()
        return f"{self.rule.behaviour} {self.rule.status} {told}".strip()


def status(number: int, code: str = "", message: str = "") -> Rule:
    """Return the rule for a status."""
    body = f'{{"error": {{"code": "{code}", "message": "{message}"}}}}'
    return Rule("status", status=number, retry_after="0", body=body)


TIMED_OUT = [
    Case(Rule(behaviour), "provider_timeout", 3)
    for behaviour in ("hang", "trickle", "stalls", "endless")
]
CASES = [
    Case(Rule("latency", seconds=0.2), "", 1),
    Case(Rule("fenced"), "", 1),
    Case(Rule("prose"), "", 1),
    Case(Rule("thinking"), "", 1),
    Case(Rule("nul"), "", 1),
    Case(Rule("html"), "", 1),
    Case(Rule("late_close"), "", 1),
    Case(Rule("no_end"), "", 1),
    Case(status(429), "provider_rate_limited", 6),
    Case(status(500), "provider_unavailable", 6),
    Case(Rule("disconnect"), "provider_unavailable", 6),
    Case(Rule("cut"), "provider_unavailable", 6),
    Case(Rule("not_json"), "provider_unavailable", 6),
    Case(Rule("garbage"), "content_invalid", 3),
    Case(Rule("wrong_shape"), "content_invalid", 3),
    Case(Rule("empty"), "content_invalid", 3),
    Case(Rule("huge"), "content_invalid", 3),
    Case(Rule("nested"), "content_invalid", 3),
    Case(Rule("truncated"), "content_truncated", 2),
    Case(Rule("refusal"), "content_refused", 1),
    Case(Rule("content_filter"), "content_refused", 1),
    Case(status(400, "content_filter", "filtered"), "content_refused", 1),
    Case(status(400, "context_length_exceeded"), "context_too_long", 1),
    Case(status(418, "bad", "no"), "provider_rejected", 1),
    Case(status(401), "provider_unauthorized", 1, stops=True),
    Case(status(403), "provider_unauthorized", 1, stops=True),
    Case(status(404), "provider_address_wrong", 1, stops=True),
    Case(status(404, "model_not_found"), "provider_unknown_model", 1, stops=True),
    Case(status(400, "", "Model Not Exist"), "provider_unknown_model", 1, stops=True),
    Case(status(429, "insufficient_quota"), "provider_quota_exhausted", 1, stops=True),
    Case(status(402, "", "Insufficient Balance"), "provider_quota_exhausted", 1, stops=True),
]


@dataclass
class Ended:
    """How a task ended, as the database and the model's ledger tell it."""

    pair: tuple[str, str]
    code: str | None
    failed: dict[str, list[str]]
    """Codes of failed contents by kind."""
    told: set[str]
    """Codes in the events of failures."""
    requests: int
    """For the kind of call that the rule is for."""


async def run_all(
    database: asyncpg.Connection, model: ModelServer, cases: list[Case], *, kind: str
) -> dict[str, Ended]:
    """Run a task for each case at the same time, with its rule for one kind of call."""
    model.rules[:] = [
        replace(case.rule, kind=kind, goal=f"^Learn {case.name}$", times=None) for case in cases
    ]
    tasks = {case.name: await new_task(goal=f"Learn {case.name}") for case in cases}
    await asyncio.gather(*(run_task(task, worker="w") for task in tasks.values()))
    return {name: await _ended(database, model, name, task, kind) for name, task in tasks.items()}


async def _ended(
    database: asyncpg.Connection, model: ModelServer, name: str, task: UUID, kind: str
) -> Ended:
    row = await database.fetchrow("SELECT * FROM roadmap_tasks WHERE task_id = $1", task)
    assert row is not None
    contents = await database.fetch(
        "SELECT kind, status, body::text, error->>'code' AS code FROM contents"
        " WHERE roadmap_id = $1",
        row["roadmap_id"],
    )
    assert all(content["status"] in {"completed", "failed"} for content in contents)
    assert not any("\\u0000" in (content["body"] or "") for content in contents)
    told = await database.fetch(
        "SELECT payload->'data'->>'code' AS code, payload->>'message' AS message FROM task_events"
        " WHERE task_id = $1 AND type IN ('content_failed', 'task_failed')",
        task,
    )
    assert not any("canary" in event["message"] for event in told)
    return Ended(
        pair=(row["status"], row["current_step"]),
        code=json.loads(row["error"])["code"] if row["error"] else None,
        failed={
            kind: [c["code"] for c in contents if (c["kind"], c["status"]) == (kind, "failed")]
            for kind in CONTENTS
        },
        told={event["code"] for event in told},
        requests=sum((e.kind, e.goal) == (kind, f"Learn {name}") for e in model.ledger),
    )


async def test_failures_in_contents(database: asyncpg.Connection, model: ModelServer) -> None:
    """Those contents fail with their class, each by itself, and the rest goes on."""
    cases = [case for case in CASES if not case.stops]

    ended = await run_all(database, model, cases, kind="tutorial")

    assert ended == as_expected(cases)


async def test_time_outs_in_contents(
    database: asyncpg.Connection, model: ModelServer, settings_env: pytest.MonkeyPatch
) -> None:
    """A model that is silent, or never ends, is left after its limit, three times."""
    settings_env.setenv("ROADMAP_LLM_TIMEOUT_S", "0.5")
    get_settings.cache_clear()

    ended = await run_all(database, model, TIMED_OUT, kind="tutorial")

    assert ended == as_expected(TIMED_OUT)


def as_expected(cases: list[Case]) -> dict[str, Ended]:
    """Return how tasks end whose tutorials fail by themselves."""
    none: list[str] = []
    return {
        case.name: Ended(
            pair=("partial_failure", "content_generation")
            if case.code
            else ("completed", "completed"),
            code=None,
            failed={
                "tutorial": [case.code] if case.code else none,
                "resources": none,
                "quiz": none,
            },
            told={case.code} - {""},
            requests=case.requests,
        )
        for case in cases
    }


async def test_failures_that_stop_the_contents(
    database: asyncpg.Connection, model: ModelServer
) -> None:
    """All contents that were not written yet name the cause, and are not asked for."""
    cases = [case for case in CASES if case.stops]

    ended = await run_all(database, model, cases, kind="tutorial")

    for case in cases:
        end = ended[case.name]
        assert end.pair in {
            ("failed", "content_generation"),
            ("partial_failure", "content_generation"),
        }
        assert end.failed["tutorial"] == [case.code]
        assert end.told == {case.code}
        assert end.requests <= 1


async def test_failures_in_structure(database: asyncpg.Connection, model: ModelServer) -> None:
    """The task fails at that step, with the class and what to do, after as many requests."""
    cases = [case for case in CASES if case.code]

    ended = await run_all(database, model, cases, kind="intent_analysis")

    assert ended == {
        case.name: Ended(
            pair=("failed", "intent_analysis"),
            code=case.code,
            failed={kind: [] for kind in CONTENTS},
            told={case.code},
            requests=case.requests,
        )
        for case in cases
    }


async def test_one_refused_key_stops_everything_at_once(
    database: asyncpg.Connection, model: ModelServer, settings_env: pytest.MonkeyPatch
) -> None:
    """Of thirty contents a few are asked for; all name the cause; a retry makes all of them."""
    model.concepts = 10
    settings_env.setenv("ROADMAP_CONTENT_CONCURRENCY", "1")
    get_settings.cache_clear()
    model.rules += [
        Rule("status", status=401, kind="quiz"),
        Rule("hang", kind="tutorial"),
        Rule("hang", kind="resources"),
    ]
    started = time.monotonic()

    task = await new_task()
    await run_task(task, worker="w")

    assert time.monotonic() - started < 5
    assert await pair(database, task) == ("failed", "content_generation")
    codes = await database.fetch("SELECT error->>'code' AS code FROM contents")
    assert [row["code"] for row in codes] == ["provider_unauthorized"] * 30
    error = await database.fetchval("SELECT error->>'message' FROM roadmap_tasks")
    assert "LLM_API_KEY" in error
    assert sum(entry.kind in CONTENTS for entry in model.ledger) == 3
    calls = await database.fetchval("SELECT calls FROM roadmap_tasks")
    assert calls == 3 + 1  # the calls that were cut off gave nothing to count

    model.rules.clear()
    await retry_task(task, actor=ALICE)
    await run_task(task, worker="w")
    assert await pair(database, task) == ("completed", "completed")
    assert (await events(database, task)).count("content_completed") == 30


async def test_what_was_written_before_the_key_was_revoked_stays(
    database: asyncpg.Connection, model: ModelServer, settings_env: pytest.MonkeyPatch
) -> None:
    """Then the task is partly failed, says why, and a retry makes only the rest."""
    model.concepts = 4
    settings_env.setenv("ROADMAP_CONTENT_CONCURRENCY", "1")
    get_settings.cache_clear()
    model.rules.append(Rule("status", status=401, title=r"1\.1\.3"))

    task = await new_task()
    await run_task(task, worker="w")

    assert await pair(database, task) == ("partial_failure", "content_generation")
    done = await database.fetchval("SELECT count(*) FROM contents WHERE status = 'completed'")
    assert done == 6
    assert (await events(database, task)).count("content_failed") == 6
    message = await database.fetchval(
        "SELECT payload->>'message' FROM task_events WHERE type = 'task_partially_failed'"
    )
    assert "LLM_API_KEY" in message

    model.rules.clear()
    await retry_task(task, actor=ALICE)
    await run_task(task, worker="w")
    assert await pair(database, task) == ("completed", "completed")
    written = [(e.kind, e.title) for e in model.ledger if e.kind in CONTENTS and e.outcome == "ok"]
    assert len(written) == len(set(written)) == 12
