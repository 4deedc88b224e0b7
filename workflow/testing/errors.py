"""What a test is told when the test itself is wrong."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what the test asks for."""


class ScriptError(LabError):
    """An answer or a decision of the test's fits nothing that was asked."""
