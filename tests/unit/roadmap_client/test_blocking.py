"""The blocking client: the same verbs, from threads, from inside a loop, from a forked child."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from roadmap_client import (
    NotFoundError,
    RoadmapClient,
    SyncRoadmapClient,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Make = Callable[..., Any]

TASK = "01990000-0000-7000-8000-000000000000"
OF_ASYNCIO = {"aclose": "close"}


@pytest.fixture
def blocking(script: Any) -> Iterator[SyncRoadmapClient]:
    """A blocking client of the scripted server, which runs in this test's loop."""
    with SyncRoadmapClient(script.url, retries=0) as client:
        yield client


def test_it_has_the_same_verbs() -> None:
    """Every public method is there with the same parameters."""
    for name, method in vars(RoadmapClient).items():
        if name.startswith("_"):
            continue
        twin = inspect.getattr_static(SyncRoadmapClient, OF_ASYNCIO.get(name, name))
        if inspect.isfunction(method):
            ours = {k: p.default for k, p in inspect.signature(method).parameters.items()}
            theirs = {k: p.default for k, p in inspect.signature(twin).parameters.items()}
            assert ours == theirs, name


async def test_it_asks_and_follows(blocking: SyncRoadmapClient, script: Any, event: Make) -> None:
    """Requests are answered and all events come, in order, while a loop runs here."""
    script.log = [event(1), event(2), event(3, "task_completed")]

    def use() -> list[int | None]:
        task = blocking.submit("Learn Rust")
        return [each.seq for each in blocking.follow(task.task_id)]

    assert await asyncio.to_thread(use) == [1, 2, 3]


async def test_errors_are_the_same(blocking: SyncRoadmapClient, script: Any) -> None:
    """What the API refuses is raised where the method was called."""
    script.answers = [(404, {}, {"detail": "No such task."})]
    with pytest.raises(NotFoundError):
        await asyncio.to_thread(blocking.task, TASK)


async def test_leaving_early_ends_it(blocking: SyncRoadmapClient, script: Any, event: Make) -> None:
    """A loop that is left after the first event closes its connection and hinders nobody."""
    script.log = [event(1), event(2, "task_completed")]

    def use() -> str:
        for each in blocking.follow(TASK):
            assert each.seq == 1
            break
        return blocking.task(TASK).status

    assert await asyncio.to_thread(use) == "completed"


def test_it_can_be_closed_from_another_thread() -> None:
    """Who waits for an answer when the client is closed gets an error, not an endless wait."""
    caught: list[BaseException] = []
    entered = threading.Event()

    def wait(client: SyncRoadmapClient) -> None:
        try:
            for _ in client.follow(TASK, on_trouble=lambda _error: entered.set()):
                pass
        except UnreachableError as error:
            caught.append(error)

    client = SyncRoadmapClient("http://127.0.0.1:1", retries=0)
    thread = threading.Thread(target=wait, args=(client,))
    thread.start()
    assert entered.wait(10)
    client.close()
    thread.join(10)
    assert "closed" in str(caught[0])


def test_a_forked_child_has_its_own(script: Any) -> None:
    """After a fork, where threads are gone, the child's calls are answered, too."""
    client = SyncRoadmapClient("http://127.0.0.1:1", retries=0)
    with pytest.raises(UnreachableError):
        client.task(TASK)
    child = os.fork()
    if child == 0:
        try:
            client.task(TASK)
        except UnreachableError:
            os._exit(7)  # it was tried, over there
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    client.close()
