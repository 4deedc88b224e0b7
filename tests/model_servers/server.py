"""The scripted model server, speaking a dialect."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.model_server import ModelServer
from tests.model_servers.dialect import Dialect
from tests.model_wire import completion, send

if TYPE_CHECKING:
    import asyncio

    from tests.model_answers import About
    from tests.model_rules import Entry, Rule
    from tests.model_servers.dialect import Failure, Refusal

KEY = "sk-canary-0123456789"
_SECRETS = {"authorization": f"Bearer {KEY}", "api-key": KEY}
_WRONG = (401, {"error": {"message": "No such key.", "code": "invalid_api_key"}})
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@dataclass
class DialectServer(ModelServer):
    """A model server of one kind, which fails where it is told to."""

    dialect: Dialect = field(default_factory=lambda: Dialect(name="", source=""))
    failing: dict[str, Failure] = field(default_factory=dict)
    """By the title of the concept whose tutorial is asked for; `*` is everything."""

    @property
    def base_url(self) -> str:
        """The address for LLM_BASE_URL."""
        query = f"?{self.dialect.query}" if self.dialect.query else ""
        return f"http://{self.host}:{self.port}{self.dialect.path}{query}"

    async def _complete(
        self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        header = self.dialect.header
        if header and self.headers[-1].get(header) != _SECRETS[header]:
            await send(writer, _WRONG[0], json.dumps(_WRONG[1]).encode())
            return True
        refusal = self._failure(request) or self.dialect.refuse(request)
        if refusal is not None:
            self.requests.append(request)
            await _refuse(writer, refusal)
            return True
        return await super()._complete(request, reader, writer)

    def _failure(self, request: dict[str, Any]) -> Refusal | None:
        if "*" in self.failing:
            return self.failing["*"].refusal
        prompt = "\n".join(message["content"] for message in request["messages"])
        for title, failure in self.failing.items():
            if f"<concept>\n{title}\n</concept>" in prompt and "tutorial" in str(request):
                return failure.refusal
        return None

    async def _complete_with(
        self,
        choice: dict[str, Any],
        about: About,
        writer: asyncio.StreamWriter,
        entry: Entry,
        rule: Rule,  # noqa: ARG002 - only failures are scripted here
    ) -> None:
        tokens = entry.tokens
        limited = {"max_tokens", "max_completion_tokens"} & set(self.requests[-1])
        if self.dialect.cut_at and not limited:
            content = choice["message"]["content"]
            choice["message"]["content"] = content[: len(content) // 2]
            choice["finish_reason"] = "length"
            tokens = 2 * self.dialect.cut_at
        if not about.streamed:
            await send(writer, 200, completion(choice, tokens))
            return
        await self._stream(choice, writer, tokens if about.wants_usage else None)

    async def _stream(
        self, choice: dict[str, Any], writer: asyncio.StreamWriter, tokens: int | None
    ) -> None:
        end = "\r\n" if self.dialect.crlf else "\n"

        def chunk(data: dict[str, Any]) -> None:
            writer.write(f"data: {json.dumps(data)}{end}{end}".encode())

        writer.write(_HEAD)
        if self.dialect.comments:
            writer.write(f": PROCESSING{end}{end}".encode())
        if self.dialect.opening is not None:
            chunk(self.dialect.opening)
        content = choice["message"]["content"] or ""
        half = len(content) // 2
        for piece in ("", content[:half], content[half:]):
            delta = {"role": "assistant", "content": piece}
            chunk({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            await writer.drain()
        last: dict[str, Any] = {
            "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]
        }
        usage = json.loads(completion(choice, tokens or 0))["usage"] if tokens else None
        chunk(last if self.dialect.alone or usage is None else last | {"usage": usage})
        if self.dialect.alone and usage is not None:
            chunk({"choices": [], "usage": usage})
        if self.dialect.done:
            writer.write(f"data: [DONE]{end}{end}".encode())
        await writer.drain()
        writer.close()


async def _refuse(writer: asyncio.StreamWriter, refusal: Refusal) -> None:
    body = refusal.body if isinstance(refusal.body, str) else json.dumps(refusal.body)
    await send(writer, refusal.status, body.encode(), more=refusal.headers)
