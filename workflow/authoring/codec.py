"""Turns what functions give into JSON that is stored, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, TypeAdapter
from pydantic import ValidationError as Invalid
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

from core.errors import UnreadableRecordError
from core.request_shapes import refused
from core.wording import said as said_of
from workflow.authoring.errors import ResultError
from workflow.authoring.signature import MISSING, said
from workflow.limits import lost_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflow.authoring.signature import Reader

VALUE = "value"
"""Where a result stands in what is stored of it."""
_MOST_NAMED = 5


class Codec:
    """The JSON form of one type."""

    def __init__(self, annotation: Any, reader: Reader) -> None:
        """Take a type.

        Raises:
            WorkflowError: There is none, or its values cannot be stored as JSON.
        """
        if annotation is MISSING:
            raise reader.wrong(
                "it does not say what it returns; annotate it, such as `-> Plot`, or `-> None`"
            )
        self.annotation = annotation
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(annotation)
            self.schema: dict[str, Any] = self._adapter.json_schema()
            self._adapter.json_schema(mode="serialization")
        except (
            PydanticSchemaGenerationError,
            PydanticInvalidForJsonSchema,
            PydanticUndefinedAnnotation,
            PydanticUserError,
        ) as error:
            raise reader.wrong(
                f"it returns {said(annotation)}, which cannot be stored as JSON"
                f" ({_first_line(error)}); return a pydantic model, a dataclass, or lists,"
                " dictionaries, texts and numbers"
            ) from None

    def stored(self, value: Any, *, what: str) -> dict[str, Any]:
        """Return a value as it is stored.

        Raises:
            ResultError: It does not fit its type.
        """
        try:
            fits = self._adapter.validate_python(value)
            dumped = self._adapter.dump_python(fits, mode="json", by_alias=True, round_trip=True)
            lost = lost_number(self._adapter.dump_python(fits)) if _has_none(dumped) else None
        except Invalid as error:
            raise ResultError(
                f"{what} returned what is no {said(self.annotation)}: {_problems(error)}."
            ) from None
        except (ValueError, TypeError) as error:
            raise ResultError(
                f"{what} returned what cannot be stored as JSON: {_first_line(error)}."
            ) from None
        if lost is not None:
            raise ResultError(f"{what} returned a number at {lost} that JSON does not have.")
        return {VALUE: dumped}

    def check(self, stored: Any) -> None:
        """Check that something stored can be read.

        Raises:
            ValueError: It cannot.
        """
        if not isinstance(stored, dict) or VALUE not in stored:
            raise ValueError(f"{VALUE}: missing")
        self._adapter.validate_python(stored[VALUE])

    def read(self, stored: Mapping[str, Any], *, what: str) -> Any:
        """Return a stored value.

        Raises:
            UnreadableRecordError: It was stored by a version whose type was another.
        """
        try:
            return self._adapter.validate_python(stored[VALUE])
        except (Invalid, KeyError, TypeError):
            raise UnreadableRecordError(
                f"What is stored of {what} is no {said(self.annotation)} of this version of the"
                " workflow; raise its version and translate with `upgrade`, or ask anew."
            ) from None

    def edited(self, value: Any, *, at: str = "value") -> dict[str, Any]:
        """Return a value that a human gave, as it is stored.

        Args:
            value: What was given.
            at: What it is called in messages.

        Raises:
            InvalidRequestError: It does not fit; the message names each field.
        """
        try:
            fits = self._adapter.validate_python(value)
        except Invalid as error:
            raise refused(error, at=at) from None
        return {VALUE: self._adapter.dump_python(fits, mode="json", by_alias=True, round_trip=True)}


def _has_none(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_none, value.values()))
    return any(map(_has_none, value)) if isinstance(value, list) else value is None


def _problems(error: Invalid) -> str:
    told = []
    for problem in error.errors(include_input=False, include_url=False)[:_MOST_NAMED]:
        path = ".".join(str(each) for each in problem["loc"])
        told.append(f"{path} {said_of(problem)}" if path else said_of(problem))
    return "; ".join(told)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")
