"""Whether a stack that was just started answers: API, workers, Flower."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from cli.probes import WorkerPing, http_ok
from core.pulse import read_pulses

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from cli.data_dir import DataDir
    from cli.options import StackOptions

FLOWER: Final = "Flower"
ASK_AFTER_S: Final = 10.0
"""A worker that cannot write its pulse is asked over the broker after so long."""


class Readiness:
    """What still has to answer, and has to be of this stack: a port may be another one's.

    Args:
        options: What was asked for.
        data_dir: Where the API says that it listens, and where Flower's login is.
        broker_url: Where the workers are asked.
        nodes: The workers' node names.
        pulses: Where they say that they take messages, as soon as they do.
        prefix: REDIS_PREFIX.
    """

    def __init__(
        self,
        options: StackOptions,
        *,
        data_dir: DataDir,
        broker_url: str,
        nodes: set[str],
        pulses: Path,
        prefix: str = "",
    ) -> None:
        """Everything is waited for."""
        self.waiting = {"API", "workers"} | ({FLOWER} if options.flower_url else set())
        self._data_dir = data_dir
        self._nodes = nodes
        self._pulses = pulses
        self._begun = time.monotonic()
        self._broker = broker_url, prefix
        self._ping: WorkerPing | None = None

    @property
    def only_flower(self) -> bool:
        """Whether all that tasks need is there."""
        return self.waiting == {FLOWER}

    def look(
        self, options: StackOptions, *, api_pid: int | None, worker_pids: AbstractSet[int | None]
    ) -> None:
        """Ask once whoever has not answered yet.

        Args:
            options: Where they are now.
            api_pid: Our API's process.
            worker_pids: Our workers' main processes.
        """
        ready = f"{options.api_url}/readyz?exclude=workers"
        if "API" in self.waiting and self._listens(api_pid) and http_ok(ready):
            self.waiting.discard("API")
        if FLOWER in self.waiting:
            # /healthcheck needs no login, so another stack's Flower would answer, too
            login = self._data_dir.flower_auth()
            if http_ok(f"{options.flower_url}/api/task/types", login=login):
                self.waiting.discard(FLOWER)
        if "workers" in self.waiting and (self._tell(worker_pids) or self._answer()):
            self.waiting.discard("workers")

    def _tell(self, pids: AbstractSet[int | None]) -> bool:
        """Tell whether all workers say that they work; a file may be of an earlier life."""
        return self._nodes <= {p.node for p in read_pulses(self._pulses) if p.pid in pids}

    def _answer(self) -> bool:
        """Tell whether all workers answer over the broker, when they should have spoken by now."""
        if time.monotonic() - self._begun < ASK_AFTER_S:
            return False
        if self._ping is None:
            self._ping = WorkerPing(self._broker[0], prefix=self._broker[1])
        with suppress(OSError):  # the broker is being started again
            return self._nodes <= self._ping.answering(sorted(self._nodes))
        return False

    def _listens(self, pid: int | None) -> bool:
        """Tell whether our API has got its port; what answers there may be somebody else's."""
        try:
            said = self._data_dir.api_pid_file.read_text(encoding="ascii")
        except (OSError, ValueError):
            return False
        return said.strip() == str(pid)

    def close(self) -> None:
        """Close the connections."""
        if self._ping is not None:
            self._ping.close()
