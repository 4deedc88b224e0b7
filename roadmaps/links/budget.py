"""How many addresses are looked up for one task, and at one host."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from core.settings import get_settings

if TYPE_CHECKING:
    from uuid import UUID

_REMEMBERED: Final = 10_000
_MINUTE_S: Final = 60


class Budget:
    """Counts look-ups in this process: a model may name one host, or many, a thousand times."""

    def __init__(self) -> None:
        self._of_task: Counter[UUID] = Counter()
        self._at_host: Counter[str] = Counter()
        self._minute = 0

    def allows(self, host: str, task_id: UUID | None) -> bool:
        """Count a look-up, and tell whether it may be made."""
        settings = get_settings()
        minute = int(time.monotonic() // _MINUTE_S)
        if minute != self._minute:
            self._minute = minute
            self._at_host.clear()
        if len(self._of_task) > _REMEMBERED:
            self._of_task.clear()
        most, here = settings.task_max_link_checks, settings.host_max_link_checks_per_minute
        if task_id is not None and most and self._of_task[task_id] >= most:
            return False
        if here and self._at_host[host] >= here:
            return False
        if task_id is not None:
            self._of_task[task_id] += 1
        self._at_host[host] += 1
        return True
