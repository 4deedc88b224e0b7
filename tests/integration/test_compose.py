"""docker-compose.yml: valid by Compose's schema, careful, and every command runs."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import signal
import subprocess
from dataclasses import replace
from shlex import quote
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft201909Validator
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.given import PREFIX, SECRETS
from core.settings import Settings
from embedded import EmbeddedPostgres
from embedded.postgres_binaries import find_postgres
from embedded.redis_binary import OLDEST, find_redis
from tests.factories import until
from tests.integration.compose_services import (
    COMPOSE,
    ROOT,
    SERVICES,
    Local,
    Service,
    make_secrets,
    ports,
)
from tests.integration.image_package import copy_context, install
from tests.nginx import proxying
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = ("migrate", "api", "worker", "beat", "flower")
SCHEMA = ROOT / "tests/contracts/compose-spec.schema.json"
"""The Compose specification's, https://github.com/compose-spec/compose-spec, Apache-2.0."""
NOT_RUN = {"postgres", "grafana"}
"""Other people's images with their own commands; ours say nothing there."""


def test_it_is_valid_by_the_schema() -> None:
    """The file has the shape that the Compose specification demands."""
    # `name` came into the specification after this edition of its schema
    document = {key: value for key, value in COMPOSE.items() if key != "name"}
    Draft201909Validator(json.loads(SCHEMA.read_text())).validate(document)


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_confined(name: str) -> None:
    """Not root, no capabilities, nothing writable but /tmp, secrets by file, known settings."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    known |= {f"{PREFIX}{secret}_FILE" for secret in SECRETS}
    given = {key for key in service["environment"] if key.startswith(PREFIX)}
    assert given <= known
    assert not given & {PREFIX + secret for secret in SECRETS}, "a secret by value"
    assert set(service["secrets"]) <= COMPOSE["secrets"].keys()
    users = re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["roadmap"]
    if name != "migrate":
        assert service["healthcheck"]["test"]
        assert service["deploy"]["resources"]["limits"]["memory"]


def test_a_worker_has_time_to_drain() -> None:
    """Compose waits for longer than the worker lets its steps end and cleans up."""
    grace = float(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace >= Settings.model_fields["shutdown_grace_s"].default + 20


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image has of ours, installed from the files that the Dockerfile copies."""
    context = tmp_path_factory.mktemp("context")
    target = tmp_path_factory.mktemp("image")
    copied = copy_context(context)
    install(context, target)
    # what were missing there would be found in the source tree, and nobody would see
    packages = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    assert (packages | {"roadmap_client"}) - {"bench", "chaos"} == {
        path.parts[0] for path in copied
    }
    left_out = {path for path in copied if not (target / path).exists()}
    assert not left_out, "pyproject.toml names no such files: package-data"
    return target


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, package: Path
) -> Iterator[tuple[Local, Service]]:
    """PostgreSQL embedded, Redis by its service's command, and secrets that name them."""
    folder = tmp_path_factory.mktemp("compose")
    secrets = folder / "secrets"
    make_secrets(secrets)
    numbers = ports("api", "flower", "redis")
    local = Local(
        folder,
        secrets,
        replaced={
            "8000": str(numbers["api"]),
            "5555": str(numbers["flower"]),
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - replaced
            "172.31.250.10": "127.0.0.1",  # nginx
            "valkey-server ": f"{quote(str(find_redis(None, oldest=OLDEST).program))}"
            f" --bind 127.0.0.1 --port {numbers['redis']} ",
        },
        package=package,
    )
    password = (secrets / "redis_password").read_text()
    for name in ("redis_url", "broker_url", "reader_url"):
        address = (secrets / name).read_text()
        here = address.replace("@redis:6379", f"@127.0.0.1:{numbers['redis']}")
        (secrets / name).write_text(here)
    (secrets / "admin_url").write_text(f"redis://:{password}@127.0.0.1:{numbers['redis']}/0")
    redis = Service("redis", local)
    with EmbeddedPostgres(folder / "postgres-here") as postgres:
        _make_roles(postgres.url, secrets)
        for name in ("database_url", "migration_database_url"):
            address = (secrets / name).read_text()
            here = address.replace("@postgres:5432", f"@127.0.0.1:{postgres.port}")
            (secrets / name).write_text(here)
        redis.start()
        yield local, redis
        redis.stop()


