"""Reads what is stored of a task, which an earlier version or another program may have written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.errors import UnreadableRecordError
from core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

log = get_logger(__name__)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Let what cannot be read fail the one task, with a code that says so.

    Args:
        what: Named in the message, as in `the intent`.

    Raises:
        UnreadableRecordError: It has another shape than this version knows.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        # not the error's text: pydantic's quotes the stored values
        log.warning("stored_record_unreadable", what=what, error=type(error).__name__)
        raise UnreadableRecordError(
            f"What is stored of {what} cannot be read by this version; ask for the task anew."
        ) from None
