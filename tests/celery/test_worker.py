"""The worker as Celery's own test nodes see it: broker, control, kill, restart, log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories import until

if TYPE_CHECKING:
    from tests.celery.nodes import RoadmapSetup, RoadmapWorker
    from tests.celery.roadmaps import Roadmaps


async def test_generates(celery_setup: RoadmapSetup, roadmaps: Roadmaps, pool: str) -> None:
    """It answers a control ping, and a foreign program's message becomes a roadmap.

    It takes both queues, and its pool is the one that was asked for.
    """
    assert celery_setup.ready(control=True)
    node = celery_setup.worker.hostname()
    inspect = celery_setup.app.control.inspect([node], timeout=5)
    queues = inspect.active_queues()[node]
    assert {queue["name"] for queue in queues} == {"roadmap", "maintenance"}
    implementation = inspect.stats()[node]["pool"]["implementation"]
    assert ("prefork" in implementation) is (pool == "prefork"), implementation
    processes = celery_setup.worker.get_running_processes_info(["pid"])
    # the main process, one child a slot, and the spare one
    assert len(processes) == (1 + 2 + 1 if pool == "prefork" else 1)

    task = roadmaps.ask("Kites")
    await roadmaps.until_completed(task)
    roadmaps.check_answered_once("Kites")
    told = await roadmaps.events(task)
    assert (told[0], told[1], told[-1]) == ("task_queued", "task_started", "task_completed")
    worker = celery_setup.worker
    worker.assert_log_exists('"task_claimed"')
    worker.assert_log_exists(str(task))
    worker.assert_log_does_not_exist("attached to a different loop")
    worker.assert_log_does_not_exist("Traceback")


async def test_killed_and_restarted(celery_setup: RoadmapSetup, roadmaps: Roadmaps) -> None:
    """Killed in the middle of a task and started again, it completes it without redoing a step."""
    roadmaps.model.hold("Learn Kites", "structure_validation")
    task = roadmaps.ask("Kites")
    await roadmaps.until_held("Kites", "structure_validation")
    celery_setup.worker.kill()
    assert celery_setup.worker.container.status == "exited"
    celery_setup.worker.restart()
    await roadmaps.until_completed(task, sweeping=True)
    roadmaps.check_answered_once("Kites")
    assert (await roadmaps.events(task)).count("task_recovered") == 1


async def test_drains(celery_setup: RoadmapSetup, roadmaps: Roadmaps) -> None:
    """On SIGTERM it ends the step it is in, gives the task back, says so, and exits with 0."""
    gates = roadmaps.model.gate("Learn Kites", "curriculum_design")
    task = roadmaps.ask("Kites")
    await roadmaps.until_held("Kites", "curriculum_design")
    worker = celery_setup.worker
    worker.kill(signal="SIGTERM")
    worker.assert_log_exists('"worker_draining"')
    worker.assert_log_exists('"drain_begun"')
    roadmaps.model.open(*gates)
    assert worker.container.wait_end() == 0, worker.logs()
    worker.assert_log_exists('"lease_released"')
    assert (await roadmaps.events(task)).count("step_completed") == 2, "the step was not ended"
    worker.restart()
    await roadmaps.until_completed(task)
    roadmaps.check_answered_once("Kites")
    assert "task_recovered" not in await roadmaps.events(task)


async def test_broker_restarts(celery_setup: RoadmapSetup, roadmaps: Roadmaps) -> None:
    """The broker restarts empty, while the worker is busy and while idle: it lives and works on."""
    gates = roadmaps.model.gate("Learn Kites", "curriculum_design")
    busy = roadmaps.ask("Kites")
    await roadmaps.until_held("Kites", "curriculum_design")
    (main, *_) = celery_setup.worker.get_running_processes_info(["pid", "create_time"])
    celery_setup.broker.restart(force=True)
    roadmaps.model.open(*gates)
    await roadmaps.until_completed(busy)
    later = roadmaps.ask("Sails")
    await roadmaps.until_completed(later)

    celery_setup.broker.restart(force=True)
    latest = roadmaps.ask("Ropes")
    await roadmaps.until_completed(latest)
    for topic in ("Kites", "Sails", "Ropes"):
        roadmaps.check_answered_once(topic)
    assert celery_setup.worker.container.status == "running"
    assert main in celery_setup.worker.get_running_processes_info(["pid", "create_time"])


async def test_failover(
    celery_setup: RoadmapSetup, second_worker: RoadmapWorker, roadmaps: Roadmaps
) -> None:
    """Of two workers the busy one is killed: the other one completes its task."""
    roadmaps.model.hold("Learn Kites", "curriculum_design")
    task = roadmaps.ask("Kites")
    await roadmaps.until_held("Kites", "curriculum_design")
    owner = await roadmaps.owner(task)
    workers = {worker.hostname(): worker for worker in (celery_setup.worker, second_worker)}
    workers.pop(owner).kill()
    await roadmaps.until_completed(task, sweeping=True)
    (survivor,) = workers.values()
    survivor.assert_log_exists(str(task))
    roadmaps.check_answered_once("Kites")


async def test_flushed(celery_setup: RoadmapSetup, roadmaps: Roadmaps) -> None:
    """FLUSHALL with tasks waiting and running: those that wait are rung for, all complete."""
    gates = roadmaps.model.gate("Learn Kites [0-9]", "intent_analysis")
    topics = [f"Kites {number}" for number in range(5)]
    tasks = [roadmaps.ask(topic) for topic in topics]

    async def two_run() -> bool:
        return roadmaps.model.held() == 2

    await until(two_run, within_s=20, what="two running tasks")
    await roadmaps.accept(tasks, topics)
    redis = celery_setup.broker.container.client
    redis.flushall()
    redis.close()
    roadmaps.model.open(*gates)
    await roadmaps.rings_were_long_ago()
    await roadmaps.until_completed(*tasks, sweeping=True)
    for topic in topics:
        roadmaps.check_answered_once(topic)
