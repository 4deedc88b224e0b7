"""What every kind of finding means: the engine's, and those of the workflows that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflow.audit.kinds import MEANINGS
from workflow.registry import definitions

if TYPE_CHECKING:
    from workflow.audit_rules import Meaning


def meanings() -> dict[str, Meaning]:
    """Return the meanings in the order in which findings are told."""
    own = {kind: what for each in definitions() for kind, what in each.audit.meanings.items()}
    return {**MEANINGS, **own}


def meaning_of(kind: str) -> Meaning:
    """Return what a kind means."""
    return meanings()[kind]
