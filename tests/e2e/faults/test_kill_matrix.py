"""SIGKILL of a worker's whole process group, at each point of a task's life."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.commit_hold import (
    CHECKPOINT,
    COMPLETION,
    CONTENT,
    commit_hold,
    until_commits_held,
)
from tests.e2e.faults.judging import check_completed, plain_calls
from tests.e2e.faults.kill_points import BY_NAME, HALF, POINTS, Experiment, kill_at_all
from tests.e2e.faults.whole_set import WHOLE_SET, whole_set_only
from tests.factories import close_loop, new_task

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    from tests.e2e.faults.rig import Rig

CASES = [("threads", point.name) for point in POINTS] + [
    ("prefork", point.name) for point in POINTS if WHOLE_SET or point.name in HALF
]


@pytest.fixture(scope="module")
def experiment(faults_rig: Rig) -> Callable[[str], Experiment]:
    """Run the experiment of a pool once; its tests look at different points of it."""

    @cache
    def run(pool: str) -> Experiment:
        points = [BY_NAME[name] for its_pool, name in CASES if its_pool == pool]

        async def all_of_it() -> Experiment:
            try:
                return await kill_at_all(faults_rig, points, pool=pool)
            finally:
                await close_loop()

        faults_rig.start_redis()
        faults_rig.flush()
        faults_rig.model.reset()
        with faults_rig.client():
            try:
                return asyncio.run(all_of_it())
            finally:
                faults_rig.end_workers()

    return run


@pytest.mark.parametrize(("pool", "name"), CASES, ids=str)
def test_killed_at(
    experiment: Callable[[str], Experiment],
    pool: str,
    name: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Killed there, the task completes, and each step and content is answered once."""
    seen, point = experiment(pool), BY_NAME[name]
    before = seen.killed[name]
    assert before.pair[1] == point.step, f"killed at {before.pair}, not at {point.step}"
    done = [content for content in before.contents if content[3] == "completed"]
    assert len(done) == point.completed, f"killed with {before.contents}"

    check_completed(seen.ended[name], contents=point.contents)
    assert seen.gone[name] == point.held, "the calls that were in flight at the kill"
    assert seen.answered[name] == point.expected, "each call is answered once, not less, not more"
    recovered = seen.ended[name].events.count("task_recovered")
    assert recovered == int(point.claimed), f"{recovered} times task_recovered"
    kept = {content[4:] for content in done}
    assert kept <= {content[4:] for content in seen.ended[name].contents}, "contents were redone"
    record_property("recovery_s", seen.recovery_s.get(name))


async def test_killed_before_commits(rig: Rig, look: asyncpg.Connection) -> None:
    """What was answered but not committed is asked for once more, what was committed is not."""
    # prefork: each child commits by itself, so that three can be held at once
    worker = rig.worker(pool="prefork", concurrency=3)
    writes = {"step": CHECKPOINT, "content": CONTENT, "completion": COMPLETION}
    tasks, killed, answered = {}, {}, {}
    held = {f"^Learn {topic}$": write for topic, write in writes.items()}
    async with commit_hold(rig.database_url, held):
        for topic in writes:
            tasks[topic] = await new_task(goal=f"Learn {topic}")
        await until_commits_held(look, len(writes))
        await rig.until_true(lambda: not rig.model.held(), what="the answers of all calls")
        for topic, task in tasks.items():
            killed[topic] = await rig.see(look, task)
            answered[topic] = rig.model.calls(f"Learn {topic}", "ok")
        worker.kill()
    rig.worker()
    await rig.until_status(look, tasks.values(), sweeping=True)
    lost = {}
    for topic, task in tasks.items():
        committed = {
            f"{kind} of {title}"
            for title, kind, _, status, *_ in killed[topic].contents
            if status == "completed"
        } | {*killed[topic].checkpoints}
        lost[topic] = Counter({call for call in answered[topic] if call not in committed})
        seen = await rig.see(look, task)
        check_completed(seen, contents=6)
        assert rig.model.calls(f"Learn {topic}", "ok") == plain_calls(topic) + lost[topic], topic
        assert seen.row["calls"] == plain_calls(topic).total(), "only committed calls are counted"
    assert lost["step"] == Counter(["curriculum_design"])
    assert any(call.startswith("quiz") for call in lost["content"])
    assert not lost["completion"], "all was committed but the end when the worker was killed"


@whole_set_only
async def test_prefork_child_killed(rig: Rig, look: asyncpg.Connection) -> None:
    """SIGKILL of a prefork child: its worker lives on, and the task goes on in a new child."""
    rig.model.hold("Learn Kites", "tutorial", title="1.1.1$")
    worker = rig.worker(pool="prefork", concurrency=1)
    task = await new_task(goal="Learn Kites")
    await rig.until_held("Learn Kites", 1)
    await rig.until_contents(look, task, 5)
    await rig.kill_children(worker)
    await rig.until_status(look, [task], sweeping=True)
    check_completed(await rig.see(look, task), contents=6)
    assert rig.model.calls("Learn Kites", "ok") == plain_calls("Kites")
    assert rig.model.calls("Learn Kites", "client_gone") == Counter(["tutorial of Kites 1.1.1"])
    assert worker.returncode is None, rig.logs()
