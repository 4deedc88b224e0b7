"""What every request has in common: unknown fields are errors, texts can be stored and read."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)

from core.authored import AuthoredError, call
from core.errors import InvalidRequestError
from core.logging import get_logger
from core.visible import is_blank
from core.wording import said

log = get_logger(__name__)
T = TypeVar("T", bound=BaseModel)

_MOST_NAMED: Final = 10


def _storable(text: str) -> str:
    """Refuse what PostgreSQL cannot store in text: NUL and lone surrogates."""
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


def storable(text: str) -> str:
    """Return the text without what PostgreSQL cannot store."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _seen(text: str) -> str:
    """Refuse what nobody can read."""
    if is_blank(text):
        raise ValueError("must have something to read in it, not only invisible characters")
    return text


def _seen_if_any(text: str) -> str:
    return text and _seen(text)


MOST_UNKNOWN: Final = 10
"""Unknown fields of one object that are named one by one."""

Stored = Annotated[str, AfterValidator(_storable)]
"""Text that may be stored somewhere; what cannot be is refused, not looked for without it."""
Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_storable)]
Seen = Annotated[Text, StringConstraints(min_length=1), AfterValidator(_seen)]
"""Text that says something."""
Title = Annotated[Seen, StringConstraints(max_length=200)]
Prose = Annotated[Text, StringConstraints(max_length=4000), AfterValidator(_seen_if_any)]
"""Text that says something, or is empty."""


class Request(BaseModel):
    """Anything that comes from outside: unknown fields are refused, so that typing errors show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _few_unknown(cls, data: Any) -> Any:
        """Refuse many unknown fields as one error: an error for each took longer than all else."""
        if isinstance(data, dict) and len(data) > len(cls.model_fields):
            unknown = [name for name in data if name not in cls.model_fields]
            if len(unknown) > MOST_UNKNOWN:
                raise ValueError(f"has {len(unknown):,} unknown fields, such as {unknown[0]!a:.60}")
        return data


def parse_request(model: type[T], data: Any, *, at: str = "request") -> T:
    """Check what came without FastAPI, such as in a Celery message.

    Args:
        model: The shape that it must have; an author's own checks may be in it.
        data: What came.
        at: What it is called; the paths of wrong fields begin with it.

    Raises:
        InvalidRequestError: Names each field that is wrong, in words and in `details`; or a check
            that raised something else than `ValueError`.
    """
    try:
        return call(model.model_validate, data)
    except AuthoredError as error:
        if isinstance(error.__cause__, ValidationError):
            raise refused(error.__cause__, at=at) from None
        log.exception("check_of_request_crashed", model=model.__name__)
        raise InvalidRequestError(
            f"The {at} cannot be checked: a check of {model.__name__} raised {error.kind}, where it"
            " may raise only ValueError; the log has its traceback."
        ) from error


def refused(error: ValidationError, *, at: str) -> InvalidRequestError:
    """Return our own error for a value that does not fit its shape.

    Args:
        error: What is wrong with it.
        at: What the value is called.
    """
    found = error.errors(include_input=False, include_url=False)[:_MOST_NAMED]
    fields = [
        (".".join(map(str, (at, *each["loc"]))), said(each), str(each["type"])) for each in found
    ]
    # whoever sent a request knows its fields by their names alone
    told = "; ".join(f"{path.removeprefix('request.')} {what}" for path, what, _ in fields)
    return InvalidRequestError(f"The {at} is not valid: {told}.", fields=fields)
