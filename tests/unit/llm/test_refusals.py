"""What of a request a server refuses, in the words of many."""

from __future__ import annotations

from typing import Any

import pytest

from llm.refusals import Feature, bound_in, refused
from llm.schema import simple_schema
from llm.told import Told

ASKED = 100_000
PLAIN: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}],
}
SCHEMA = PLAIN | {
    "response_format": {"type": "json_schema", "json_schema": {"strict": True, "schema": {}}}
}
JSON_MODE = PLAIN | {"response_format": {"type": "json_object"}}
STREAM = SCHEMA | {"stream": True, "stream_options": {"include_usage": True}}
LIMIT = SCHEMA | {"max_tokens": ASKED}
NEW_LIMIT = SCHEMA | {"max_completion_tokens": ASKED}
UNTHINKING = JSON_MODE | {"enable_thinking": False}


@pytest.mark.parametrize(
    "said",
    [
        "This model only support stream mode, please enable the stream parameter.",
        "parameter.enable_thinking must be set to false for non-streaming calls",
        (
            "parameter.enable_thinking\u5fc5\u987b\u8bbe\u7f6e\u4e3afalse\u624d\u80fd\u8fdb\u884c"
            "\u975e\u6d41\u5f0f\u8c03\u7528"
        ),
        "enable thinking can not be support when `stream=False`.",
        "Non-streaming is not supported for this model",
        "Only streaming requests are supported",
        "stream must be true",
        "This model requires streaming",
        "\u8be5\u6a21\u578b\u4ec5\u652f\u6301\u6d41\u5f0f\u8f93\u51fa",
        "Streaming is required for operations that may take long",
    ],
)
def test_streaming_only_is_heard(said: str) -> None:
    """From a request that is not streamed; one that is cannot be meant."""
    told = Told(status=400, message=said)
    assert refused(told, SCHEMA) is Feature.STREAM_ONLY
    assert refused(told, STREAM) is not Feature.STREAM_ONLY


@pytest.mark.parametrize(
    "said",
    [
        "System role not supported",
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "Developer instruction is not enabled for models/gemma-3",
        "Only user and assistant roles are supported!",
        "Conversation roles must alternate user/assistant/user/assistant",
        "Invalid role: system",
        "system messages are not supported by this model",
        "messages.0.role: Input should be 'user' or 'assistant'",
        "The first message must be from user",
        "\u4e0d\u652f\u6301system\u89d2\u8272",
    ],
)
def test_no_system_message_is_heard(said: str) -> None:
    """Also when a template fails inside the server."""
    for status in (400, 500):
        assert refused(Told(status=status, message=said), SCHEMA) is Feature.SYSTEM


@pytest.mark.parametrize(
    ("request_", "said", "feature"),
    [
        (SCHEMA, "Invalid schema for response_format: 'additionalProperties' missing", "schema"),
        (SCHEMA, "The schema produces a constraint that has too many states", "schema"),
        (SCHEMA, 'Unknown name "x" at generation_config.response_schema', "schema"),
        (SCHEMA, "schema is too complex", "schema"),
        (SCHEMA, "features not supported by xgrammar", "schema"),
        (SCHEMA, "failed to parse grammar", "schema"),
        (SCHEMA, "JSON schema conversion failed", "schema"),
        (SCHEMA, "'minItems' is not permitted.", "schema"),
        (SCHEMA, "This response_format type is unavailable now", "response_format"),
        (SCHEMA, "No endpoints found that can handle the requested parameters", "response_format"),
        (SCHEMA, "response_format of type 'json_schema' is not supported", "response_format"),
        (SCHEMA, "'response_format.type' must be 'json_object' or 'text'", "response_format"),
        (JSON_MODE, "Json mode is not supported when enable_thinking is true", "thinking"),
        (UNTHINKING, "The enable_thinking parameter is restricted to True.", "thinking"),
        (STREAM, "Unsupported value: 'stream' does not support true here.", "stream"),
        (STREAM, "Your organization must be verified to stream this model.", "stream"),
        (STREAM, "response_format does not support streaming", "stream"),
        (STREAM, "Extra inputs are not permitted: stream_options", "stream_options"),
        (LIMIT, "'max_tokens' is not supported. Use 'max_completion_tokens'.", "limit_name"),
        (NEW_LIMIT, "Unrecognized request argument: max_completion_tokens", "limit_name"),
        (NEW_LIMIT, "Unknown parameter: 'max_completion_tokens'.", "limit_name"),
    ],
)
def test_what_is_refused_is_told_apart(request_: dict[str, Any], said: str, feature: str) -> None:
    """A schema from a format, a value from a name, a stream from its options."""
    assert refused(Told(status=400, message=said), request_) == feature


@pytest.mark.parametrize(
    ("request_", "said", "feature"),
    [
        (SCHEMA, "guided decoding is not enabled: response_format", "response_format"),
        (SCHEMA, "json: unknown field response_format", "response_format"),
        (STREAM, 'json: unknown field "stream_options"', "stream_options"),
        (STREAM, "stream not found", None),
        (SCHEMA, "upstream failed while reading response_format", None),
    ],
)
def test_an_inner_failure_is_a_refusal_only_where_it_says_so(
    request_: dict[str, Any], said: str, feature: str | None
) -> None:
    """Some servers fail with 500 over what they do not know; others only break off."""
    assert refused(Told(status=500, message=said), request_) == feature


@pytest.mark.parametrize(
    ("said", "bound"),
    [
        ("max_tokens is too large: 100000. It supports at most 16384 completion tokens.", 16384),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8192),
        ("`max_tokens` must be less than or equal to `8192`", 8192),
        ("max_tokens must be between 1 and 4096", 4096),
        ("max_tokens: 100000 > 64000, the most that it writes", 64000),
        ("The maximum value for max_tokens is 4096", 4096),
        ("max_tokens \u4e0d\u80fd\u8d85\u8fc7 4096", 4096),
        (
            (
                "maximum context length is 4097 tokens. However, you requested 100500 tokens "
                "(500 in the messages, 100000 in the completion)."
            ),
            4097 - 500 - 16,
        ),
        ("max_tokens is odd", None),
    ],
)
def test_the_bound_of_an_answer_is_read(said: str, bound: int | None) -> None:
    """It is what is asked for from then on; without a number the limit is left out."""
    told = Told(status=400, message=said)
    assert refused(told, LIMIT) is Feature.LIMIT_VALUE
    assert bound_in(told, asked=ASKED) == bound


def test_a_simple_schema_has_only_types() -> None:
    """Bounds and what else a grammar may choke on are gone, whatever their depth."""
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["a"],
        "properties": {
            "a": {
                "type": "array",
                "minItems": 3,
                "items": {"type": "string", "pattern": "x", "description": "d"},
            },
            "kind": {"const": "single"},
            "title": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
        },
    }
    assert simple_schema(schema) == {
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "array", "items": {"type": "string"}},
            "kind": {"type": "string", "enum": ["single"]},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
    }
