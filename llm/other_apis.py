"""Knows answers of other APIs than OpenAI's chat completions, and where those are instead.

Shapes as the vendors document them: Anthropic's messages, Gemini's `generateContent`, OpenAI's
responses, Ollama's `/api/chat` and `/api/generate`, DashScope's, Cohere's, llama.cpp's
`/completion`, and Hugging Face's `generate`.
"""

from __future__ import annotations

from typing import Any, Final

_SAID: Final = (
    "The server at ROADMAP_LLM_BASE_URL answers by {api}, not by OpenAI's chat completions; set it"
    " to {address}, then retry."
)
_ANTHROPIC: Final = "Anthropic's messages API", "https://api.anthropic.com/v1 or your gateway's /v1"
_GEMINI: Final = (
    "Gemini's own API",
    "https://generativelanguage.googleapis.com/v1beta/openai or your gateway's /v1",
)
_RESPONSES: Final = "OpenAI's responses API", "the address before /responses, mostly ending in /v1"
_OLLAMA: Final = "Ollama's own API", "http://HOST:11434/v1, without /api"
_DASHSCOPE: Final = (
    "DashScope's own API",
    "https://dashscope.aliyuncs.com/compatible-mode/v1",
)
_COHERE: Final = "Cohere's own API", "https://api.cohere.ai/compatibility/v1"
_LLAMACPP: Final = "llama.cpp's own API", "http://HOST:8080/v1"
_HUGGING_FACE: Final = "Hugging Face's generate API", "its address that ends in /v1"


def other_api(data: Any) -> str | None:
    """Say which other API an answer, or its first chunk, is from; None for none that is known.

    Args:
        data: As parsed. What has choices or tells of an error is none of another API's.
    """
    if isinstance(data, list) and data:
        data = data[0]
    if not isinstance(data, dict) or "choices" in data or data.get("error"):
        return None
    found = _found(data)
    return None if found is None else _SAID.format(api=found[0], address=found[1])


def _found(data: dict[str, Any]) -> tuple[str, str] | None:
    kind, message, content = data.get("type"), data.get("message"), data.get("content")
    inner = isinstance(message, dict)
    parts = message.get("content") if isinstance(message, dict) else None
    for is_it, api in (
        (kind == "message" and isinstance(content, list), _ANTHROPIC),
        (kind == "message_start" and inner, _ANTHROPIC),
        (isinstance(data.get("candidates"), list), _GEMINI),
        (data.get("object") == "response", _RESPONSES),
        (isinstance(kind, str) and kind.startswith("response."), _RESPONSES),
        ("done" in data and (inner or isinstance(data.get("response"), str)), _OLLAMA),
        (isinstance(data.get("output"), dict) and "request_id" in data, _DASHSCOPE),
        (isinstance(parts, list), _COHERE),
        (isinstance(content, str) and "stop" in data, _LLAMACPP),
        (isinstance(data.get("generated_text"), str), _HUGGING_FACE),
    ):
        if is_it:
            return api
    return None
