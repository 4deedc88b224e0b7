"""What a server accepts: begun with what its preset knows, corrected by what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from llm.presets import ResponseFormat
from llm.refusals import Feature, bound_in, limit_in, refused
from llm.schema import simple_schema, strict_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llm.calls import Call, T
    from llm.presets import Preset
    from llm.told import Told

LONG_ANSWER: Final = 8192
"""Tokens that are asked for where a server's own limit cuts ordinary answers off."""

_UNNAMEABLE: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME: Final = 64
"""OpenAI refuses other names of schemas."""

_LADDER: Final = (
    ResponseFormat.JSON_SCHEMA,
    ResponseFormat.SIMPLE_SCHEMA,
    ResponseFormat.JSON_OBJECT,
    ResponseFormat.TEXT,
)


_LEFT_OUT: Final[dict[Feature, dict[str, Any]]] = {
    Feature.STREAM: {"streams": False, "only_streams": False},
    Feature.STREAM_ONLY: {"streams": True, "only_streams": True},
    Feature.STREAM_OPTIONS: {"tells_usage": False},
    Feature.SYSTEM: {"takes_system": False},
}
"""What a refusal changes, where that does not depend on what was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Abilities:
    """How a server is asked."""

    response_format: ResponseFormat = ResponseFormat.JSON_SCHEMA
    limit_names: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    """What the limit of an answer may be called; without a name left it is not sent."""
    most_tokens: int | None = None
    """The largest limit of an answer that the server takes."""
    answer_tokens: int | None = None
    """The limit that is sent where nothing else bounds an answer; None leaves it to the server."""
    streams: bool = True
    only_streams: bool = False
    """Whether answers must be streamed, also those that nobody watches."""
    tells_usage: bool = True
    """Whether a stream may be asked for its tokens (`stream_options`)."""
    takes_system: bool = True
    """Whether there may be a system message; else its text opens the user's."""
    thinks: bool | None = None
    """What `enable_thinking` is set to; None says nothing of it."""
    thinking_fixed: bool = False
    """Whether `enable_thinking` was refused."""

    @classmethod
    def of(cls, preset: Preset) -> Abilities:
        """Return what to begin with at a provider."""
        other = {"max_tokens", "max_completion_tokens"} - {preset.limit_name}
        return cls(response_format=preset.response_format, limit_names=(preset.limit_name, *other))

    @classmethod
    def from_json(cls, data: Any) -> Abilities | None:
        """Return what was kept, or None when it is not understood (any more)."""
        names = {field.name for field in fields(cls)}
        try:
            kept = {name: value for name, value in data.items() if name in names}
            kept["response_format"] = ResponseFormat[kept["response_format"].upper()]
            kept["limit_names"] = tuple(str(name) for name in kept["limit_names"])
            return cls(**kept)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON that can be kept."""
        return {
            **asdict(self),
            "response_format": self.response_format.name.lower(),
            "limit_names": list(self.limit_names),
        }

    def refused(self, told: Told, request: dict[str, Any]) -> Feature | None:
        """Return what of a request an error refuses, if the request can do without it."""
        return refused(told, request)

    def without(
        self,
        feature: Feature,
        *,
        seen: Abilities,
        told: Told | None = None,
        request: dict[str, Any] | None = None,
    ) -> Abilities:
        """Return the abilities after a refusal.

        Args:
            feature: What was refused.
            seen: What the refused request was made with. Of many requests that are refused for the
                same reason at the same time only the first changes anything.
            told: What the server said, which may hold the value that it takes.
            request: What was sent.
        """
        if feature in _LEFT_OUT:
            return replace(self, **_LEFT_OUT[feature])
        match feature:
            case Feature.RESPONSE_FORMAT | Feature.SCHEMA:
                if self.response_format == seen.response_format:
                    rung = self._next(for_schema=feature is Feature.SCHEMA)
                    return replace(self, response_format=rung)
            case Feature.LIMIT_NAME if self.limit_names == seen.limit_names:
                return replace(self, limit_names=self.limit_names[1:])
            case Feature.LIMIT_VALUE if self.most_tokens == seen.most_tokens:
                return self._bounded(told, request)
            case Feature.THINKING if self.thinks == seen.thinks:
                return self._rethought()
        return self

    def request(
        self, call: Call[T], messages: list[dict[str, str]], *, model: str, stream: bool
    ) -> dict[str, Any]:
        """Return the body of a request for a structured completion."""
        name = _UNNAMEABLE.sub("_", call.kind)[:_LONGEST_NAME]
        schema = strict_schema(call.output)
        body: dict[str, Any] = {"model": model, "messages": messages}
        shape: dict[str, Any] = {"name": name, "strict": True, "schema": schema}
        match self.response_format:
            case ResponseFormat.JSON_SCHEMA:
                body["response_format"] = {"type": "json_schema", "json_schema": shape}
            case ResponseFormat.SIMPLE_SCHEMA:
                shape = {"name": name, "schema": simple_schema(schema)}
                body["response_format"] = {"type": "json_schema", "json_schema": shape}
            case ResponseFormat.JSON_OBJECT:
                body["response_format"] = {"type": "json_object"}
        if self.response_format is not ResponseFormat.JSON_SCHEMA:
            body["messages"] = _with_schema(messages, name, schema)
        if not self.takes_system:
            body["messages"] = _without_system(body["messages"])
        limit = _least(call.max_tokens, self.answer_tokens, self.most_tokens)
        if (call.max_tokens or self.answer_tokens) and limit and self.limit_names:
            body[self.limit_names[0]] = limit
        if (stream or self.only_streams) and self.streams:
            body["stream"] = True
            if self.tells_usage:
                body["stream_options"] = {"include_usage": True}
        if self.thinks is not None:
            body["enable_thinking"] = self.thinks
        return body

    def guesses(self, proven: frozenset[str], request: dict[str, Any]) -> Iterator[Abilities]:
        """Yield other ways to ask, when a request was refused without a word about why.

        Only what no answer has proven yet is changed: first one thing at a time, then all.

        Args:
            proven: What requests that were answered had in them, as `marks` tells it.
            request: The one that was refused.
        """
        least = self
        doubtful = marks(request) - proven
        if "response_format" in request and self.response_format.name in doubtful:
            for rung in _LADDER[_LADDER.index(self.response_format) + 1 :]:
                if rung is not ResponseFormat.SIMPLE_SCHEMA:
                    least = replace(least, response_format=rung)
                    yield replace(self, response_format=rung)
        changes: list[tuple[str, dict[str, Any]]] = [
            ("stream", {"streams": False, "only_streams": False}),
            ("stream_options", {"tells_usage": False}),
            ("plain", {"only_streams": True}),
            ("system", {"takes_system": False}),
            ("limit", {"limit_names": ()}),
        ]
        for mark, change in changes:
            if mark in doubtful:
                if mark != "plain":
                    least = replace(least, **change)
                yield replace(self, **change)
        if least != self:
            yield least
            if "plain" in doubtful:
                yield replace(least, streams=True, only_streams=True)

    def _next(self, *, for_schema: bool) -> ResponseFormat:
        """Return the next way to ask for a shape; a simpler schema helps only who takes any."""
        later = _LADDER[_LADDER.index(self.response_format) + 1 :]
        if not for_schema:
            later = tuple(rung for rung in later if rung is not ResponseFormat.SIMPLE_SCHEMA)
        return later[0] if later else self.response_format

    def _bounded(self, told: Told | None, request: dict[str, Any] | None) -> Abilities:
        limit = limit_in(request or {})
        bound = bound_in(told, asked=limit[1]) if told and limit else None
        if bound is None:
            return replace(self, limit_names=())
        return replace(self, most_tokens=bound)

    def _rethought(self) -> Abilities:
        if self.thinks is None and not self.thinking_fixed:
            return replace(self, thinks=False)
        return replace(self, thinks=None, thinking_fixed=True, response_format=ResponseFormat.TEXT)


def marks(request: dict[str, Any]) -> frozenset[str]:
    """Return what of a request an answer proves to be accepted."""
    found: set[str] = {name for name in ("stream", "stream_options") if name in request}
    found |= set() if "stream" in request else {"plain"}
    found |= {"system"} if request["messages"][0]["role"] == "system" else set()
    found |= {"limit"} if limit_in(request) else set()
    shape = request.get("response_format") or {}
    strict = shape.get("json_schema", {}).get("strict")
    names = {
        "json_schema": ResponseFormat.JSON_SCHEMA if strict else ResponseFormat.SIMPLE_SCHEMA,
        "json_object": ResponseFormat.JSON_OBJECT,
    }
    return frozenset(found | {names.get(shape.get("type", ""), ResponseFormat.TEXT).name})


def _least(*numbers: int | None) -> int | None:
    known = [number for number in numbers if number is not None]
    return min(known) if known else None


def _with_schema(
    messages: list[dict[str, str]], name: str, schema: dict[str, Any]
) -> list[dict[str, str]]:
    """Return the messages with the schema in the first; JSON mode wants the word JSON there too."""
    first, *rest = messages
    shown = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    rule = (
        "Answer with one json object and nothing else.\n"
        f'The JSON Schema that the answer must fit:\n<schema name="{name}">\n{shown}\n</schema>'
    )
    return [{**first, "content": f"{first['content']}\n\n{rule}"}, *rest]


def _without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the messages with the first one's text at the head of the user's."""
    first, *rest = messages
    if first["role"] != "system" or not rest:
        return messages
    user = {"role": "user", "content": f"{first['content']}\n\n{rest[0]['content']}"}
    return [user, *rest[1:]]
