"""How long a model takes in the bench."""

from __future__ import annotations

from typing import Final

CALL_S: Final = 0.05
