"""What a stack consists of: one spec per process, from the options and the settings."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.child import ChildSpec
from cli.options import FLOWER_HOST
from cli.processes import process_command
from core.environment import STARTED_IN, for_children
from core.given import PREFIX, SECRETS
from core.settings.spelling import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.data_dir import DataDir
    from cli.options import StackOptions
    from core.settings import Settings

_STOP_SPARE_S: Final = 10.0
"""What a worker gets on top of SHUTDOWN_GRACE_S: cancelling the rest, closing connections."""
_HEARTBEAT_S: Final = "5"
"""How often Flower hears of a worker in which nothing happens."""
_NOT_FOR_CHILDREN: Final = frozenset({"api_url", "token", "migration_database_url"})
"""What is for client commands, and the address of a role that they must not have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Where the servers are, passwords included, and the secret that signs tokens."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    auth_secret: str = field(repr=False)
    migration_url: str | None = field(default=None, repr=False)
    """Of the role that owns the tables, for the migration alone; None when it is the same one."""
    process_redis: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Redis as processes see it: `broker`, `publisher`, `reader`; those left out use the above."""


def child_environment(
    settings: Settings, options: StackOptions, addresses: Addresses
) -> dict[str, str]:
    """Return the environment of all children: a chosen part of ours, every setting spelled out.

    What we read from `.env` and secret files is handed on by value, so that the children need
    neither our working folder nor our reading of it.
    """
    env = for_children(os.environ, also=settings.pass_environment)
    given = {
        name: getattr(settings, name)
        for name in settings.model_fields_set
        if name not in _NOT_FOR_CHILDREN
    }
    given |= {
        "database_url": addresses.database_url,
        "redis_url": addresses.process_redis.get("publisher", addresses.redis_url),
        "broker_url": addresses.process_redis.get("broker", addresses.broker_url),
        "auth_secret": addresses.auth_secret,
        "api_host": options.host,
        "api_port": options.port,
        "flower_url": settings.flower_url or options.flower_url,
        "database_processes": max(options.processes, _asked_processes(settings)),
    }
    for name, value in given.items():
        if value is not None:
            env[PREFIX + name.upper()] = as_text(value)
    env["PYTHONUNBUFFERED"] = "1"
    if settings.workflows:
        env[STARTED_IN] = str(Path.cwd())  # where they may stand
    return env


def open_settings(settings: Settings) -> dict[str, str]:
    """Return what the stack was given and is no secret, by field name: others are told of it."""
    return {
        name: as_text(value)
        for name in sorted(settings.model_fields_set)
        if name.upper() not in SECRETS and (value := getattr(settings, name)) is not None
    }


def api_environment(env: dict[str, str], addresses: Addresses) -> dict[str, str]:
    """Return what the API gets instead: it follows events, others only publish them."""
    reader = addresses.process_redis.get("reader")
    return env if reader is None else env | {PREFIX + "REDIS_URL": reader}


def worker_names(options: StackOptions, *, suffix: str = "") -> list[str]:
    """Return the workers' names, `worker1` …; a suffix tells stacks on one broker apart."""
    return [f"worker{number}{suffix}" for number in range(1, options.workers + 1)]


def node_name(worker: str) -> str:
    """Return a worker's node name as Celery spells it."""
    return f"{worker}@{socket.gethostname()}"


def stack_specs(
    options: StackOptions,
    *,
    env: dict[str, str],
    api_env: dict[str, str] | None = None,
    data_dir: DataDir,
    settings: Settings,
    suffix: str = "",
) -> list[ChildSpec]:
    """Return the processes of a stack, in the order in which they are started.

    Args:
        options: What was asked for.
        env: The children's environment.
        api_env: The API's, when it is another one.
        data_dir: Their working folder, so that no module or `.env` lying where `up` was called
            is taken for ours.
        settings: The settings.
        suffix: See `worker_names`.
    """
    level = settings.log_level
    # with nobody else on the broker there is nobody to ask what was revoked, and to wait for
    alone = options.workers == 1 and not suffix
    specs = [
        ChildSpec(
            name=name,
            args=(
                *process_command("worker"), "--pool", str(options.pool),
                "--concurrency", str(options.concurrency),
                "-n", f"{name}{suffix}@%h", "--loglevel", level,
                "--without-gossip", "--heartbeat-interval", _HEARTBEAT_S,
                *(("--without-mingle",) if alone else ()),
            ),
            env={PREFIX + "PULSE_DIR": str(data_dir.pulses)} | env | _metrics(options, 1 + number),
            cwd=data_dir.path,
            grace_s=settings.shutdown_grace_s + _STOP_SPARE_S,
            stop_phase=1,
        )
        for number, name in enumerate(worker_names(options))
    ]  # fmt: skip
    if options.beat:
        args: tuple[str, ...] = (
            *process_command("beat"),
            "--loglevel",
            level,
        )
        specs.append(
            ChildSpec(
                name="beat",
                args=args,
                env=env | _metrics(options, 0),
                cwd=data_dir.path,
                grace_s=5,
                essential=False,
            )
        )
    api = (
        *process_command("api"), "--host", options.host, "--port", str(options.port),
        "--pid-file", str(data_dir.api_pid_file),
    )  # fmt: skip
    specs.append(ChildSpec(name="api", args=api, env=api_env or env, cwd=data_dir.path, grace_s=10))
    if options.flower_port:
        args = (
            *process_command("flower"),
            f"--address={FLOWER_HOST}",
            f"--port={options.flower_port}",
            "--enable_events=False",  # our workers always tell: nobody has to ask them for it
        )
        specs.append(
            ChildSpec(
                name="flower",
                args=args,
                env=env | {"FLOWER_BASIC_AUTH": data_dir.flower_auth()},
                cwd=data_dir.path,
                grace_s=3,
                essential=False,
                early=True,
            )
        )
    return specs


def _metrics(options: StackOptions, number: int) -> dict[str, str]:
    """Return what lets a process serve metrics: each on a port of its own."""
    if options.metrics_port is None:
        return {}
    return {PREFIX + "METRICS_PORT": str(options.metrics_port + number)}


def _asked_processes(settings: Settings) -> int:
    """Return DATABASE_PROCESSES when given: other machines may share the budget."""
    given = "database_processes" in settings.model_fields_set
    return settings.database_processes if given else 0
