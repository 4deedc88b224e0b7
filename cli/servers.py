"""The servers below a stack's processes: ours are started and stopped, the database is migrated."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from cli.exits import failed, unreachable
from cli.plan import Addresses
from cli.stop_signals import StopRequestedError
from core.given import PREFIX
from core.redaction import redact
from embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServerError
from embedded.redis_users import USERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.data_dir import DataDir
    from cli.stop_signals import StopSignals
    from cli.supervisor import Server
    from core.settings import Settings

SUPERUSER_RESERVED: Final = 3
"""Connections that PostgreSQL keeps for superusers, out of max_connections."""
_MIGRATE: Final = """
import sys
from roadmap_start.unneeded import import_without
import_without()
from core.errors import SettingsError
from db.migration_names import Schema, schema_of
from db.revisions import current_now
try:
    if schema_of(current_now()) is Schema.OLDER:
        from db.migrate import upgrade  # and with it SQLAlchemy and Alembic
        upgrade()
except SettingsError as error:
    print(error.message, file=sys.stderr)
    sys.exit({wrong})
"""
_WRONG_SETTING: Final = 78
"""The exit code of a migration that met a wrong setting (`EX_CONFIG` of sysexits.h)."""
_MIGRATE_TIMEOUT_S: Final = 300


class Servers:
    """PostgreSQL and Redis of one stack: embedded ones unless the settings name others.

    Args:
        settings: The settings.
        data_dir: The folder, held by us.
        say: Tells people what happened, one line each.
    """

    def __init__(
        self, settings: Settings, *, data_dir: DataDir, say: Callable[[str], None]
    ) -> None:
        """Nothing is started yet."""
        self._settings = settings
        self._data_dir = data_dir
        self._say = say
        self.running: dict[str, Server] = {}

    @property
    def broker_is_shared(self) -> bool:
        """Whether another stack may use the same broker."""
        return "redis" not in self.running or self._settings.broker_url is not None

    def start(self) -> Addresses:
        """Start what the settings do not name, and return where everything is.

        Raises:
            CommandError: One does not start; `stop` still has to be called.
        """
        settings = self._settings
        given = settings.model_fields_set
        database_url = settings.database_url.get_secret_value()
        redis_url = settings.redis_url.get_secret_value()
        given_owner = settings.migration_database_url
        migration_url = None if given_owner is None else given_owner.get_secret_value()
        of_processes: dict[str, str] = {}
        try:
            if "database_url" not in given:
                postgres = self._start_postgres()
                database_url = _for_asyncpg(postgres.application_url)
                migration_url = _for_asyncpg(postgres.owner_url)
            if "redis_url" not in given:
                redis = self._start_redis()
                redis_url = redis.url
                of_processes = {name: redis.url_of(name) for name in USERS}
        except EmbeddedServerError as error:
            raise unreachable(str(error)) from None
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

    def stop(self) -> None:
        """Stop ours, PostgreSQL last; what does not stop is told."""
        for name in ("redis", "postgres"):
            if name in self.running:
                try:
                    self.running[name].stop()
                except EmbeddedServerError as error:
                    self._say(str(error))

    def trouble(self) -> str | None:
        """Return what is wrong with a Redis or broker that the settings name; None when nothing."""
        from cli.service_checks import check_broker, check_redis

        for field, asked in (("redis_url", check_redis), ("broker_url", check_broker)):
            if field not in self._settings.model_fields_set:
                continue
            url = getattr(self._settings, field).get_secret_value()
            found = next((each for each in asked(url) if each.required and not each.ok), None)
            if found is not None:
                said = found.message.partition(". Check ")[0].rstrip(".")
                return (
                    f"{PREFIX}{field.upper()}: the server {said}. Start it, or correct the setting;"
                    " without one `roadmap up` starts a Redis of its own."
                )
        return None

    def pid(self, name: str) -> int | None:
        """Return the process id of `postgres` or `redis`; None where it is not ours."""
        server = self.running.get(name)
        return server.pid if server is not None else None

    def _start_postgres(self) -> EmbeddedPostgres:
        most = self._settings.database_max_connections + SUPERUSER_RESERVED
        server = EmbeddedPostgres(self._data_dir.path, max_connections=most, roles=True)
        server.start()
        self.running["postgres"] = server
        self._say(f"PostgreSQL {server.version} is up")
        return server

    def _start_redis(self) -> EmbeddedRedis:
        server = EmbeddedRedis(self._data_dir.path, key_prefix=self._settings.redis_prefix)
        server.start()
        self.running["redis"] = server
        self._say(f"Redis {server.version} is up")
        return server


def migrate(
    env: dict[str, str], *, owner_url: str | None, folder: Path, stop: StopSignals, verbose: bool
) -> None:
    """In a process of its own: Alembic and SQLAlchemy would stay in our memory for good.

    Args:
        env: The processes' environment.
        owner_url: The database as the role that owns the tables sees it; None for the same one.
        folder: Where it runs.
        stop: The requests to stop.
        verbose: Tell the whole reason of a failure, not only its last line.

    Raises:
        CommandError: It failed.
        StopRequestedError: Somebody asked us to stop meanwhile.
    """
    if owner_url is not None:
        env = env | {f"{PREFIX}MIGRATION_DATABASE_URL": owner_url}
    try:
        subprocess.run(
            [sys.executable, "-P", "-c", _MIGRATE.format(wrong=_WRONG_SETTING)],
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_MIGRATE_TIMEOUT_S,
        )
    except subprocess.CalledProcessError as error:
        if stop.requested:  # Ctrl-C in a terminal reaches it too
            raise StopRequestedError from None
        lines = redact(error.stderr.decode(errors="replace")).strip().splitlines()
        reason = "\n".join(lines if verbose else lines[-1:])
        if error.returncode == _WRONG_SETTING:  # which is no fault of the database
            raise failed(reason) from None
        raise unreachable(
            f"The database could not be migrated: {reason} "
            "(check ROADMAP_DATABASE_URL; `roadmap doctor` tells more)"
        ) from None
    except subprocess.TimeoutExpired:
        raise unreachable("The migration did not end; is another one running?") from None


def _for_asyncpg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)
