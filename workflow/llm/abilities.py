"""What a server accepts: begun with what its preset knows, corrected by what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from workflow.llm.presets import ResponseFormat
from workflow.llm.schema import strict_schema

if TYPE_CHECKING:
    from workflow.llm.calls import Call, T
    from workflow.llm.failures import Told
    from workflow.llm.presets import Preset

_REFUSALS: Final = frozenset({400, 404, 415, 422})


class Feature(StrEnum):
    """What a server may refuse and a request can do without."""

    RESPONSE_FORMAT = "response_format"
    STREAM = "stream"
    STREAM_OPTIONS = "stream_options"
    LIMIT_NAME = "limit_name"


_MENTIONS: Final = re.compile(
    r"(?P<response_format>\b(response_?format|json[ _](schema|object|mode)"
    r"|structured[ _]outputs?)\b)"
    r"|(?P<stream_options>\b(stream_options|include_usage)\b)"
    r"|(?P<stream>\bstream(s|ed|ing)?\b)"
    r"|(?P<limit_name>\bmax_(completion_)?tokens\b.*\b(support|use|unknown|unrecogni[sz]ed|permitted))",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Abilities:
    """How a server is asked."""

    response_format: ResponseFormat = ResponseFormat.JSON_SCHEMA
    limit_names: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    """What the limit of an answer may be called; without a name left it is not sent."""
    streams: bool = True
    tells_usage: bool = True
    """Whether a stream may be asked for its tokens (`stream_options`)."""

    @classmethod
    def of(cls, preset: Preset) -> Abilities:
        """Return what to begin with at a provider."""
        other = {"max_tokens", "max_completion_tokens"} - {preset.limit_name}
        return cls(response_format=preset.response_format, limit_names=(preset.limit_name, *other))

    def refused(self, told: Told, request: dict[str, Any]) -> Feature | None:
        """Return what of a request an error refuses, if the request can do without it.

        What is named first counts: "Streaming is not supported with response_format" is about the
        stream, "response_format is none of: model, stream" is not.
        """
        if told.status not in _REFUSALS:
            return None
        for text in (told.param, told.message):
            for found in _MENTIONS.finditer(text):
                feature = Feature(str(found.lastgroup))
                if self._asked_for(feature, request):
                    return feature
        return None

    def _asked_for(self, feature: Feature, request: dict[str, Any]) -> bool:
        names = self.limit_names[:1] if feature is Feature.LIMIT_NAME else (feature.value,)
        return any(name in request for name in names)

    def without(self, feature: Feature, *, seen: Abilities) -> Abilities:
        """Return the abilities after a refusal.

        Args:
            feature: What was refused.
            seen: What the refused request was made with. Of many requests that are refused for the
                same reason at the same time only the first changes anything.
        """
        match feature:
            case Feature.RESPONSE_FORMAT if self.response_format == seen.response_format:
                return replace(self, response_format=ResponseFormat(self.response_format + 1))
            case Feature.STREAM:
                return replace(self, streams=False)
            case Feature.STREAM_OPTIONS:
                return replace(self, tells_usage=False)
            case Feature.LIMIT_NAME if self.limit_names == seen.limit_names:
                return replace(self, limit_names=self.limit_names[1:])
        return self

    def request(
        self, call: Call[T], messages: list[dict[str, str]], *, model: str, stream: bool
    ) -> dict[str, Any]:
        """Return the body of a request for a structured completion."""
        schema = strict_schema(call.output)
        name = call.kind.value
        body: dict[str, Any] = {"model": model, "messages": messages}
        if self.response_format is ResponseFormat.JSON_SCHEMA:
            shape = {"name": name, "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        else:
            body["messages"] = _with_schema(messages, name, schema)
        if self.response_format is ResponseFormat.JSON_OBJECT:
            body["response_format"] = {"type": "json_object"}
        if call.max_tokens is not None and self.limit_names:
            body[self.limit_names[0]] = call.max_tokens
        if stream and self.streams:
            body["stream"] = True
            if self.tells_usage:
                body["stream_options"] = {"include_usage": True}
        return body


def _with_schema(
    messages: list[dict[str, str]], name: str, schema: dict[str, Any]
) -> list[dict[str, str]]:
    """Return the messages with the schema in the first; JSON mode wants the word JSON there too."""
    first, *rest = messages
    shown = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    rule = f'The JSON Schema that the answer must fit:\n<schema name="{name}">\n{shown}\n</schema>'
    return [{**first, "content": f"{first['content']}\n\n{rule}"}, *rest]
