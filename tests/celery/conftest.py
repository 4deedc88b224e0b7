"""pytest-celery's fixtures, with nodes that are processes of this machine.

`CELERY_NODES=docker` runs the same tests in containers: Redis's official image and ours, built
from the `Dockerfile`, on the host's network (Linux). Without an engine everything is skipped then.
"""

from __future__ import annotations

import contextlib
import gc
import os
import warnings
from typing import TYPE_CHECKING, Any

import docker  # type: ignore[import-untyped]  # it publishes no types
import pytest
from docker.errors import DockerException  # type: ignore[import-untyped]  # ditto
from pytest_celery import CeleryBackendCluster, CeleryBrokerCluster, CeleryWorkerCluster
from pytest_docker_tools import build, container, fxtr

from tests.celery.nodes import (
    DockerRedis,
    DockerWorkerContainer,
    LocalRedis,
    RoadmapSetup,
    RoadmapWorker,
    RoadmapWorkerContainer,
    local_redis,
    local_worker,
)
from tests.celery.roadmaps import Roadmaps
from tests.e2e.faults.scripted_model import ScriptedModel
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.e2e.faults.worker_process import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import asyncpg
    from pytest_celery import RedisTestBackend, RedisTestBroker

DOCKER = os.environ.get("CELERY_NODES") == "docker"
OLDEST_DOCKER_API = "1.41"
SLOTS = "2"

docker_image = build(path=str(ROOT), tag="roadmap-worker:test")
docker_redis = container(
    image="redis:8",
    command=fxtr("docker_redis_command"),
    network_mode="host",
    wrapper_class=DockerRedis,
)
docker_worker = container(
    image="{docker_image.id}",
    command=fxtr("default_worker_command"),
    environment=fxtr("default_worker_env"),
    network_mode="host",
    wrapper_class=DockerWorkerContainer,
)
docker_second_worker = container(
    image="{docker_image.id}",
    command=fxtr("default_worker_command"),
    environment=fxtr("default_worker_env"),
    network_mode="host",
    wrapper_class=DockerWorkerContainer,
)


def no_engine() -> str:
    """Return why there is no Docker engine, or nothing when one answers."""
    with warnings.catch_warnings():
        # a connection that docker's client could not make is left to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        client = docker.from_env(version=OLDEST_DOCKER_API)  # a version given is none asked for
        try:
            client.ping()
        except (DockerException, OSError) as error:
            return str(error)
        else:
            return ""
        finally:
            client.close()
            gc.collect()


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    if DOCKER and (why := no_engine()):
        pytest.skip(f"CELERY_NODES=docker, but NOTHING WAS TESTED: no Docker engine answers: {why}")


ON_BOTH_POOLS_ELSEWHERE = {
    "test_broker_restarts", "test_drains", "test_failover", "test_flushed",
    "test_killed_and_restarted",
}  # fmt: skip
"""tests/e2e/faults has the same on prefork; here it runs there too with FAULTS=all."""


@pytest.fixture(params=["threads", "prefork"])
def pool(request: pytest.FixtureRequest) -> str:
    """Celery's worker pool."""
    repeated = request.node.originalname in ON_BOTH_POOLS_ELSEWHERE
    if request.param == "prefork" and repeated and not WHOLE_SET:
        pytest.skip("on prefork with FAULTS=all (make chaos)")
    return str(request.param)


@pytest.fixture(scope="session")
def celery_model() -> Iterator[ScriptedModel]:
    """The scripted model of all these tests."""
    with ScriptedModel() as server:
        yield server


@pytest.fixture
def model(celery_model: ScriptedModel) -> ScriptedModel:
    """The scripted model, with an empty ledger."""
    celery_model.reset()
    return celery_model


# --- broker and backend --------------------------------------------------------------------------


@pytest.fixture
def default_redis_broker_cls() -> type[LocalRedis]:
    """Our Redis."""
    return DockerRedis if DOCKER else LocalRedis


@pytest.fixture
def docker_redis_command() -> list[str]:
    """The command of Redis in a container."""
    return DockerRedis.command()


@pytest.fixture
def default_redis_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalRedis]:
    """A Redis of the test's own: an embedded server's program, or a container."""
    if DOCKER:
        yield request.getfixturevalue("docker_redis")
        return
    redis = local_redis(tmp_path, name="redis")
    yield redis
    redis.teardown()


@pytest.fixture
def default_redis_backend(default_redis_broker: LocalRedis) -> LocalRedis:
    """The broker's: our app has no result backend, since results are rows."""
    return default_redis_broker


