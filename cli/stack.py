"""A stack on this machine: servers, processes, readiness, `stack.json`; from start to stop."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from cli.child_logs import LogPump
from cli.exits import CommandError, failed, unreachable
from cli.plan import (
    Addresses,
    api_environment,
    child_environment,
    node_name,
    open_settings,
    stack_specs,
    worker_names,
)
from cli.ports import elsewhere
from cli.readiness import Readiness
from cli.servers import Servers, migrate
from cli.standstill import Standstills
from cli.supervisor import Supervisor
from core.redaction import redact
from core.signin_codes import make_code, signin_url
from core.tokens import DAY_S, mint_token
from db.migration_names import head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cli.child import ChildSpec
    from cli.data_dir import DataDir
    from cli.options import StackOptions
    from cli.stop_signals import StopSignals
    from core.settings import Settings

LOCAL_USER: Final = "local"
ADMIN_ROLE: Final = "admin"
TOKEN_TTL_S: Final = 30 * 86400.0
TOKEN_RENEW_S: Final = 86400.0
READY_TIMEOUT_S: Final = 90.0
INESSENTIAL_S: Final = 20.0
"""How long a ready API and ready workers wait for Flower; it then arrives when it does."""
SERVERS_S: Final = 10.0
"""How long a Redis or broker of somebody else's may take to be there."""
_FATAL_DEATHS: Final = 3
_PROBE_PAUSE_S: Final = 0.1


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
        self._servers = Servers(settings, data_dir=data_dir, say=say)
        self._logs: LogPump | None = None
        self._supervisor: Supervisor | None = None
        self._addresses: Addresses | None = None
        self._suffix = ""
        self._ready = False
        self._unwritten = ""
        self._token = ""
        self._token_at = -TOKEN_RENEW_S

    def start(self) -> None:
        """Start servers, migrate, start the processes, wait until they answer.

        Raises:
            CommandError: Something does not start; `shutdown` still has to be called.
            StopRequestedError: Somebody asked us to stop meanwhile.
        """
        self._addresses = self._servers.start()
        if self._servers.broker_is_shared:  # node names must differ
            self._suffix = f"-{hashlib.sha256(str(self._data_dir.path).encode()).hexdigest()[:6]}"
        self._stop.check()
        env = child_environment(self._settings, self.options, self._addresses)
        supervisor = self._supervise(self._specs(self._addresses))
        supervisor.start(early=True)
        newest = head()
        # most probably there is nothing to migrate: while that is made sure of, all of them start.
        # Should it be wrong, as with an older backup, they wait for the migration by themselves
        begun = "postgres" in self._servers.running and self._data_dir.migration() == newest
        if begun:
            supervisor.start(early=False)
        migrate(
            env,
            owner_url=self._addresses.migration_url,
            folder=self._data_dir.path,
            stop=self._stop,
            verbose=self._verbose,
        )
        self._stop.check()
        if "postgres" in self._servers.running:
            self._data_dir.keep_migration(newest)
        if not begun:
            supervisor.start(early=False)
        self._wait_until_ready(supervisor, self._addresses.broker_url)
        self._ready = True
        self._data_dir.keep_settings(open_settings(self._settings))
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
        with suppress(OSError):  # of a disk that is read-only now; what runs has to be stopped
            self._data_dir.remove_stack()
        if self._supervisor is not None:
            self._supervisor.stop_children()
        if self._logs is not None:
            self._logs.close()
        self._servers.stop()

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
                "postgres": self._servers.pid("postgres"),
                "redis": self._servers.pid("redis"),
                "workers": workers,
                "beat": pids.get("beat"),
                "api": pids.get("api"),
                "flower": pids.get("flower"),
            },
        }

    def _supervise(self, specs: Sequence[ChildSpec]) -> Supervisor:
        self._logs = LogPump(
            self._data_dir.logs,
            forward=lambda name, line: self._say(f"{name}: {line}"),
            everything=self._verbose,
        )
        self._supervisor = Supervisor(
            specs,
            servers=self._servers.running,
            logs=self._logs,
            stop=self._stop,
            say=self._say,
            on_change=self._write,
            on_end=self._give_way,
            standstills=Standstills(self._data_dir.pulses_by(self._settings), say=self._say),
        )
        return self._supervisor

    def _wait_until_ready(self, supervisor: Supervisor, broker_url: str) -> None:
        begun = time.monotonic()
        nodes = {node_name(name) for name in worker_names(self.options, suffix=self._suffix)}
        readiness = Readiness(
            self.options,
            data_dir=self._data_dir,
            broker_url=broker_url,
            nodes=nodes,
            pulses=self._data_dir.pulses_by(self._settings),
            prefix=self._settings.redis_prefix,
        )
        asked = False
        try:
            while True:
                self._stop.check()
                supervisor.tick()
                for child in supervisor.children.values():
                    if child.deaths >= _FATAL_DEATHS and child.spec.essential:
                        raise self._keeps_dying(child.spec.name)
                pids = {name: child.pid for name, child in supervisor.children.items()}
                workers = {pids[name] for name in worker_names(self.options)}
                readiness.look(self.options, api_pid=pids["api"], worker_pids=workers)
                waited = time.monotonic() - begun
                if not readiness.waiting:
                    return
                if readiness.only_flower and waited > INESSENTIAL_S:
                    self._say("Flower does not answer yet; going on without it")
                    return
                if waited > SERVERS_S and not asked:
                    asked = True
                    if why := self._servers.trouble():
                        raise unreachable(why)
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

    def _write(self) -> bool:
        """Write `stack.json`; return whether that is done. A full disk does not end the stack."""
        if not self._ready:
            return True
        why = ""
        try:
            self._data_dir.keep_redis_prefix(self._settings.redis_prefix)
            self._data_dir.write_stack(self.describe())
        except OSError as error:
            why = error.strerror or str(error)
        if why and why != self._unwritten:
            self._say(f"stack.json could not be written: {why}")
        self._unwritten = why
        return not why

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
