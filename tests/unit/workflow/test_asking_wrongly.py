"""What a function asks of a model in a wrong way is said in one sentence, before it costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, TypedDict, cast

import pytest
from pydantic import BaseModel

from workflow import Context


class Text(BaseModel):
    """What is written."""

    title: str


@dataclass
class Note:
    """What is no model."""

    title: str


class Noted(TypedDict):
    """Ditto."""

    title: str


def context() -> Context:
    """Return what a function is given; what is refused is not asked."""
    claim = SimpleNamespace(workflow="flow")
    return Context(cast("Any", SimpleNamespace(claim=claim, step="write", want=None, ask=None)))


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (list[Text], "list["),
        (Note, "Note"),
        (Noted, "Noted"),
        (int, "int"),
        (None, "None"),
        (Text(title="a"), "Text(title='a')"),
        ("Text", "'Text'"),
    ],
)
async def test_shapes_that_are_none(shape: Any, name: str) -> None:
    """It is named, and what to write instead."""
    ctx = context()
    for ask in (ctx.ask, partial(ctx.stream, field="title")):
        with pytest.raises(TypeError) as raised:
            await ask(shape, "Go")
        assert f"shape, and {name}" in str(raised.value)
        assert "class Answer(BaseModel)" in str(raised.value)


@pytest.mark.parametrize("prompt", [None, 5, object])
async def test_prompts_that_are_none(prompt: Any) -> None:
    """It says what a prompt is."""
    with pytest.raises(TypeError, match="a prompt is a text, or a list of messages, and not "):
        await context().ask(Text, prompt)


@pytest.mark.parametrize("prompt", [[], [5], {"role": "user", "content": "a"}, b"a"])
async def test_messages_that_are_none(prompt: Any) -> None:
    """Ditto of what is in the list."""
    with pytest.raises(ValueError, match="prompt"):
        await context().ask(Text, prompt)
