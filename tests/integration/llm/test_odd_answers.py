"""Answers as real servers give them, over HTTP: whole, in streams, and through a whole task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from core.provider_errors import (
    ContentInvalidError,
    ContentRefusedError,
    ContentTruncatedError,
    ProviderError,
    ProviderUnavailableError,
)
from tests.factories import events, new_task, pair
from tests.integration.llm.calls import DRAFT, KEY, QUIZ, both, choice, message, tutorial
from tests.integration.llm.test_bad_parts import question
from tests.model_rules import Rule
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    from llm.openai_compatible import OpenAIAuthor
    from tests.model_server import ModelServer

    MakeAuthor = Callable[..., OpenAIAuthor]
MESSAGES: dict[str, dict[str, Any]] = {
    "typed_text": {"content": [{"type": "text", "text": "GOOD"}]},
    "typed_thinking": {
        "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": DRAFT}]},
            {"type": "text", "text": "GOOD"},
        ]
    },
    "parts_of_one_text": {"content": [{"type": "text", "text": "``"}, {"text": "`json\nGOOD"}]},
    "value_in_text": {"content": [{"type": "text", "text": {"value": "GOOD"}}]},
    "object": {"content": {"markdown": "Ownership"}},
    "tool_call": {
        "content": None,
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "tutorial",
         "arguments": "GOOD"}}],
    },
    "tool_call_with_words": {
        "content": "I call the tool.",
        "tool_calls": [{"index": 0, "function": {"arguments": {"markdown": "Ownership"}}}],
    },
    "function_call": {"content": "", "function_call": {"name": "x", "arguments": "GOOD"}},
    "tool_use": {"content": [{"type": "tool_use", "input": {"markdown": "Ownership"}}]},
    "reasoning_content": {"content": "GOOD", "reasoning_content": f"Perhaps {DRAFT}"},
    "reasoning": {"content": "GOOD", "reasoning": f"Perhaps {DRAFT}"},
    "reasoning_details": {
        "content": "GOOD", "reasoning_details": [{"type": "reasoning.text", "text": DRAFT}]
    },
    "only_reasoning_content": {"content": "", "reasoning_content": "So: GOOD"},
    "only_reasoning": {"content": None, "reasoning": f"Not {DRAFT} but GOOD"},
    "refusal_that_is_none": {"content": "GOOD", "refusal": ""},
    "parsed": {"content": None, "parsed": {"markdown": "Ownership"}},
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
async def test_the_answer_is_found_wherever_a_message_has_it(
    server: ModelServer, author_for: MakeAuthor, name: str
) -> None:
    """In typed parts, in the arguments of a tool, among thoughts: at the first request."""
    server.rules.append(message(**MESSAGES[name]))
    for completion in await both(author_for()):
        assert "Ownership" in completion.value.markdown
        assert completion.usage.calls == 1


@pytest.mark.parametrize(
    "reason",
    [
        "stop",
        "STOP",
        "eos",
        "end_turn",
        "stop_sequence",
        "tool_calls",
        "function_call",
        None,
        "x_1",
    ],
)
async def test_a_whole_answer_is_one_whatever_its_reason(
    server: ModelServer, author_for: MakeAuthor, reason: str | None
) -> None:
    """A finish reason that nobody knows, or none, does not make an answer worse."""
    server.rules.append(choice(message={"content": "GOOD"}, finish_reason=reason))
    for completion in await both(author_for()):
        assert completion.usage.calls == 1


@pytest.mark.parametrize(
    ("told", "error", "requests"),
    [
        *(
            ({"finish_reason": reason}, ContentTruncatedError, 2)
            for reason in ("length", "max_tokens", "MAX_TOKENS", "model_length", "token_limit")
        ),
        ({"finish_reason": "stop", "native_finish_reason": "MAX_TOKENS"}, ContentTruncatedError, 2),
        ({"finish_reason": None, "stop_reason": "max_output_tokens"}, ContentTruncatedError, 2),
        *(
            ({"finish_reason": reason}, ContentRefusedError, 1)
            for reason in ("SAFETY", "content_filter", "RECITATION", "SPII", "sensitive")
        ),
        ({"finish_reason": "stop", "native_finish_reason": "PROHIBITED_CONTENT"},
         ContentRefusedError, 1),
        *(
            ({"finish_reason": reason}, ProviderUnavailableError, 6)
            for reason in ("network_error", "insufficient_system_resource", "error")
        ),
    ],
)  # fmt: skip
async def test_finish_reasons_of_all_vendors_mean_what_they_mean(
    server: ModelServer,
    author_for: MakeAuthor,
    told: dict[str, Any],
    error: type[ProviderError],
    requests: int,
) -> None:
    """Cut off is not repaired, filtered is not asked again, a failing server is tried again."""
    half = '{"markdown": "half of it'
    server.rules.append(choice(message={"content": half}, **told))
    with pytest.raises(error):
        await author_for().complete(tutorial())
    assert len(server.ledger) == requests
    with pytest.raises(error):
        await author_for().stream(tutorial(), field="markdown", on_text=lambda _at, _text: None)


async def test_an_answer_that_is_whole_was_not_cut_off(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Nor did anything fail, when all of it is there."""
    server.rules += [
        choice(message={"content": "GOOD"}, finish_reason="length"),
    ]
    assert [completion.usage.calls for completion in await both(author_for())] == [1, 1]
    server.rules[:] = [choice(message={"content": f"{DRAFT} Better: GO"}, finish_reason="length")]
    with pytest.raises(ContentTruncatedError):
        await author_for().complete(tutorial())


