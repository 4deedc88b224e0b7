"""Tests of your own workflows: run them, and kill workers at every place.

```python
from mybook.flows import Outline, book
from roadmap_worker.testing import lab

async def test_book() -> None:
    async with lab(book) as l:
        task = await l.run({"topic": "Kites"}, answers={Outline: Outline(chapters=["Wind"])})
    assert task.status == "completed"
    assert task.parts["chapter"]["Wind"].status == "completed"

async def test_no_kill_matters() -> None:
    await lab.kill_at_every_step(book, {"topic": "Kites"})
```

A lab starts a PostgreSQL of its own, from `roadmap-worker[embedded]`, once in a process. Nothing of
the environment or of `.env` counts in it, and nothing is left behind.
"""

from __future__ import annotations

from workflow.testing import (
    Asked,
    KeyParts,
    Lab,
    LabError,
    ScriptError,
    SeenEvent,
    SeenPart,
    SeenParts,
    SeenReview,
    SeenTask,
    kill_at_every_step,
    lab,
)

__all__ = [
    "Asked",
    "KeyParts",
    "Lab",
    "LabError",
    "ScriptError",
    "SeenEvent",
    "SeenPart",
    "SeenParts",
    "SeenReview",
    "SeenTask",
    "kill_at_every_step",
    "lab",
]
