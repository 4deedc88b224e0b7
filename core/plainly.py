"""Reads members of an `Enum` as what they stand for: `str()` of one may be its name instead."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

T = TypeVar("T")


def plainly(value: T) -> T:
    """Return what a member of an `Enum` stands for, and anything else as it is."""
    return value.value if isinstance(value, Enum) else value
