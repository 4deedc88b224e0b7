"""Says what is wrong with an argument of a decorator: a number, a text, a list, a function."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Final, TypeGuard

from core.choices import ReviewExpiry

if TYPE_CHECKING:
    from workflow.authoring.signature import Reader, Signature


MOST: Final = 10**15
"""More of anything is a mistake."""


def check_share(reader: Reader, name: str, share: object) -> None:
    """Check that a share lies between 0 and 1.

    Raises:
        WorkflowError: It does not.
    """
    if share is not None and not (_is_number(share) and 0 <= share <= 1):
        raise reader.wrong(f"`{name}` must be a number between 0 and 1, not {share!r}")


def check_number(
    reader: Reader, name: str, value: object, *, above: int, most: int = MOST, whole: bool = False
) -> None:
    """Check that what may be left out is a number, large enough and not too large.

    Args:
        reader: Whose it is.
        name: The argument.
        value: What was given.
        above: It must be more than this.
        most: It must not be more than this.
        whole: It must be a whole number.

    Raises:
        WorkflowError: It is not.
    """
    if value is None or (
        _is_number(value) and above < value <= most and (isinstance(value, int) or not whole)
    ):
        return
    if _is_number(value) and value > most:
        raise reader.wrong(f"`{name}` must be {most:,} at most")
    least = f"a whole number, {above + 1} or more" if whole else f"a number, more than {above}"
    raise reader.wrong(f"`{name}` must be {least}, not {value!r}")


def check_names(reader: Reader, name: str, value: object) -> None:
    """Check that what may be left out is a list of texts: one text alone would be its letters.

    Raises:
        WorkflowError: It is not.
    """
    if value is None or (
        isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    ):
        return
    example = f"; write [{value!r}]" if isinstance(value, str) else ""
    raise reader.wrong(f"`{name}` must be a list of texts, not {value!r}{example}")


def check_field(reader: Reader, name: str, value: object) -> None:
    """Check that what may be left out is a field's name, or a function of a part.

    Raises:
        WorkflowError: It is neither.
    """
    if value is not None and not isinstance(value, str) and not callable(value):
        raise reader.wrong(f"`{name}` must be a field's name or a function, not {value!r}")
    _check_not_async(reader, value, f"`{name}`")


def check_title(reader: Reader, title: object) -> None:
    """Check that what may be left out is a text, or a function of the request.

    Raises:
        WorkflowError: It is neither, or a coroutine.
    """
    if not callable(title):
        check_text(reader, "title", title)
    _check_not_async(reader, title, "`title`")


def check_text(reader: Reader, name: str, value: object) -> None:
    """Check that what may be left out is a text.

    Raises:
        WorkflowError: It is not.
    """
    if value is not None and not isinstance(value, str):
        raise reader.wrong(f"`{name}` must be a text, not {value!r}")


def expiry(value: str, reader: Reader) -> ReviewExpiry:
    """Return what happens to a review that nobody decides.

    Raises:
        WorkflowError: There is no such thing.
    """
    try:
        return ReviewExpiry(value)
    except ValueError:
        choices = ", ".join(repr(str(each)) for each in ReviewExpiry)
        raise reader.wrong(f"`on_expiry` must be one of {choices}, not {value!r}") from None


def check_plain(signature: Signature, reader: Reader) -> None:
    """Check that a function is no coroutine: it is asked for data, and does nothing.

    Raises:
        WorkflowError: It is one.
    """
    _check_not_async(reader, signature.function, "it")


def _check_not_async(reader: Reader, function: object, name: str) -> None:
    if inspect.iscoroutinefunction(function):
        raise reader.wrong(
            f"{name} must not be `async`: it only says what follows from what is there"
        )


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
