"""`python -P -m roadmap_start worker|beat|flower|api …`: one of our processes, started safely.

Celery puts the working folder in front of Python's path while it looks for its application, so a
project's own `worker` or `celeryconfig` would be taken for ours. A folder that is on the path
already it leaves where it is: at the end, behind our own packages.
"""

from __future__ import annotations

import atexit
import os
import sys
from importlib import import_module
from typing import NoReturn

from roadmap_start.garbage import collect_seldom
from roadmap_start.own import FOLDERS, check
from roadmap_start.unneeded import import_without

_CELERY = ("worker", "beat", "flower")
_HAS_THREADS = "flower"
"""The one whose threads may wait for an answer when it is to end."""


def main(arguments: list[str]) -> None:
    """Become the process that the first argument names; the others are its own.

    No banner: logs are lines of one form.
    """
    collect_seldom()
    check()
    import_without()
    name, *rest = arguments
    _look_here_last()
    if name == "api":
        sys.argv = ["roadmap api", *rest]
        import_module("api.__main__").main()
    elif name in _CELERY:
        sys.argv = ["celery", "-A", "worker", "--quiet", name, *rest]
        try:
            import_module("roadmap_start.celery_command").run(name, rest)
        except SystemExit as ended:
            if name == _HAS_THREADS:
                _end_at_once(ended.code)
            raise
    else:
        sys.exit(f"there is no process {name!r}; there are {', '.join(_CELERY)} and api")


def _end_at_once(code: object) -> NoReturn:
    """End without waiting for threads: Flower's ask workers, and they or the broker may be gone.

    What was registered for the end, such as keeping Flower's state, is still done.
    """
    if isinstance(code, str):
        sys.stderr.write(code + "\n")
    atexit._run_exitfuncs()  # noqa: SLF001 - Python itself runs it only after the threads
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _look_here_last() -> None:
    try:
        here = os.getcwd()
    except OSError:  # it was deleted
        return
    # an editable install is found by what Python asks only after its path: it has to be on it, too
    sys.path += [folder for folder in (*FOLDERS, here) if folder not in sys.path]


if __name__ == "__main__":
    main(sys.argv[1:])
