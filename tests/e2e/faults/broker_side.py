"""The broker of the fault tests: what is sent over it, and how it is broken."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from celery import Celery
from kombu.exceptions import KombuError
from redis import Redis
from redis.exceptions import RedisError

from core.ids import new_id

if TYPE_CHECKING:
    from embedded import EmbeddedRedis
    from workflow import doorbell


def foreign_app(broker_url: str) -> Celery:
    """Return an app of somebody else's: it knows a broker, a task's name and nothing more."""
    app = Celery("elsewhere", broker=broker_url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        broker_transport_options={"socket_timeout": 2, "socket_connect_timeout": 2},
    )
    return app


class BrokerSide:
    """Sends what other programs and beat send, and breaks Redis."""

    def __init__(self, redis: EmbeddedRedis) -> None:
        self.redis = redis
        self._app = foreign_app(redis.url)

    @property
    def foreign(self) -> Celery:
        """Another program's application on the same broker."""
        return self._app

    def send(self, task_id: str, goal: str, *, user: str = "alice") -> None:
        """Ask for a task as a program without our code does."""
        kwargs = {
            "task_id": task_id,
            "user_id": user,
            "request": {"goal": goal, "review": False},
        }
        self._app.send_task(
            "roadmap.generate", queue="roadmap", task_id=task_id, kwargs=kwargs, retry=False
        )

    def _ring(self, ring: doorbell.Ring) -> None:
        task_id = str(ring.task_id)
        # a lost ring is no loss
        with contextlib.suppress(KombuError, RedisError, OSError):
            self._app.send_task(
                str(ring.reason),
                queue="roadmap",
                kwargs={"task_id": task_id},
                task_id=task_id if ring.first else f"{task_id}.{new_id().hex[-8:]}",
                headers={"rung_at": ring.at.isoformat()},
                retry=False,
            )

    def sweep(self, *, in_s: float = 0) -> None:
        """Ask for `maintenance.recover`, as beat does, now or later."""
        with contextlib.suppress(KombuError, RedisError, OSError):
            self._app.send_task(
                "maintenance.recover",
                queue="maintenance",
                countdown=in_s or None,
                expires=in_s + 15,
                retry=False,
            )

    def broker(self) -> Redis:
        """Return a blocking client of the broker; the caller closes it."""
        return Redis.from_url(self.redis.url, socket_timeout=5)

    def queued(self) -> int:
        """Return how many rings wait in the queue."""
        with self.broker() as client:
            length: Any = client.llen("roadmap")
        return int(length)

    def flush(self) -> None:
        """FLUSHALL."""
        with self.broker() as client:
            client.flushall()

    def redis_signal(self, number: signal.Signals) -> None:
        """Send a signal to the Redis server."""
        pid = self.redis.pid
        assert pid is not None, "Redis does not run"
        os.kill(pid, number)

    def kill_redis(self) -> None:
        """SIGKILL Redis, and return when it is dead; it is started again by `start_redis`."""
        self.redis_signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while self.redis.alive():
            assert time.monotonic() < deadline, "Redis survived SIGKILL"
            time.sleep(0.01)

    def start_redis(self) -> None:
        """Start Redis again unless it runs; on its old port, so that clients come back."""
        if not self.redis.alive():
            self.redis.start()