@pytest.mark.parametrize(
    "words",
    [
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "<think>It is harmful.</think>Sorry, I can\u2019t create content about this.",
        "Es tut mir leid, dabei kann ich nicht helfen.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Je suis d\u00e9sol\u00e9, mais je ne peux pas r\u00e9pondre.",
        "\u5f88\u62b1\u6b49\uff0c\u6211\u65e0\u6cd5\u63d0\u4f9b\u76f8\u5173\u5185\u5bb9\u3002",
        "\u7533\u3057\u8a33\u3042\u308a\u307e\u305b\u3093\u304c\u3001\u3067\u304d\u307e\u305b\u3093\u3002",
        "\u7533\u3057\u8a33\u306a\u3044\u3001\u3067\u304d\u307e\u305b\u3093\u3002",
        "عذرًا، لا أستطيع المساعدة في هذا الطلب.",
        "آسف، لا يمكنني تقديم هذا المحتوى.",
        "Maaf, saya tidak dapat membantu dengan permintaan ini.",
        "Xin lỗi, tôi không thể giúp việc này.",
        "Beklager, det kan jeg ikke hjelpe med.",
        "Вибачте, я не можу допомогти з цим.",
    ],
)
async def test_a_refusal_in_words_is_final(
    server: ModelServer, author_for: MakeAuthor, words: str
) -> None:
    """It is not repaired, which would be paid for twice; what was said is in the error."""
    server.rules.append(Rule("says", body=words))
    with pytest.raises(ContentRefusedError, match=words[-12:-1]):
        await author_for().complete(tutorial())
    assert len(server.ledger) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"content": None, "refusal": "I can't."},
        {"content": [{"type": "refusal", "refusal": "No."}]},
    ],
)
async def test_a_refusal_in_its_own_place_is_final(
    server: ModelServer, author_for: MakeAuthor, said: dict[str, Any]
) -> None:
    """With content null, or as a part of it."""
    server.rules.append(message(**said))
    for _ in range(2):
        with pytest.raises(ContentRefusedError):
            await author_for().complete(tutorial())
    assert len(server.ledger) == 2


