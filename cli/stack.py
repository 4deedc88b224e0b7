"""A stack on this machine: servers, processes, readiness, `stack.json`; from start to stop."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from cli.child_logs import LogPump
from cli.exits import CommandError, failed, unreachable
from cli.moved_ports import elsewhere
from cli.plan import (
    Addresses,
    api_environment,
    child_environment,
    node_name,
    stack_specs,
    worker_names,
)
from cli.readiness import Readiness
from cli.supervisor import Supervisor
from core.given import PREFIX
from core.redaction import redact
from core.signin_codes import make_code, signin_url
from core.tokens import DAY_S, mint_token
from embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServerError
from embedded.redis_users import USERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cli.child import ChildSpec
    from cli.data_dir import DataDir
    from cli.options import StackOptions
    from cli.stop_signals import StopSignals
    from cli.supervisor import Server
    from core.settings import Settings

LOCAL_USER: Final = "local"
ADMIN_ROLE: Final = "admin"
TOKEN_TTL_S: Final = 30 * 86400.0
TOKEN_RENEW_S: Final = 86400.0
READY_TIMEOUT_S: Final = 90.0
INESSENTIAL_S: Final = 20.0
"""How long a ready API and ready workers wait for Flower; it then arrives when it does."""
SUPERUSER_RESERVED: Final = 3
"""Connections that PostgreSQL keeps for superusers, out of max_connections."""
_FATAL_DEATHS: Final = 3
_PROBE_PAUSE_S: Final = 0.1
_MIGRATE: Final = """
import sys
from core.errors import SettingsError
from db.migrate import upgrade
try:
    upgrade()
except SettingsError as error:
    print(error.message, file=sys.stderr)
    sys.exit({wrong})
