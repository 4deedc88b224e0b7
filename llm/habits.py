"""Tells people what a server refused, and how its requests were changed because of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llm.presets import ResponseFormat

if TYPE_CHECKING:
    from llm.abilities import Abilities

_FORMATS: Final = {
    ResponseFormat.JSON_SCHEMA: "a strict JSON Schema is sent along",
    ResponseFormat.SIMPLE_SCHEMA: "it takes no strict schema, so a simpler one is sent along and "
    "the whole one stands in the prompt",
    ResponseFormat.JSON_OBJECT: "it takes no JSON Schema, so JSON mode is used and the schema "
    "stands in the prompt",
    ResponseFormat.TEXT: "it takes no response_format, so the schema stands in the prompt alone",
}


def gone_round(abilities: Abilities, *, preset: Abilities) -> list[str]:
    """Return what a server turned out to refuse, and what is done instead."""
    said = []
    if abilities.response_format is not preset.response_format:
        said.append(_FORMATS[abilities.response_format])
    if not abilities.streams:
        said.append("it does not stream, so texts come at once and not as they are written")
    if abilities.only_streams:
        said.append("it answers only in streams, so every answer is streamed")
    if not abilities.tells_usage:
        said.append("it takes no stream_options, so tokens of streams are not counted")
    if not abilities.takes_system:
        said.append("it takes no system message, so its text opens the user's message")
    said += _limits(abilities, preset)
    if abilities.thinks is False:
        said.append("it cannot think and answer in JSON at once, so enable_thinking is false")
    return said


def _limits(abilities: Abilities, preset: Abilities) -> list[str]:
    said = []
    if not abilities.limit_names:
        said.append("it takes no limit of an answer, so none is sent")
    elif abilities.limit_names[0] != preset.limit_names[0]:
        said.append(f"the limit of an answer is called {abilities.limit_names[0]}")
    if abilities.most_tokens is not None:
        said.append(f"an answer may have {abilities.most_tokens} tokens, so no more is asked for")
    if abilities.answer_tokens is not None:
        said.append(
            "it cuts answers off early unless asked not to, so "
            f"{min(abilities.answer_tokens, abilities.most_tokens or abilities.answer_tokens)}"
            " tokens are asked for"
        )
    return said
