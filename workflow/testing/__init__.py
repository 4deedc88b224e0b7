"""Runs workflows in tests of their authors, and kills workers at every place.

Only tests import this: it needs the servers of `roadmap-worker[embedded]`, or a PostgreSQL that the
test names.
"""

from __future__ import annotations

from workflow.testing.author import Answers, Asked
from workflow.testing.door import kill_at_every_step, lab
from workflow.testing.errors import LabError, ScriptError
from workflow.testing.lab import Lab
from workflow.testing.reviews import Decide, SeenReview
from workflow.testing.seen import KeyParts, SeenEvent, SeenPart, SeenParts, SeenTask

__all__ = [
    "Answers",
    "Asked",
    "Decide",
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
