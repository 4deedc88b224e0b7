"""A thread that lives as long as this process, for work tied to the life of a thread.

Linux sends a child its parent-death signal when the *thread* that forked it ends (prctl(2),
PR_SET_PDEATHSIG), not when the process does. A child forked from a pool's worker thread would
therefore be killed when the pool shrinks. The main thread lasts; so does the one made here.
"""

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

_guard = threading.Lock()
_jobs: dict[int, queue.SimpleQueue[Callable[[], None]]] = {}


def on_lasting_thread(work: Callable[[], T]) -> T:
    """Run `work` on a thread that ends only with the process, and return what it returns.

    On the main thread it is simply called. Elsewhere it runs on one daemon thread, made at the
    first call; an error raised by `work` is raised here. A daemon, because a thread that the
    interpreter joins ends before the ``atexit`` handlers run, and would take the children along.
    """
    if threading.current_thread() is threading.main_thread():
        return work()
    future: Future[T] = Future()

    def job() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
            future.set_exception(error)

    _queue_of_this_process().put(job)
    return future.result()


def _queue_of_this_process() -> queue.SimpleQueue[Callable[[], None]]:
    # Keyed by pid: after a fork the thread is gone though its queue was copied.
    with _guard:
        jobs = _jobs.get(os.getpid())
        if jobs is None:
            jobs = _jobs[os.getpid()] = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(jobs,), name="spawner", daemon=True).start()
        return jobs


def _serve(jobs: queue.SimpleQueue[Callable[[], None]]) -> None:
    while True:
        jobs.get()()
