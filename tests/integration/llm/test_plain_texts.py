"""A model that cannot write JSON answers with the text: it counts where it can only be that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import Field

from core.provider_errors import (
    ContentInvalidError,
    ContentRefusedError,
    ContentTruncatedError,
    ProviderUnavailableError,
)
from llm import Call, Output
from tests.integration.llm.calls import CONTENT, QUIZ, choice, tutorial
from tests.model_rules import Rule
from tests.prompts import prompt_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm.openai_compatible import OpenAIAuthor
    from tests.model_server import ModelServer

    MakeAuthor = Callable[..., OpenAIAuthor]

WORDS = "Each value has one owner, and goes when its owner goes. " * 8
TEXT = (
    f"# Ownership\n\n{WORDS.strip()}\n\n```rust\nlet a = Point {{ x: 1 }};\n```\n\n{WORDS.strip()}"
)
STORY = f"{WORDS.strip()}\n\n{WORDS.strip()}\n\nThat is all."


class Story(Output):
    """One text, of which nobody said how long it may be."""

    text: str


class Titled(Output):
    """A text, and what cannot be made of it."""

    title: str
    text: str = Field(max_length=200_000)


def asked(output: type[Any]) -> Call[Any]:
    """Return a call for a shape of somebody's own."""
    return Call(prompt=prompt_of("tutorial", CONTENT), output=output)


@pytest.mark.parametrize(
    "dress",
    [
        "{}",
        "<think>JSON? No.</think>\n{}",
        "Sure! Here is the tutorial:\n\n{}",
        "```markdown\n{}\n```",
        "Here it is:\n```md\n{}\n```",
        "```\n{}\n```",
    ],
)
async def test_a_text_with_its_heading_is_taken_at_once(
    server: ModelServer, author_for: MakeAuthor, dress: str
) -> None:
    """Whole and in a stream, without what stands around it; a viewer sees it in the end."""
    server.rules.append(Rule("says", body=dress.replace("{}", TEXT)))
    shown: list[tuple[int, str]] = []
    whole = await author_for().complete(tutorial())
    live = await author_for().stream(
        tutorial(), field="markdown", on_text=lambda at, text: shown.append((at, text))
    )
    assert [each.value.markdown for each in (whole, live)] == [TEXT, TEXT]
    assert shown == [(0, TEXT)]
    assert [each.usage.calls for each in (whole, live)] == [1, 1]


async def test_another_text_is_taken_when_the_repairs_are_used_up(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """The first one, which answers the question and no reproach; a good answer is better."""
    server.rules += [Rule("says", body=STORY, times=1), Rule("says", body="Sorry, what?", times=2)]
    completion = await author_for().complete(tutorial())
    assert (completion.value.markdown, completion.usage.calls) == (STORY, 3)
    server.rules[:] = [Rule("says", body=STORY, times=1)]
    mended = await author_for().complete(tutorial())
    assert "Ownership" in mended.value.markdown
    assert mended.usage.calls == 2


async def test_an_example_in_a_text_is_not_the_answer(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """An object that would do by its names is a part of a text many times its length."""
    text = f'{TEXT}\n\n```json\n{{"text": "hello"}}\n```\n\nThe end.'
    server.rules.append(Rule("says", body=text))
    assert (await author_for().complete(tutorial())).value.markdown == text


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ('# Ownership\n\n{"markdown": "' + WORDS * 3, ContentInvalidError),
        (
            "# Half\n" + '```json\n{"markdown": "# Ownership\\n' + WORDS * 3 + "\n```",
            ContentInvalidError,
        ),
        ("I'm sorry, but I cannot write about that.\n\n" + STORY * 2, ContentInvalidError),
        ("I'm sorry, I cannot write about that.", ContentRefusedError),
        ("<think>\n" + TEXT, ContentInvalidError),
        ("Traceback (most recent call last):\n\n" + STORY, ContentInvalidError),
        ("<html>\n\n" + STORY, ContentInvalidError),
        ("What would you like to learn?", ContentInvalidError),
        ("x" * 5000, ContentInvalidError),
    ],
)
async def test_what_may_be_anything_else_is_no_text(
    server: ModelServer, author_for: MakeAuthor, said: str, error: type[Exception]
) -> None:
    """Half an object, a refusal, thoughts, an error, a page, a question, and noise."""
    server.rules.append(Rule("says", body=said))
    with pytest.raises(error):
        await author_for().complete(tutorial())


@pytest.mark.parametrize(
    ("reason", "error"),
    [("length", ContentTruncatedError), ("network_error", ProviderUnavailableError)],
)
async def test_half_a_text_is_no_text(
    server: ModelServer, author_for: MakeAuthor, reason: str, error: type[Exception]
) -> None:
    """One that was cut off, or whose server gave up, with an example in it or without."""
    for text in (TEXT, f'{TEXT}\n\n{{"text": "hello"}}\n\nAnd'):
        server.rules[:] = [choice(message={"content": text}, finish_reason=reason)]
        with pytest.raises(error):
            await author_for().complete(tutorial())


async def test_a_shape_with_other_fields_is_never_made_of_a_text(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Nor is one text that nobody said to be long, unless it is shown while it is written."""
    server.rules.append(Rule("says", body=TEXT))

    def nobody(_at: int, _text: str) -> None:
        pass

    for call in (asked(Titled), QUIZ):
        with pytest.raises(ContentInvalidError):
            await author_for().complete(call)
    with pytest.raises(ContentInvalidError):
        await author_for().stream(asked(Titled), field="text", on_text=nobody)
    with pytest.raises(ContentInvalidError):
        await author_for().complete(asked(Story))
    story = await author_for().stream(asked(Story), field="text", on_text=nobody)
    assert story.value.text == TEXT
