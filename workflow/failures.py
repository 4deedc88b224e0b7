"""What an author's function raises to say how it failed."""

from __future__ import annotations

import math
import re
from typing import Final

from core.authored import plainly
from core.errors import AppError
from core.request_shapes import storable
from core.visible import cut

LONGEST_WAIT_S: Final = 3600.0
"""Who waits for longer holds a worker for nothing."""
_LONGEST_MESSAGE: Final = 2000
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Retryable(AppError):  # noqa: N818 - the name that authors know
    """It did not work now, but may soon: the step or part is tried again.

    How often at most, `retries=` says where the function is declared; three times if it does not.

    Example:
        ```python
        if answer.status_code == 429:
            raise Retryable("the search is busy", after_s=float(answer.headers["Retry-After"]))
        ```
    """

    code = "retries_exhausted"
    """What a part fails with in the end, when no try was better."""

    def __init__(self, message: str | None = None, *, after_s: float | None = None) -> None:
        """Say why, and when to try again.

        Args:
            message: What happened, in words for people.
            after_s: Seconds to wait, an hour at most. By default one second, then twice as long
                each time.

        Raises:
            ValueError: `after_s` is no length of time.
        """
        if after_s is not None and not (math.isfinite(after_s) and after_s >= 0):
            raise ValueError(f"`after_s` must be 0 or more seconds, not {after_s!r}")
        super().__init__(clean(message or "It did not work, also when tried again; retry later."))
        self.after_s = None if after_s is None else min(float(after_s), LONGEST_WAIT_S)


class PartFailed(AppError):  # noqa: N818 - ditto
    """This part, or step, cannot be made; trying again would be useless until something changes.

    Example:
        ```python
        raise PartFailed("no_sources", f"Nobody has written about {part.title} yet.")
        ```
    """

    def __init__(self, code: str, message: str) -> None:
        """Say what went wrong.

        Args:
            code: For programs: small letters, digits and `_`, up to 64 of them.
            message: For people; everybody who may see the task sees it.

        Raises:
            ValueError: The code has another form.
        """
        code = str(plainly(code))
        if not _CODE.fullmatch(code):
            raise ValueError(f"a code is like `no_sources`, not {code[:80]!r}")
        super().__init__(clean(message) or "It cannot be made.", code=code)


def clean(text: str) -> str:
    """Return a text as it can be stored and shown: valid Unicode, not endless."""
    return cut(storable(str(plainly(text))), _LONGEST_MESSAGE)
