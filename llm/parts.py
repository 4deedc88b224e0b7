"""Asks for a part of an answer anew when the rest of it can be kept.

One bad question of seven does not cost six good ones. Where enough good ones are there it is left
out without a further request; else it is asked for alone, in a shape of its own, and put in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

from pydantic import BaseModel, Field, create_model

from llm.answers import UnusableAnswerError, read_answer
from llm.output import Output
from llm.reading.fitting import fitted
from llm.reading.rules import rules_of
from llm.schema import strict_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm.calls import T
    from llm.reading.problems import Misfit
    from llm.reading.rules import Rules

    Place = tuple[str | int, ...]

_MOST: Final = 10
_ENOUGH: Final = 2
"""The least that a list must be asked for to be one whose parts may be left out: who asks for at
least several can do with fewer, and who asks for any number means each of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What of an answer is to be asked for anew.

    Attributes:
        shape: What is asked for.
        shown: The bad parts as they were, for the model's eyes.
        problem: What is wrong with them.
        count: How many objects are asked for; 0 when it is fields of the answer itself.
    """

    value: dict[str, Any]
    places: tuple[Place, ...]
    shape: type[Output]
    shown: str
    problem: str
    count: int

    def put_in(self, said: str, output: type[T], *, notes: list[str]) -> T:
        """Return the answer with its new parts; a whole new answer will do, too.

        Raises:
            UnusableAnswerError: They do not fit.
        """
        try:
            new = read_answer(said, self.shape, notes=notes)
        except UnusableAnswerError as error:
            try:
                return read_answer(said, output, notes=notes)
            except UnusableAnswerError:
                raise error from None
        value: dict[str, Any] = json.loads(json.dumps(self.value))
        if not self.count:
            return fitted(value | _as_json(new), output, notes=notes)
        (parts,) = _as_json(new).values()
        for place, part in zip(self.places, parts, strict=True):
            holder: Any = value
            for step in place[:-1]:
                holder = holder[step]
            holder[place[-1]] = part
        return fitted(value, output, notes=notes)


def parts_to_ask(misfit: Misfit) -> Parts | None:
    """Return what is to be asked for anew, or None when that is the whole answer."""
    if not isinstance(misfit.value, dict) or not misfit.errors:
        return None
    schema = strict_schema(misfit.output)
    places = list(dict.fromkeys(_part_of(error["loc"], schema) for error in misfit.errors))
    if None in places:
        return _fields(misfit, schema) if set(places) == {None} else None
    found = [place for place in places if place is not None]
    names = {tuple(step for step in place if isinstance(step, str)) for place in found}
    if len(names) != 1 or len(found) > _MOST:
        return None
    model = _model_at(misfit.output, found[0])
    if model is None or len(found) == _all_of(misfit.value, found):
        return None
    bad = [_inside(misfit.value, place) for place in found]
    name = str(found[0][-2])
    return Parts(
        value=misfit.value,
        places=tuple(found),
        shape=_list_shape(name, model, len(found), rules_of(misfit.output)),
        shown=json.dumps({name: bad}, ensure_ascii=False),
        problem=str(misfit),
        count=len(found),
    )


def without_bad_parts(misfit: Misfit, output: type[T], *, enough: bool) -> T | None:
    """Return the answer without the parts of its one list that do not fit.

    Args:
        misfit: What does not fit.
        output: The shape.
        enough: Whether as many must be left as were asked for; else one is enough.
    """
    schema = strict_schema(output)
    if len(schema["properties"]) != 1 or not isinstance(misfit.value, dict):
        return None
    ((name, node),) = schema["properties"].items()
    parts = misfit.value.get(name)
    least = node.get("minItems", 0)
    if not isinstance(parts, list) or least < _ENOUGH:
        return None
    if any(len(error["loc"]) < _ENOUGH for error in misfit.errors):
        return None
    bad = {error["loc"][1] for error in misfit.errors}
    good = [part for number, part in enumerate(parts) if number not in bad]
    if len(good) < (least if enough else 1):
        return None
    try:
        return fitted({name: good}, output, notes=[])
    except UnusableAnswerError:
        return None


def _part_of(way: Sequence[str | int], schema: dict[str, Any]) -> Place | None:
    """Return the place of the innermost object of a list that an error is in."""
    node: dict[str, Any] = schema
    found: Place | None = None
    for number, step in enumerate(way, 1):
        inner = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
        if not isinstance(inner, dict):
            break
        node = inner
        if isinstance(step, int) and "properties" in node:
            found = tuple(way[:number])
    return found


def _fields(misfit: Misfit, schema: dict[str, Any]) -> Parts | None:
    """Return the fields of the answer itself that are to be asked for, when others are good."""
    names = tuple(dict.fromkeys(str(error["loc"][0]) for error in misfit.errors if error["loc"]))
    known = schema["properties"].keys() & _by_name(misfit.output)
    if not names or not set(names) < known or any(not error["loc"] for error in misfit.errors):
        return None
    return Parts(
        value=misfit.value,
        places=(),
        shape=_fields_shape(misfit.output, names),
        shown=json.dumps({name: misfit.value.get(name) for name in names}, ensure_ascii=False),
        problem=str(misfit),
        count=0,
    )


def _all_of(value: Any, places: list[Place]) -> int:
    """Return how many parts there are where these are some of."""
    lists = {place[:-1] for place in places}
    return sum(len(parts) for way in lists if isinstance(parts := _inside(value, way), list))


def _inside(value: Any, way: Sequence[str | int]) -> Any:
    for step in way:
        try:
            value = value[step]
        except (IndexError, KeyError, TypeError):
            return None
    return value


def _model_at(output: type[BaseModel], place: Place) -> type[BaseModel] | None:
    model: type[BaseModel] | None = output
    for step in place:
        if isinstance(step, int):
            continue
        info = model.model_fields.get(step) if model is not None else None
        model = _model_in(info.annotation) if info is not None else None
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


@cache
def _list_shape(name: str, model: type[BaseModel], count: int, rules: Rules) -> type[Output]:
    parts: Any = list[model]  # type: ignore[valid-type]
    fields: dict[str, Any] = {
        name: (Annotated[parts, Field(min_length=count, max_length=count)], ...)
    }
    shape = create_model("Parts", __base__=Output, **fields)
    shape.read_by = rules
    return shape


def _by_name(output: type[BaseModel]) -> dict[str, str]:
    """Return the fields of a shape by what they are called in JSON."""
    named: dict[str, str] = {}
    for field, info in output.model_fields.items():
        name = info.validation_alias or info.alias or field
        if isinstance(name, str):  # which of several names is meant, nobody knows
            named[name] = field
    return named


def _as_json(parts: Output) -> dict[str, Any]:
    return parts.model_dump(mode="json", by_alias=True)


@cache
def _fields_shape(output: type[BaseModel], names: tuple[str, ...]) -> type[Output]:
    wanted = [_by_name(output)[name] for name in names]
    fields: dict[str, Any] = {
        field: (output.model_fields[field].annotation, output.model_fields[field])
        for field in wanted
    }
    shape = create_model("Fields", __base__=Output, **fields)
    shape.read_by = rules_of(output)
    return shape
