"""pytest-celery's containers, nodes and setup for our worker, as local processes or in Docker."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import psutil
from celery import Celery
from pytest_celery import (
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerContainer,
    RedisContainer,
)
from pytest_docker_tools.wrappers.container import wait_for_callable
from redis.exceptions import RedisError

from embedded.ports import LOOPBACK, free_port
from embedded.redis_binary import OLDEST, find_redis
from tests.celery.local_process import LocalProcess
from tests.e2e.faults.worker_process import ROOT, program_environment

if TYPE_CHECKING:
    from pathlib import Path

READY_S: Final = 60
QUEUES: Final = "roadmap,maintenance"


class LocalRedis(RedisContainer):  # type: ignore[misc]  # it publishes no types
    """A Redis on loopback, the same for us and for the worker."""

    @property
    def hostname(self) -> str:
        """Where it listens."""
        return LOOPBACK

    @property
    def port(self) -> int:
        """Its port: it needs no mapping."""
        return int(self.ports["6379/tcp"][0])

    @property
    def url(self) -> str:
        """The address for workers, which is everybody's."""
        return f"{self.prefix()}{LOOPBACK}:{self.port}/{self.vhost}"

    @property
    def host_url(self) -> str:
        """The address for us."""
        return self.url

    @classmethod
    def command(cls, *args: str, **kwargs: Any) -> list[str]:
        """Return the image's command, on loopback and on a free port."""
        port = kwargs.get("port") or free_port()
        command: list[str] = super().command("--bind", LOOPBACK, "--port", str(port), *args)
        return command

    def ready(self) -> bool:
        """Wait until it accepts connections: the log of an earlier life does not count."""
        wait_for_callable(f"Waiting for {self.name}", self._answers, timeout=READY_S)
        return True

    def _answers(self) -> bool:
        assert self.status == "running", f"{self.name} ended:\n{self.logs()}"
        try:
            return bool(self.client and self.client.ping())
        except (RedisError, OSError):
            return False

    def teardown(self) -> None:
        """End the process."""
        self._container.remove()


class RoadmapWorkerContainer(CeleryWorkerContainer):  # type: ignore[misc]  # it publishes no types
    """Our worker; the pool is appended by the fixture."""

    @classmethod
    def command(cls, *args: str, **_: Any) -> list[str]:
        """Return `celery -A worker worker`."""
        return [
            *(sys.executable, "-m", "celery", "-A", "worker", "worker"),
            *("-n", f"{cls.worker_name()}@%h", "-Q", cls.worker_queue(), *args),
        ]

    @classmethod
    def version(cls) -> str:
        """Celery's version: the installed one."""
        import celery

        return str(celery.__version__)

    @classmethod
    def worker_name(cls) -> str:
        """The first half of the node's name."""
        return "roadmap"

    @classmethod
    def worker_queue(cls) -> str:
        """Both queues."""
        return QUEUES

    @classmethod
    def initial_env(
        cls, celery_worker_cluster_config: dict[str, Any], initial: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return our settings, with the broker that the cluster has."""
        (broker,) = celery_worker_cluster_config["celery_broker_cluster_config"]["urls"]
        return program_environment(
            {"LOG_FORMAT": "json", "REDIS_URL": broker, "BROKER_URL": broker, **(initial or {})}
        )

    def ready(self) -> bool:
        """Wait for this life's `worker_ready`; one that ended is an error, not a longer wait."""
        wait_for_callable(f"Waiting for {self.name}", self._says_ready, timeout=READY_S)
        return True

    def _says_ready(self) -> bool:
        self.reload()
        log = self.logs_of_this_life()
        assert self.status == "running", f"{self.name} ended while starting:\n{log}"
        return '"worker_ready"' in log

    def logs_of_this_life(self) -> str:
        """Return what it logged since its last start."""
        return str(self._container.logs_of_this_life())

    def wait_end(self) -> int:
        """Return its exit code when it has ended."""
        return int(self._container.wait()["StatusCode"])

    def processes(self) -> list[psutil.Process]:
        """Return its living processes."""
        found: list[psutil.Process] = self._container.processes()
        return found

    def teardown(self) -> None:
        """End the process and its children."""
        self._container.remove()


class RoadmapWorker(CeleryTestWorker):  # type: ignore[misc]  # it publishes no types
    """A node of our worker."""

    def get_running_processes_info(
        self, columns: list[str] | None = None, filters: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Return what psutil tells of the node's processes."""
        found = [process.as_dict(attrs=columns) for process in self.container.processes()]
        wanted = (filters or {}).items()
        return [info for info in found if all(info.get(key) == value for key, value in wanted)]


class RoadmapSetup(CeleryTestSetup):  # type: ignore[misc]  # it publishes no types
    """The nodes with an app that stands for a foreign program: it has none of our code."""

    @classmethod
    def name(cls) -> str:
        """The app's name."""
        return "elsewhere"

    @classmethod
    def create_setup_app(
        cls, celery_setup_config: dict[str, Any], celery_setup_app_name: str
    ) -> Celery:
        """Return the app; there is no result backend, since results are rows."""
        app = Celery(celery_setup_app_name, set_as_current=False)
        app.conf.update(broker_url=celery_setup_config["broker_url"], task_ignore_result=True)
        return app


class DockerRedis(LocalRedis):
    """The same in a container on the host's network; the port is the one it was told."""

    @property
    def port(self) -> int:
        """The port in its command."""
        command: list[str] = self.attrs["Config"]["Cmd"]
        return int(command[command.index("--port") + 1])

    def teardown(self) -> None:
        """Docker's fixture removes it."""


class DockerWorkerContainer(RoadmapWorkerContainer):
    """The same in a container of our image on the host's network."""

    @classmethod
    def command(cls, *args: str, **_: Any) -> list[str]:
        """Return the command with the image's own Python."""
        return ["python", *super().command(*args)[1:]]

    @classmethod
    def initial_env(
        cls, celery_worker_cluster_config: dict[str, Any], initial: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return our settings alone: the host's paths mean nothing inside."""
        env = super().initial_env(celery_worker_cluster_config, initial)
        return {name: value for name, value in env.items() if name.startswith("ROADMAP_")}

    def logs_of_this_life(self) -> str:
        """Return what it logged since its last start."""
        started = datetime.fromisoformat(self.attrs["State"]["StartedAt"][:26] + "+00:00")
        log: bytes = self._container.logs(since=started)
        return log.decode()

    def processes(self) -> list[psutil.Process]:
        """Return its processes as the host sees them."""
        rows = self._container.top()["Processes"]
        return [psutil.Process(int(row[1])) for row in rows]

    def teardown(self) -> None:
        """Docker's fixture removes it."""


def local_redis(folder: Path, *, name: str) -> LocalRedis:
    """Start a Redis process."""
    port = free_port()
    binary = find_redis(None, oldest=OLDEST)
    process = LocalProcess(
        name=name,
        command=[str(binary.program), *LocalRedis.command(port=port)[1:], "--dir", str(folder)],
        env=program_environment({}),
        folder=folder,
        ports={"6379/tcp": port},
    )
    process.start()
    redis = LocalRedis(process)
    redis.ready()
    return redis


def local_worker(
    folder: Path, *, name: str, command: list[str], env: dict[str, str]
) -> RoadmapWorkerContainer:
    """Start a worker process; `ready` waits for it."""
    process = LocalProcess(name=name, command=command, env=env, folder=folder, cwd=ROOT)
    process.start()
    return RoadmapWorkerContainer(process)