"""
_WRONG_SETTING: Final = 78
"""The exit code of a migration that met a wrong setting (`EX_CONFIG` of sysexits.h)."""
_MIGRATE_TIMEOUT_S: Final = 300


class StopRequestedError(Exception):
    """Somebody asked us to stop before everything was up."""


class Stack:
    """Everything that `roadmap up` runs.

    Args:
        options: What was asked for.
        settings: The settings.
        data_dir: The folder, held by us.
        stop: The requests to stop.
        say: Tells people what happened, one line each.
        verbose: Forward the children's whole output.
    """

    def __init__(
        self,
        options: StackOptions,
        *,
        settings: Settings,
        data_dir: DataDir,
        stop: StopSignals,
        say: Callable[[str], None],
        verbose: bool = False,
    ) -> None:
        """Nothing is started yet."""
        self.options = options
        self._settings = settings
        self._data_dir = data_dir
        self._stop = stop
        self._say = say
        self._verbose = verbose
        self._servers: dict[str, Server] = {}
        self._logs: LogPump | None = None
        self._supervisor: Supervisor | None = None
        self._addresses: Addresses | None = None
        self._suffix = ""
        self._ready = False
        self._token = ""
        self._token_at = -TOKEN_RENEW_S

    def start(self) -> None:
        """Start servers, migrate, start the processes, wait until they answer.

        Raises:
            CommandError: Something does not start; `shutdown` still has to be called.
            StopRequestedError: Somebody asked us to stop meanwhile.
        """
        self._addresses = self._start_servers()
        self._check_stop()
        env = child_environment(self._settings, self.options, self._addresses)
        supervisor = self._supervise(self._specs(self._addresses))
        supervisor.start(early=True)
        owner = self._addresses.migration_url
        self._migrate(env if owner is None else env | {f"{PREFIX}MIGRATION_DATABASE_URL": owner})
        self._check_stop()
        supervisor.start(early=False)
        self._wait_until_ready(supervisor, self._addresses.broker_url)
        self._ready = True
        self._write()

    def _specs(self, addresses: Addresses) -> list[ChildSpec]:
        env = child_environment(self._settings, self.options, addresses)
        return stack_specs(
            self.options,
            env=env,
            api_env=api_environment(env, addresses),
            data_dir=self._data_dir,
            settings=self._settings,
            suffix=self._suffix,
        )

    def _give_way(self, name: str) -> None:
        """Let a process that ended listen elsewhere when another program has its port."""
        try:
            moved = elsewhere(self.options, name)
        except CommandError:
            if self._ready:  # the other program may end; until then ours is tried again at its port
                return
            raise
        if moved is None or self._supervisor is None or self._addresses is None:
            return
        self.options = moved
        port = moved.port if name == "api" else moved.flower_port
        self._say(f"Another program has the port of {name}; it listens on {port}")
        children = self._supervisor.children
        for spec in self._specs(self._addresses):
            children[spec.name].spec = spec
        if name == "flower" and self._settings.flower_url is None:
            children["api"].send(signal.SIGTERM)  # it shows a link to Flower

    def run(self) -> None:
        """Keep everything alive until somebody asks us to stop."""
        if self._supervisor is not None:
            self._supervisor.run()

    def shutdown(self) -> None:
        """Stop everything in order and take `stack.json` away; safe after a failed start."""
        self._data_dir.remove_stack()
        if self._supervisor is not None:
            self._supervisor.stop_children()
        if self._logs is not None:
            self._logs.close()
        for name in ("redis", "postgres"):
            if name in self._servers:
                try:
                    self._servers[name].stop()
                except EmbeddedServerError as error:
                    self._say(str(error))

    def signin_url(self) -> str | None:
        """Return an address that signs a browser in, once; None when nobody has to be."""
        if self._addresses is None or self._settings.auth == "none":
            return None
        return signin_url(self.options.api_url, make_code(self._addresses.auth_secret))

    def describe(self) -> dict[str, Any]:
        """Return what `stack.json` says now."""
        addresses = self._addresses
        if addresses is None or self._supervisor is None:
            raise RuntimeError("The stack has not been started.")
        pids = {name: child.pid for name, child in self._supervisor.children.items()}
        workers = [pid for name in worker_names(self.options) if (pid := pids.get(name))]
        return {
            "api_url": self.options.api_url,
            "flower_url": self.options.flower_url,
            "database_url": addresses.database_url,
            "redis_url": addresses.redis_url,
            "broker_url": addresses.broker_url,
            "token": self._current_token(addresses.auth_secret),
            "pids": {
                "supervisor": os.getpid(),
                "postgres": _pid_of(self._servers.get("postgres")),
                "redis": _pid_of(self._servers.get("redis")),
                "workers": workers,
                "beat": pids.get("beat"),
                "api": pids.get("api"),
                "flower": pids.get("flower"),
            },
        }

    def _start_servers(self) -> Addresses:
        given = self._settings.model_fields_set
        settings = self._settings
        database_url = settings.database_url.get_secret_value()
        redis_url = settings.redis_url.get_secret_value()
        given_owner = settings.migration_database_url
        migration_url = None if given_owner is None else given_owner.get_secret_value()
        of_processes: dict[str, str] = {}
        try:
            if "database_url" not in given:
                postgres = EmbeddedPostgres(
                    self._data_dir.path,
                    max_connections=settings.database_max_connections + SUPERUSER_RESERVED,
                    roles=True,
                )
                postgres.start()
                self._servers["postgres"] = postgres
                database_url = _for_asyncpg(postgres.application_url)
                migration_url = _for_asyncpg(postgres.owner_url)
                self._say(f"PostgreSQL {postgres.version} is up")
            if "redis_url" not in given:
                redis = EmbeddedRedis(self._data_dir.path, key_prefix=settings.redis_prefix)
                redis.start()
                self._servers["redis"] = redis
                redis_url = redis.url
                of_processes = {name: redis.url_of(name) for name in USERS}
                self._say(f"Redis {redis.version} is up")
        except EmbeddedServerError as error:
            raise unreachable(str(error)) from None
        if "redis" not in self._servers or settings.broker_url:
            # Another stack may use the same broker: node names must differ.
            digest = hashlib.sha256(str(self._data_dir.path).encode()).hexdigest()
            self._suffix = f"-{digest[:6]}"
        if settings.broker_url:
            of_processes.pop("broker", None)
        secret = settings.auth_secret
        return Addresses(
            database_url=database_url,
            redis_url=redis_url,
            broker_url=settings.broker_url.get_secret_value() if settings.broker_url else redis_url,
            auth_secret=secret.get_secret_value() if secret else self._data_dir.auth_secret(),
            migration_url=migration_url,
            process_redis=of_processes,
        )

    def _migrate(self, env: dict[str, str]) -> None:
        """In a process of its own: Alembic and SQLAlchemy would stay in our memory for good."""
        args = [sys.executable, "-P", "-c", _MIGRATE.format(wrong=_WRONG_SETTING)]
        try:
            subprocess.run(
                args,
                env=env,
                cwd=self._data_dir.path,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=_MIGRATE_TIMEOUT_S,
            )
        except subprocess.CalledProcessError as error:
            if self._stop.requested:  # Ctrl-C in a terminal reaches it too
                raise StopRequestedError from None
            lines = redact(error.stderr.decode(errors="replace")).strip().splitlines()
            reason = "\n".join(lines if self._verbose else lines[-1:])
            if error.returncode == _WRONG_SETTING:  # which is no fault of the database
                raise failed(reason) from None
            raise unreachable(
                f"The database could not be migrated: {reason} "
                "(check ROADMAP_DATABASE_URL; `roadmap doctor` tells more)"
            ) from None
        except subprocess.TimeoutExpired:
            raise unreachable("The migration did not end; is another one running?") from None

    def _supervise(self, specs: Sequence[ChildSpec]) -> Supervisor:
        self._logs = LogPump(
            self._data_dir.logs,
            forward=lambda name, line: self._say(f"{name}: {line}"),
            everything=self._verbose,
        )
        self._supervisor = Supervisor(
            specs,
            servers=self._servers,
            logs=self._logs,
            stop=self._stop,
            say=self._say,
            on_change=self._write,
            on_end=self._give_way,
        )
        return self._supervisor

    def _wait_until_ready(self, supervisor: Supervisor, broker_url: str) -> None:
        begun = time.monotonic()
        nodes = {node_name(name) for name in worker_names(self.options, suffix=self._suffix)}
        prefix = self._settings.redis_prefix
        readiness = Readiness(
            self.options,
            data_dir=self._data_dir,
            broker_url=broker_url,
            nodes=nodes,
            prefix=prefix,
        )
        try:
            while True:
                self._check_stop()
                supervisor.tick()
                for child in supervisor.children.values():
                    if child.deaths >= _FATAL_DEATHS and child.spec.essential:
                        raise self._keeps_dying(child.spec.name)
                readiness.look(self.options, api_pid=supervisor.children["api"].pid)
                waited = time.monotonic() - begun
                if not readiness.waiting:
                    return
                if readiness.only_flower and waited > INESSENTIAL_S:
                    self._say("Flower does not answer yet; going on without it")
                    return
                if waited > READY_TIMEOUT_S:
                    raise failed(
                        f"Not ready after {READY_TIMEOUT_S:.0f} s: "
                        f"{', '.join(sorted(readiness.waiting))}. "
                        f"The logs are in {self._data_dir.logs}."
                    )
                self._stop.wait(_PROBE_PAUSE_S)
        finally:
            readiness.close()

    def _keeps_dying(self, name: str) -> CommandError:
        tail = "\n".join(self._logs.tail(name)) if self._logs is not None else ""
        return failed(
            f"{name} ends as soon as it is started. The end of {self._data_dir.logs}/{name}.log:\n"
            f"{redact(tail) or '(nothing)'}"
        )

    def _check_stop(self) -> None:
        if self._stop.requested:
            raise StopRequestedError

    def _write(self) -> None:
        if not self._ready:
            return
        try:
            self._data_dir.keep_redis_prefix(self._settings.redis_prefix)
            self._data_dir.write_stack(self.describe())
        except OSError as error:  # a full disk must not take the stack down
            self._say(f"stack.json could not be written: {error}")

    def _current_token(self, secret: str) -> str:
        if time.monotonic() - self._token_at >= TOKEN_RENEW_S:
            self._token_at = time.monotonic()
            self._token = mint_token(
                secret,
                user=LOCAL_USER,
                role=ADMIN_ROLE,
                ttl_s=min(TOKEN_TTL_S, self._settings.token_max_days * DAY_S),
                issuer=self._settings.auth_issuer,
                audience=self._settings.auth_audience,
            )
        return self._token


def _for_asyncpg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


def _pid_of(server: Server | None) -> int | None:
    return server.pid if server is not None else None
