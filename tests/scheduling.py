"""In which order a run's processes take test files, and which files stay together."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it publishes none

TOGETHER: Final = ("tests/e2e/web/",)
"""Folders whose files share a stack: one process takes them all, and starts it once."""
FIRST: Final = ("tests/celery/", *TOGETHER, "tests/e2e/", "tests/integration/")
"""What takes long stands first, so that no process waits for the others in the end."""


class SlowFirst(LoadFileScheduling):  # type: ignore[misc]  # ditto
    """Hands out whole files, the slowest kind first; `--dist loadfile` uses it."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)

    def _assign_work_unit(self, node: object) -> None:
        if self.workqueue:
            self.workqueue.move_to_end(min(self.workqueue, key=_rank), last=False)
        super()._assign_work_unit(node)


def _rank(scope: str) -> int:
    """Return how early a scope is taken; those of one rank are taken by their number of tests."""
    ranks = (rank for rank, folder in enumerate(FIRST) if scope.startswith(folder))
    return next(ranks, len(FIRST))
