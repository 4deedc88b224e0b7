"""Asks for shapes that are no object at their top inside an object: servers take no other."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import BaseModel, RootModel, create_model

from llm.calls import Call, Completion
from llm.output import Output
from llm.reading.rules import rules_of


def has_root(call: Call[Any]) -> bool:
    """Tell whether a call's shape is a `RootModel`, such as a list or a choice of shapes."""
    return issubclass(call.output, RootModel)


def held(call: Call[Any]) -> Call[Any]:
    """Return the call for an object that holds the shape as its `value`."""
    output: type[BaseModel] = call.output
    return replace(call, output=_holder(output))


def taken_out(completion: Completion[Any]) -> Completion[Any]:
    """Return what the object of such a call holds."""
    return Completion(value=completion.value.value, usage=completion.usage)


@cache
def _holder(output: type[BaseModel]) -> type[BaseModel]:
    shape: Any = create_model(output.__name__, __base__=Output, value=(output, ...))
    shape.read_by = rules_of(output)
    holder: type[BaseModel] = shape
    return holder
