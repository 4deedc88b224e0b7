"""Which of Celery's commands this process obeys.

Beat and Flower send tasks by their names and run none. The modules of tasks, SQLAlchemy and the
provider's client among them, would be most of their start and half of their memory.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from worker.app import app

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOWER: Final = "flower"
_RUN_NO_TASK: Final = frozenset({"beat", FLOWER})
_WITH_VALUE: Final = frozenset(
    {"-A", "--app", "-b", "--broker", "--result-backend", "--loader", "--config", "--workdir"}
)
"""Options of `celery` itself that are followed by their value."""


def command_of(arguments: Sequence[str]) -> str:
    """Return the command among Celery's arguments; empty where there is none.

    Args:
        arguments: What follows the program's name.
    """
    words = iter(arguments)
    for word in words:
        if not word.startswith("-"):
            return word
        if word in _WITH_VALUE:
            next(words, None)
    return ""


COMMAND: Final = command_of(sys.argv[1:])

if COMMAND in _RUN_NO_TASK:
    app.conf.imports = ()
