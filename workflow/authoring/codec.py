"""Turns what functions give into JSON that is stored, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, TypeAdapter
from pydantic import ValidationError as Invalid
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import PydanticSerializationError

from core.errors import InvalidRequestError, UnreadableRecordError
from core.request_shapes import refused
from core.wording import said as said_of
from workflow.authoring.differing import Comparison
from workflow.authoring.errors import ResultError
from workflow.authoring.lossless import Lossless
from workflow.authoring.signature import MISSING, said
from workflow.limits import edit_problem, lost_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflow.authoring.signature import Reader

VALUE = "value"
"""Where a result stands in what is stored of it."""
_MOST_NAMED = 5
_ADVICE: Final = (
    "Later steps get what its JSON is read as: it needs aliases for both ways, serializers whose"
    " text is read again, plain keys, no `exclude`, and a discriminator where models look alike."
)


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
        self._lossless = Lossless(self._adapter)
        if self._lossless.problem is not None:
            raise reader.wrong(
                f"it returns {said(annotation)}, which would not come back as it was stored:"
                f" {self._lossless.problem}"
            )

    def stored(self, value: Any, *, what: str) -> dict[str, Any]:
        """Return a value as it is stored.

        Raises:
            ResultError: It does not fit its type, or would not come back as it was.
        """
        try:
            fits = self._adapter.validate_python(value)
            dumped, differs = self._dumped(fits, VALUE)
        except (ValueError, TypeError) as error:
            from workflow.authoring.forgotten import forgotten_await  # late: most results fit

            if (name := forgotten_await(value)) is not None:
                raise ResultError(
                    f"{what} returned a coroutine, {name!r}, and not what that gives;"
                    " `await` it, as in `return await ctx.ask(…)`."
                ) from None
            if isinstance(error, Invalid):
                raise ResultError(
                    f"{what} returned what is no {said(self.annotation)}: {_problems(error)}."
                ) from None
            raise ResultError(
                f"{what} returned what cannot be stored as JSON: {_first_line(error)}."
            ) from None
        if differs is not None:
            raise ResultError(f"{what} returned what its JSON does not keep: {differs}. {_ADVICE}")
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
        try:
            dumped, differs = self._dumped(fits, at)
        except (ValueError, TypeError) as error:
            differs, dumped = f"it cannot be stored as JSON: {_first_line(error)}", None
        if problem := differs or edit_problem(dumped, at):
            raise InvalidRequestError(
                f"The value is not valid: {problem}.", fields=[(at, problem, "not_storable")]
            )
        return {VALUE: dumped}

    def _dumped(self, value: Any, at: str) -> tuple[Any, str | None]:
        """Return a value as JSON, and where it would come back as another one; None if nowhere."""
        sure = self._lossless.sure
        try:
            dumped = self._json(value, warnings="error" if sure else "none")
        except PydanticSerializationError:  # somebody has put into it what does not fit
            sure, dumped = False, self._json(value, warnings="none")
        return dumped, None if sure else self._difference(value, dumped, at)

    def _difference(self, value: Any, dumped: Any, at: str) -> str | None:
        if _has_none(dumped) and (lost := lost_number(self._adapter.dump_python(value), at)):
            return f"it holds a number at {lost} that JSON does not have"
        try:
            again = self._adapter.validate_python(dumped)
        except Invalid as error:
            return f"it cannot be read again: {_problems(error)}"
        compared = Comparison(
            same_json=lambda: self._json(again, warnings="none") == dumped,
            strict=self._lossless.strict,
            plain=self._lossless.plain,
        )
        found = compared.difference(value, again)
        return found and f"at {at}{found.at}, {found.said}"

    def _json(self, value: Any, *, warnings: Literal["none", "error"]) -> Any:
        return self._adapter.dump_python(
            value, mode="json", by_alias=True, round_trip=True, warnings=warnings
        )


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
