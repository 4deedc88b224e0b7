"""In which order a run's processes take test files, and which files stay together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # it publishes none

if TYPE_CHECKING:
    from collections.abc import Sequence

TOGETHER: Final = ("tests/e2e/web/",)
"""Folders whose files share a stack: one process takes them all, and starts it once."""
STARTS: Final = ("tests/celery/", *TOGETHER, "tests/e2e/")
"""Starts whole stacks and waits for them."""
WORKS: Final = "tests/integration/"
"""Works in the test's own process, and waits for little."""


class SlowFirst(LoadFileScheduling):  # type: ignore[misc]  # ditto
    """Hands out whole files, the slowest kind first; `--dist loadfile` uses it.

    One process begins with what waits for nothing: it uses the time for which the others wait.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)

    def _assign_work_unit(self, node: Any) -> None:
        if self.workqueue:
            last = len(self.assigned_work) > 1 and node is [*self.assigned_work][-1]
            first = (WORKS, "", *STARTS) if last else (*STARTS, WORKS, "")
            scope = min(self.workqueue, key=lambda scope: _rank(scope, first))
            self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


def _rank(scope: str, first: Sequence[str]) -> int:
    """Return how early a scope is taken; those of one rank are taken by their number of tests."""
    longest = max((folder for folder in first if scope.startswith(folder)), key=len)
    return first.index(longest)
