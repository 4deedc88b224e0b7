"""Whether a stack that was just started answers: API, workers, Flower."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from cli.probes import WorkerPing, http_ok

if TYPE_CHECKING:
    from cli.options import StackOptions

FLOWER: Final = "Flower"


class Readiness:
    """What still has to answer.

    Args:
        options: The stack's ports.
        broker_url: Where the workers are asked.
        nodes: The workers' node names.
        prefix: REDIS_PREFIX.
    """

    def __init__(
        self, options: StackOptions, *, broker_url: str, nodes: set[str], prefix: str = ""
    ) -> None:
        """Everything is waited for."""
        self.waiting = {"API", "workers"} | ({FLOWER} if options.flower_url else set())
        self._options = options
        self._nodes = nodes
        self._ping = WorkerPing(broker_url, prefix=prefix)

    @property
    def only_flower(self) -> bool:
        """Whether all that tasks need is there."""
        return self.waiting == {FLOWER}

    def look(self) -> None:
        """Ask once whoever has not answered yet."""
        if "API" in self.waiting and http_ok(f"{self._options.api_url}/readyz?exclude=workers"):
            self.waiting.discard("API")
        if FLOWER in self.waiting and http_ok(f"{self._options.flower_url}/healthcheck"):
            self.waiting.discard(FLOWER)
        if "workers" in self.waiting:
            with suppress(OSError):  # the broker is being started again
                if self._nodes <= self._ping.answering(sorted(self._nodes)):
                    self.waiting.discard("workers")

    def close(self) -> None:
        """Close the connections."""
        self._ping.close()
