"""Bounds what reading one answer may cost, whatever stands in it."""

from __future__ import annotations

from typing import Final

_ALWAYS: Final = 12_000
_CHARACTERS_PER_STEP: Final = 20
_CHARACTERS_AT_ONCE: Final = 400
"""That a regular expression passes over in the time of a step."""


class UnreadableError(ValueError):
    """There is no value here that can be read without guessing; the text says why.

    Attributes:
        end: Where what cannot be read ends, when that much is clear.
    """

    def __init__(self, why: str, *, end: int | None = None) -> None:
        super().__init__(why)
        self.end = end


class Effort:
    """Counts the steps of reading an answer; what needs far too many is given up.

    A step is a token, a string or an attempt, each well under two microseconds, so an answer of
    200,000 characters costs at most about a tenth of a second to read.
    """

    def __init__(self, size: int) -> None:
        """Allow as much as a text of that many characters deserves."""
        self._left = _ALWAYS + size // _CHARACTERS_PER_STEP

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self._left < 0

    def take(self, steps: int) -> None:
        """Take some steps, whether they are left or not."""
        self._left -= steps

    def spend(self, steps: int = 1) -> None:
        """Take some steps.

        Raises:
            UnreadableError: There were too many.
        """
        self.take(steps)
        if self._left < 0:
            raise UnreadableError("too broken to be read")

    def spend_on(self, characters: int) -> None:
        """Take what passing over some characters costs.

        Raises:
            UnreadableError: There were too many.
        """
        self.spend(1 + characters // _CHARACTERS_AT_ONCE)