async def test_words_that_are_no_refusal_are_repaired(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """A tutorial may begin with them, and a model that misunderstands the form is told."""
    text = "I'm sorry, but I can't swim: a story."
    server.rules.append(Rule("says", body=json.dumps({"markdown": text}), times=1))
    assert (await author_for().complete(tutorial())).value.markdown == text
    server.rules.append(Rule("says", body="Sorry, I cannot write JSON.", times=1))
    assert (await author_for().complete(tutorial())).usage.calls == 2


async def test_only_thoughts_are_a_clear_failure(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """The model is asked for the answer itself, and the error says what there was."""
    server.rules.append(message(content="", reasoning_content="I wonder what to say."))
    with pytest.raises(ContentInvalidError, match="thoughts, but no answer"):
        await author_for().complete(tutorial())
    assert len(server.ledger) == 3


@pytest.mark.parametrize(
    "usage",
    [
        *(None, "many", [], {"total_tokens": -5}, {"total_tokens": "x", "prompt_tokens": None}),
        *({"prompt_tokens": 10**30}, {"prompt_tokens": True}, {"prompt_tokens": 1e308}),
        {"prompt_tokens": [1], "prompt_tokens_details": None, "completion_tokens": {}},
    ],
)
async def test_whatever_usage_says_no_content_fails(
    server: ModelServer, author_for: MakeAuthor, usage: Any
) -> None:
    """What is no number of tokens is not known, and never less than none."""
    body = {"choices": [{"message": {"content": '{"markdown": "x"}'}}], "usage": usage}
    server.rules.append(Rule("status", status=200, body=json.dumps(body)))
    for completion in await both(author_for()):
        assert (completion.usage.calls, completion.usage.tokens) == (1, 0)


@pytest.mark.parametrize(
    ("told", "tokens", "cached"),
    [
        ([{"usage": {"prompt_tokens": 5, "completion_tokens": n}} for n in (1, 2, 3)], 8, 0),
        ([{"x_groq": {"usage": {"total_tokens": 9}}}, {"usage": None}], 9, 0),
        ([{"choices": [{"delta": {}, "usage": {"total_tokens": 7}}]}], 7, 0),
        ([{"usage": {"prompt_tokens": "5", "completion_tokens": 2.0}}], 7, 0),
        ([{"usage": {"prompt_tokens": 5, "prompt_cache_hit_tokens": 4}}, {"usage": {}}], 5, 4),
        ([{"usage": {"input_tokens": 5, "output_tokens": 1, "prompt_tokens_details": None}}], 6, 0),
    ],
)
async def test_usage_is_found_where_vendors_put_it(
    server: ModelServer,
    author_for: MakeAuthor,
    told: list[dict[str, Any]],
    tokens: int,
    cached: int,
) -> None:
    """In the last chunk or in each, growing; in the choice, or under a name of the vendor's own."""
    chunks: list[dict[str, Any]] = [{"choices": [{"delta": {"content": '{"markdown": "x"}'}}]}]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in [*chunks, *told])
    server.rules.append(Rule("status", status=200, body=body + "data: [DONE]\n\n"))
    usage = (await author_for().complete(tutorial())).usage
    assert (usage.tokens, usage.cached_tokens) == (tokens, cached)


async def test_the_log_holds_what_the_model_said(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Bounded, with nothing that a terminal obeys, and without the key."""
    said = f"Nonsense \x1b[31m {KEY} \u202e " + "x" * 5000
    server.rules.append(Rule("says", body=said))
    with capture_logs() as logs, pytest.raises(ContentInvalidError):
        await author_for(llm_api_key=KEY).complete(tutorial())
    shown = [log for log in logs if log["event"] == "answer_unusable"]
    assert len(shown) == 3
    assert shown[0]["said"].startswith("Nonsense \\x1b[31m *** \\u202e xxx")
    assert len(shown[0]["said"]) < 2100
    assert shown[0]["problem"] == "It contains no JSON object."
    assert "canary" not in str(logs)


async def test_what_was_read_otherwise_is_told_once(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """At the level of information: nothing went wrong."""
    quiz = {"quiz": {"questions": [question(n, kind="Single Choice") for n in range(5)]}}
    server.rules.append(Rule("says", body=json.dumps(quiz)))
    with capture_logs() as logs:
        await author_for().complete(QUIZ)
    (told,) = [log for log in logs if log["event"] == "answer_normalised"]
    assert told["log_level"] == "info"
    assert told["notes"][:2] == [
        "taken out of `quiz`", 'questions.0.kind: "Single Choice" read as "single"'
    ]  # fmt: skip


DRESSES = {
    "intent_analysis": '<think>hm {"language": 3}</think>```json\nGOOD\n```',
    "curriculum_design": 'Here is the roadmap: {"roadmap": GOOD}',
    "structure_validation": "\u25c1think\u25b7ok\u25c1/think\u25b7GOOD",
    "tutorial": 'reasoning first {"markdown": "DRAFT"}</think>\nGOOD',
    "resources": '[THINK]{"resources": []}[/THINK][GOOD]',
    "quiz": "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final"
    "<|message|>GOOD",
}


async def test_a_whole_task_comes_out_of_odd_answers(
    database: asyncpg.Connection, model: ModelServer
) -> None:
    """Every call is answered in another dress, and each costs one request."""
    model.rules += [Rule("says", kind=kind, body=body) for kind, body in DRESSES.items()]

    task = await new_task()
    await run_task(task, worker="w")

    assert await pair(database, task) == ("completed", "completed")
    assert (await events(database, task)).count("step_retrying") == 0
    assert len(model.ledger) == 6
    assert await database.fetchval("SELECT calls FROM roadmap_tasks") == 6