def _make_roles(url: str, secrets: Path) -> None:
    """Run what deploy/roles.sh runs in its container."""
    script = (ROOT / "deploy/roles.sh").read_text()
    psql = str(find_postgres(None, account=None, major=None).psql)
    for theirs, ours in (
        ("/run/secrets", str(secrets)),  # within quotes there
        ("/etc/roadmap", shlex.quote(str(ROOT / "deploy"))),
        ("psql --no-psqlrc", f"{shlex.quote(psql)} --no-psqlrc"),
        ("--username=roadmap --dbname=roadmap", shlex.quote(url)),
    ):
        assert theirs in script
        script = script.replace(theirs, ours)
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_every_command_runs(servers: tuple[Local, Service]) -> None:
    """The stack comes up service by service, is healthy, makes a roadmap, and stops in order.

    It runs what the image contains, not the source tree.
    """
    local, _redis = servers
    await until(lambda: _pings(local), what="Redis")
    migrate = Service("migrate", local)
    assert migrate.run() == 0, migrate.log.read_text()
    running = []
    for name in ("api", "worker", "beat", "flower"):
        own = ports("metrics")["metrics"]  # each container has its own 9100
        there = replace(local, replaced={**local.replaced, "9100": str(own)})
        service = Service(name, there)
        service.start()
        running.append(service)
    try:
        for service in running:
            await until(
                lambda service=service: asyncio.to_thread(service.healthy),  # type: ignore[misc]
                within_s=60,
                what=f"{service.name} healthy",
            )
        api = f"http://127.0.0.1:{local.replaced['8000']}"
        await _generate(api, running[0])
        async with httpx.AsyncClient(base_url=api, timeout=20) as client:
            assert (await client.get("/")).status_code == 200
        nginx = local.folder / "nginx"
        nginx.mkdir()
        assert SERVICES["nginx"]["command"] == ["nginx", "-g", "daemon off;"]
        with proxying(api, nginx) as proxied:
            async with httpx.AsyncClient(base_url=proxied.address, timeout=20) as client:
                assert (await client.get("/livez")).status_code == 200
    finally:
        codes = {service.name: service.stop() for service in reversed(running)}
    # uvicorn ends by the signal that it was sent, once all is closed
    assert codes == dict.fromkeys(codes, 0) | {"api": -signal.SIGTERM}


async def test_prometheus_finds_everything(servers: tuple[Local, Service]) -> None:
    """Prometheus starts with its command, our rules and our scrape configuration."""
    local, _redis = servers
    port = ports("prometheus")["prometheus"]
    here = local.folder / "prometheus.yml"
    config = (ROOT / "deploy/prometheus.yml").read_text()
    # beside it, for our own folder may have a comma in its name, which YAML would split at
    shutil.copy(ROOT / "deploy/alerts.yml", local.folder)
    here.write_text(config.replace("/etc/prometheus/", f"{local.folder}/"))
    there = Local(
        local.folder,
        local.secrets,
        replaced={
            "/etc/prometheus/prometheus.yml": str(here),
            "=/prometheus": f"={local.folder}/prometheus",
        },
    )
    program = need_program("prometheus")
    words = [there.text(word) for word in SERVICES["prometheus"]["command"]]
    process = await asyncio.create_subprocess_exec(
        program, *words, f"--web.listen-address=127.0.0.1:{port}", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def rules() -> Any:
                try:
                    return (await client.get("/api/v1/rules")).json()["data"]["groups"]
                except (httpx.TransportError, ValueError):
                    return None

            (group,) = await until(rules, what="Prometheus")
            jobs = (await client.get("/api/v1/status/config")).json()["data"]["yaml"]
    finally:
        process.terminate()
        await process.wait()
    assert len(group["rules"]) > 10
    assert set(re.findall(r"job_name: (\w+)", jobs)) == {"api", "worker", "beat"}


def test_no_service_is_forgotten() -> None:
    """Every service is run by a test here, or is somebody else's image as it is."""
    run = {"redis", "nginx", "prometheus", *OURS}
    assert run | NOT_RUN == SERVICES.keys()


async def _pings(local: Local) -> bool:
    client: Redis = Redis.from_url((local.secrets / "admin_url").read_text())
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()


async def _generate(api: str, service: Service) -> None:
    """Ask for a roadmap as `docker compose exec api roadmap token` lets one do."""
    minting = await asyncio.create_subprocess_exec(
        *(service.local.programs["roadmap"], "token", "--user", "alice"),
        env=service.env,
        cwd=service.local.folder,
        stdout=asyncio.subprocess.PIPE,
    )
    token, _ = await minting.communicate()
    headers = {"Authorization": f"Bearer {token.decode().strip()}"}
    async with httpx.AsyncClient(base_url=f"{api}/api/v1", headers=headers, timeout=20) as client:
        body = {"goal": "Learn Rust", "review": False}
        task = (await client.post("/tasks", json=body)).json()

        async def done() -> bool:
            found = (await client.get(f"/tasks/{task['task_id']}")).json()
            return bool(found["status"] == "completed")

        await until(done, within_s=40, what="a roadmap")
