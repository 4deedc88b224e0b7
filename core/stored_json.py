"""Reads what is stored as JSON, whatever stands there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_FIELDS: Final = ("code", "message", "step", "trace")
_UNKNOWN: Final = {"code": "internal_error", "message": ""}


def readable(stored: Any) -> Mapping[str, Any]:
    """Return what is stored as an object; of anything else, an empty one."""
    return stored if isinstance(stored, Mapping) else {}


def readable_error(stored: Any) -> dict[str, str]:
    """Return the texts of a stored error; `code` and `message` are always among them.

    Another version, or somebody's hand, may have written it: one row must not keep a list from
    being shown, and the audit tells of it.
    """
    known = readable(stored)
    return _UNKNOWN | {name: known[name] for name in _FIELDS if isinstance(known.get(name), str)}
