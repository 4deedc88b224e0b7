"""Keeps a stack's processes alive, and ends them in order."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Final, Protocol

from cli.child import Backoff, Child

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cli.child import ChildSpec
    from cli.child_logs import LogPump
    from cli.standstill import Standstills
    from cli.stop_signals import StopSignals

TICK_S: Final = 0.2
CALM_TICK_S: Final = 2.0
"""While everything runs: whatever ends wakes us, and standstills take long."""
HURRY_S: Final = 3.0
"""What is left to the processes after a second request to stop."""
_STOP_TICK_S: Final = 0.05
_SECOND: Final = 2


class Server(Protocol):
    """An embedded PostgreSQL or Redis."""

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""

    def alive(self) -> bool:
        """Tell whether it runs."""

    def start(self) -> None:
        """Start it, again on the same port."""

    def stop(self) -> None:
        """Stop it."""


class Supervisor:
    """Runs children over servers until asked to stop. One loop in the main thread.

    Args:
        specs: The processes to run.
        servers: The running embedded servers by name; those that die are started again.
        logs: Where the children's output goes.
        stop: The requests to stop.
        say: Tells people what happened, one line each.
        on_change: Called after a process was started again, until it returns True.
        on_end: Called with the name of a process that ended, before it is started again.
        standstills: Ends processes that live and do nothing.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        *,
        servers: dict[str, Server],
        logs: LogPump,
        stop: StopSignals,
        say: Callable[[str], None],
        on_change: Callable[[], bool],
        on_end: Callable[[str], None] | None = None,
        standstills: Standstills | None = None,
    ) -> None:
        """Nothing is started yet."""
        self.children = {spec.name: Child(spec, logs) for spec in specs}
        self._servers = servers
        self._server_backoff = {name: (Backoff(), time.monotonic()) for name in servers}
        self._server_due: dict[str, float] = {}
        self._stop = stop
        self._say = say
        self._on_change = on_change
        self._changed = False
        self._on_end = on_end
        self._standstills = standstills

    def start(self, *, early: bool) -> None:
        """Start the children that need no migrated database, or those that do."""
        for child in self.children.values():
            if child.spec.early is early:
                child.start()

    def tick(self) -> None:
        """End what stands still, and start again what died, as soon as its back-off allows."""
        for name, server in self._servers.items():
            self._changed |= self._tend_server(name, server)
        if self._standstills is not None:
            self._standstills.tend(self.children.values())
        for child in self.children.values():
            self._changed |= self._tend_child(child)
        if self._changed:
            self._changed = not self._on_change()

    def run(self) -> None:
        """Tend everything until somebody asks us to stop."""
        while not self._stop.requested:
            self.tick()
            self._stop.wait(CALM_TICK_S if self._all_run() else TICK_S)

    def _all_run(self) -> bool:
        return not self._server_due and all(child.pid for child in self.children.values())

    def stop_children(self) -> None:
        """Stop the children phase by phase; afterwards none is left, nor any of theirs."""
        phases = sorted({child.spec.stop_phase for child in self.children.values()})
        for phase in phases:
            self._stop_phase([c for c in self.children.values() if c.spec.stop_phase == phase])

    def _tend_server(self, name: str, server: Server) -> bool:
        if server.alive():
            return False
        now = time.monotonic()
        backoff, since = self._server_backoff[name]
        if name not in self._server_due:
            delay = backoff.after(now - since)
            self._server_due[name] = now + delay
            self._say(f"{name} ended; starting it again in {delay:.1f} s")
        if now < self._server_due[name]:
            return False
        del self._server_due[name]
        self._server_backoff[name] = (backoff, time.monotonic())
        try:
            server.start()
        except Exception as error:  # noqa: BLE001 - said, and tried again with back-off
            self._say(f"{name} did not start: {error}")
            return False
        self._say(f"{name} is back")
        return True

    def _tend_child(self, child: Child) -> bool:
        code = child.reap()
        if code is not None:
            delay = child.plan_restart()
            self._say(f"{child.spec.name} ended ({_describe(code)}); again in {delay:.1f} s")
            if self._on_end is not None:
                self._on_end(child.spec.name)
        if child.pid is not None or time.monotonic() < child.start_at:
            return False
        try:
            child.start()
        except OSError as error:
            delay = child.plan_restart()
            where = f"{error.filename}: " if error.filename else ""
            why = f"{where}{error.strerror or error}"
            self._say(f"{child.spec.name} cannot be started: {why}; again in {delay:.1f} s")
            return False
        self._say(f"{child.spec.name} started again, pid {child.pid}")
        return True

    def _stop_phase(self, children: list[Child]) -> None:
        """Ask politely; a further request to stop hurries, the next one kills."""
        begun = time.monotonic()
        asked = self._stop.count
        hurried_at = begun
        killed: set[str] = set()
        for child in children:
            child.send(signal.SIGTERM)
        while left := [child for child in children if child.reap() is None and child.pid]:
            now = time.monotonic()
            if self._stop.count > asked:
                asked, hurried_at = self._stop.count, now
                for child in left:
                    child.send(signal.SIGTERM)
            for child in left:
                over = now >= begun + child.spec.grace_s
                over |= asked == _SECOND and now >= hurried_at + HURRY_S
                over |= asked > _SECOND
                if over and child.spec.name not in killed:
                    killed.add(child.spec.name)
                    self._say(f"{child.spec.name} does not stop; killing it")
                    child.kill()
            self._stop.wait(_STOP_TICK_S)


def _describe(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