@pytest.fixture
def celery_broker_cluster(celery_redis_broker: RedisTestBroker) -> Iterator[CeleryBrokerCluster]:
    """Redis alone; by default RabbitMQ would be tried as well."""
    cluster = CeleryBrokerCluster(celery_redis_broker)
    yield cluster
    cluster.teardown()


@pytest.fixture
def celery_backend_cluster(
    celery_redis_backend: RedisTestBackend,
) -> Iterator[CeleryBackendCluster]:
    """Ditto."""
    cluster = CeleryBackendCluster(celery_redis_backend)
    yield cluster
    cluster.teardown()


# --- workers -------------------------------------------------------------------------------------


@pytest.fixture
def default_worker_cls() -> type[RoadmapWorker]:
    """Our node."""
    return RoadmapWorker


@pytest.fixture
def default_worker_container_cls() -> type[RoadmapWorkerContainer]:
    """Our container."""
    return DockerWorkerContainer if DOCKER else RoadmapWorkerContainer


@pytest.fixture(scope="session")
def default_worker_container_session_cls() -> type[RoadmapWorkerContainer]:
    """Ditto, where pytest-celery asks once per run."""
    return RoadmapWorkerContainer


@pytest.fixture
def default_worker_command(
    default_worker_container_cls: type[RoadmapWorkerContainer], pool: str
) -> list[str]:
    """The worker's command, with the pool."""
    return default_worker_container_cls.command("-P", pool, "-c", SLOTS)


@pytest.fixture
def default_worker_env(
    default_worker_container_cls: type[RoadmapWorkerContainer],
    celery_worker_cluster_config: dict[str, Any],
    postgres_url: str,
    database: asyncpg.Connection,
    model: ScriptedModel,
) -> dict[str, Any]:
    """The worker's settings; its database is emptied before it enters itself there."""
    settings = {
        "DATABASE_URL": postgres_url,
        "LLM_PROVIDER": "openai",
        "LLM_BASE_URL": model.base_url,
        "LLM_API_KEY": "no-secret",
        "LEASE_S": "3",
    }
    return default_worker_container_cls.initial_env(celery_worker_cluster_config, settings)


@contextlib.contextmanager
def _worker(
    request: pytest.FixtureRequest,
    folder: Path,
    docker_name: str,
    command: list[str],
    env: dict[str, Any],
) -> Iterator[RoadmapWorkerContainer]:
    if DOCKER:
        yield request.getfixturevalue(docker_name)
        return
    name = docker_name.removeprefix("docker_")
    worker = local_worker(folder, name=name, command=command, env=env)
    try:
        worker.ready()
        yield worker
    finally:
        worker.teardown()


@pytest.fixture
def default_worker_container(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    default_worker_command: list[str],
    default_worker_env: dict[str, Any],
) -> Iterator[RoadmapWorkerContainer]:
    """A worker."""
    with _worker(
        request, tmp_path, "docker_worker", default_worker_command, default_worker_env
    ) as worker:
        yield worker


@pytest.fixture
def second_worker_container(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    default_worker_command: list[str],
    default_worker_env: dict[str, Any],
) -> Iterator[RoadmapWorkerContainer]:
    """Another one on the same broker, for the tests that want it."""
    with _worker(
        request, tmp_path, "docker_second_worker", default_worker_command, default_worker_env
    ) as worker:
        yield worker


@pytest.fixture
def second_worker(
    second_worker_container: RoadmapWorkerContainer, celery_setup: RoadmapSetup
) -> RoadmapWorker:
    """The other one's node."""
    return RoadmapWorker(second_worker_container, celery_setup.app)


@pytest.fixture
def celery_worker_cluster(celery_setup_worker: RoadmapWorker) -> Iterator[CeleryWorkerCluster]:
    """One worker."""
    cluster = CeleryWorkerCluster(celery_setup_worker)
    yield cluster
    cluster.teardown()


@pytest.fixture
def celery_setup_cls() -> type[RoadmapSetup]:
    """Our setup, with a foreign program's app."""
    return RoadmapSetup


# --- what tests ask for --------------------------------------------------------------------------


@pytest.fixture
async def roadmaps(
    database: asyncpg.Connection, celery_setup: RoadmapSetup, model: ScriptedModel
) -> AsyncIterator[Roadmaps]:
    """Asks for roadmaps through the broker node, and looks into the emptied database."""
    yield Roadmaps(app=celery_setup.app, database=database, model=model)
    celery_setup.app.close()
