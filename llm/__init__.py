"""Language models behind one port: a call has a prompt and a shape, the answer has that shape."""

from __future__ import annotations

from core.usage import Usage
from llm.author import create_author
from llm.calls import Author, Call, Completion, OnRetry, OnText
from llm.output import Output
from llm.prompt import Message, Prompt, Text

__all__ = [
    "Author",
    "Call",
    "Completion",
    "Message",
    "OnRetry",
    "OnText",
    "Output",
    "Prompt",
    "Text",
    "Usage",
    "create_author",
]
