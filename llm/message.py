"""What a message says, in each of the places where vendors put it: answer, thoughts, refusal.

Besides OpenAI's own there are typed parts (Mistral, Anthropic behind gateways), thoughts in fields
of their own (`reasoning_content`: DeepSeek, Qwen, vLLM; `reasoning`: OpenRouter, Groq, Ollama), and
answers as the arguments of a call of a tool that was never offered.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

_THOUGHTS: Final = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thoughts")
_TEXTS: Final = ("text", "content", "value", "output_text", "data")
_THINKING: Final = frozenset(
    {"thinking", "reasoning", "reasoning_content", "thought", "redacted_thinking", "summary_text"}
    | {"reasoning.text", "reasoning.summary", "reasoning.encrypted"}
)
_ORDINARY: Final = frozenset({"content", "role"})
_LARGEST: Final = 2_000_000
_NOTHING: Final = frozenset({"", "null", "none"})


@dataclass(slots=True)
class Said:
    """What was said so far besides the content; a stream's pieces add up.

    `arguments` are those of calls of tools, by the call's number.
    """

    content: str = ""
    thoughts: str = ""
    refusal: str = ""
    arguments: dict[Any, str] = field(default_factory=dict)
    size: int = 0

    def hear(self, message: Any) -> str:
        """Take a message, or the delta of one, and return what it adds to the content."""
        if not isinstance(message, dict):
            return ""
        if (content := plain_content(message)) is not None:
            return content
        heard = Said()
        heard.parts(message.get("content"))
        for name in _THOUGHTS:
            if (value := message.get(name)) and not heard.thoughts:
                heard.think(value)
        refusal = _text(message.get("refusal"))
        heard.refusal += "" if refusal.strip().lower() in _NOTHING else refusal
        parsed = message.get("parsed")
        if not heard.content and isinstance(parsed, dict):
            heard.content = json.dumps(parsed, ensure_ascii=False)
        heard.calls(message)
        self._add(heard)
        return heard.content

    def parts(self, content: Any) -> None:
        """Take a content: a text, a list of typed parts, or the object itself."""
        if isinstance(content, str):
            self.content += content
        elif isinstance(content, list):
            for part in content:
                self.parts(part)
        elif isinstance(content, dict):
            self._part(content)

    def _part(self, part: dict[str, Any]) -> None:
        kind = _text(part.get("type")).lower()
        if kind in _THINKING or part.get("thought") is True:
            self.think(part)
        elif kind == "refusal" or (not kind and part.keys() == {"refusal"}):
            self.refusal += _text(part.get("refusal")) or _text(part.get("text"))
        elif kind in {"tool_use", "tool_call", "function", "function_call"}:
            self._call(len(self.arguments), part)
        elif (name := next((name for name in _TEXTS if name in part), None)) and (
            kind or part.keys() <= {"text", "annotations", "index"}
        ):
            self.parts(part[name])
        elif not kind:
            self.content += json.dumps(part, ensure_ascii=False)

    def think(self, value: Any) -> None:
        """Take thoughts, as a text or in parts."""
        if isinstance(value, str):
            self.thoughts += value
        elif isinstance(value, list):
            for part in value:
                self.think(part)
        elif isinstance(value, dict):
            for name in ("thinking", "reasoning", "text", "summary", "content"):
                if value.get(name):
                    self.think(value[name])
                    return

    def calls(self, message: dict[str, Any]) -> None:
        """Take calls of tools; in a stream each has a number, and its arguments come in pieces."""
        calls = message.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else []):
            if isinstance(call, dict):
                number = call.get("index")
                self._call(number if isinstance(number, int) else place, call)
        if isinstance(call := message.get("function_call"), dict):
            self._call(0, call)

    def _call(self, number: int, call: dict[str, Any]) -> None:
        inner = call.get("function")
        function = inner if isinstance(inner, dict) else call
        given = next(
            (function[name] for name in ("arguments", "input", "parameters") if name in function),
            None,
        )
        if isinstance(given, (dict, list)):
            given = json.dumps(given, ensure_ascii=False)
        if isinstance(given, str):
            self.arguments[number] = self.arguments.get(number, "") + given

    def _add(self, more: Said) -> None:
        """Add what was heard, as long as it is not far too much; who listens keeps the content."""
        self.refusal = (self.refusal + more.refusal)[:_LARGEST]
        self.size += len(more.thoughts) + sum(map(len, more.arguments.values()))
        if self.size <= _LARGEST:
            self.thoughts += more.thoughts
            for number, piece in more.arguments.items():
                self.arguments[number] = self.arguments.get(number, "") + piece


def plain_content(message: Any) -> str | None:
    """Return the content of a message, or of the delta of one, that says nothing else; or None."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, str):
        return None
    if not message.keys() <= _ORDINARY and any(
        told for name, told in message.items() if name not in _ORDINARY
    ):
        return None
    return content


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
