"""Authors of workflows, the built-in one among them, come in by one door."""

from __future__ import annotations

import roadmap_worker
import workflow


def test_all_names_are_there() -> None:
    """Each public name of the engine can be had, and authors get every one of them."""
    assert roadmap_worker.__all__ == workflow.__all__
    for name in workflow.__all__:
        assert getattr(roadmap_worker, name) is getattr(workflow, name)
