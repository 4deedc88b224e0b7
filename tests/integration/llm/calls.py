"""Calls that tests make, and rules by which the server answers them oddly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llm import Call, Completion
from roadmaps.kinds.quiz import QuizDraft
from roadmaps.kinds.tutorial import Tutorial
from tests.model_rules import Rule
from tests.prompts import content_inputs, prompt_of

if TYPE_CHECKING:
    from llm.openai_compatible import OpenAIAuthor


CONTENT = content_inputs()
QUIZ = Call(prompt=prompt_of("quiz", CONTENT), output=QuizDraft)
KEY = "sk-canary-0123456789"


def tutorial() -> Call[Tutorial]:
    """Return a call for a tutorial."""
    return Call(prompt=prompt_of("tutorial", CONTENT), output=Tutorial)


async def both(author: OpenAIAuthor) -> list[Completion[Tutorial]]:
    """Ask for a tutorial whole and in a stream; whoever reads along sees it in the end."""
    shown = ""

    def on_text(offset: int, text: str) -> None:
        nonlocal shown
        assert "DRAFT" not in text
        shown = shown[:offset] + text

    whole = await author.complete(tutorial())
    streamed = await author.stream(tutorial(), field="markdown", on_text=on_text)
    assert shown in {"", streamed.value.markdown}
    return [whole, streamed]


def choice(**told: Any) -> Rule:
    """Return the rule that answers with such a choice."""
    return Rule("choice", body=json.dumps(told))


def message(**said: Any) -> Rule:
    """Return the rule that answers with such a message."""
    return choice(message={"role": "assistant", **said})


DRAFT = '{"markdown": "DRAFT"}'
