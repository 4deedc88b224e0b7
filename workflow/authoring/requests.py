"""Turns what a task is asked for into JSON that is stored, from which each step reads it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import to_jsonable_python

from core.authored import AuthoredError, call
from core.errors import InvalidRequestError
from workflow.authoring.differing import Comparison, Difference
from workflow.authoring.lossless import Lossless
from workflow.authoring.signature import Reader, said

if TYPE_CHECKING:
    from pydantic import BaseModel


class RequestCodec:
    """The JSON form of a workflow's requests."""

    def __init__(self, model: type[BaseModel], workflow: str) -> None:
        """Take the model.

        Raises:
            WorkflowError: No request can be read again from what is stored of it.
        """
        reader = Reader(workflow, "its request")
        try:
            self._adapter: TypeAdapter[BaseModel] = TypeAdapter(model)
            self._lossless = Lossless(self._adapter)
        except PydanticUserError as error:
            raise reader.wrong(f"{said(model)} is not whole: {error.message}") from None
        _check_form(model, reader)
        if self._lossless.problem is not None:
            raise reader.wrong(
                f"{said(model)} would not come back as it was stored: {self._lossless.problem}"
            )

    def stored(self, request: BaseModel) -> dict[str, Any]:
        """Return a request as it is stored: by the names of its fields where that is read again.

        Raises:
            InvalidRequestError: Steps would read another request; the message names the place.
        """
        try:
            plain = request.model_dump(mode="json")
            if self._lossless.sure or self._difference(request, plain) is None:
                return plain
            again = request.model_dump(mode="json", by_alias=True, round_trip=True)
        except ValueError as error:
            line = str(error).split("\n", 1)[0].rstrip(".")
            raise InvalidRequestError(f"The request cannot be stored as JSON: {line}.") from None
        found = self._difference(request, again)
        if found is None:
            return again
        at = found.at.removeprefix(".")
        where = f" at {at}" if at else ""
        raise InvalidRequestError(
            f"The request cannot be stored as it is{where}: {found.said}. Its model needs aliases"
            " for both ways, serializers whose text is read again, and no `exclude`.",
            fields=[(f"request{found.at}", found.said, "not_storable")],
        )

    def _difference(self, request: BaseModel, dumped: dict[str, Any]) -> Difference | None:
        try:
            again = self._adapter.validate_python(dumped)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = "".join(f".{each}" for each in first["loc"])
            return Difference(place, "what is stored of it cannot be read again")
        compared = Comparison(
            same_json=lambda: again.model_dump(mode="json") == request.model_dump(mode="json"),
            strict=self._lossless.strict,
            plain=self._lossless.plain,
        )
        return compared.difference(request, again)


def _check_form(model: type[BaseModel], reader: Reader) -> None:
    """Check that a request can be told to others: its form and its checks are made of that.

    Raises:
        WorkflowError: It has no JSON Schema.
    """
    try:
        to_jsonable_python(call(model.model_json_schema))
    except (AuthoredError, ValueError) as error:
        line = str(error).split("\n", 1)[0].removeprefix("pydantic.errors.").rstrip(".")
        raise reader.wrong(f"{said(model)} cannot be told as a JSON Schema: {line}") from None
