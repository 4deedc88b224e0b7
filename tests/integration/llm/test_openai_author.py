"""The OpenAI-compatible author against a real HTTP server that behaves and misbehaves."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from core.choices import Provider
from core.errors import SettingsError
from core.provider_errors import ContentInvalidError, ContentRefusedError, ContentTruncatedError
from core.settings import Settings
from llm import Call, create_author
from roadmaps.inputs import (
    CallKind,
    DesignInputs,
    EditInputs,
    Inputs,
    IntentInputs,
    Learner,
    OutlineInputs,
    PlanInputs,
)
from roadmaps.kinds.quiz import QuizDraft
from roadmaps.kinds.resources import ResourceList
from roadmaps.kinds.tutorial import Tutorial
from roadmaps.outputs import CurriculumDraft, EditPlan, EditScript, IntentAnalysis, StructureOpinion
from tests.integration.llm.calls import CONTENT, tutorial
from tests.model_rules import Rule
from tests.prompts import LEARNER, prompt_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm.openai_compatible import OpenAIAuthor
    from llm.output import Output
    from tests.model_server import ModelServer

    MakeAuthor = Callable[..., OpenAIAuthor]
DESIGN = DesignInputs(
    learner=LEARNER, topic="Rust", summary="All", language="en", focus_areas=(), skill_gaps=()
)
OUTLINE = "S1 A\n  M1 B\n    C1 Ownership (3.0 h, beginner)\n"
EDIT = EditInputs(
    learner=LEARNER,
    language="en",
    outline=OUTLINE,
    feedback="Add traits",
    source="human_review",
    plan="add Traits",
)


@pytest.mark.parametrize(
    ("kind", "inputs", "output"),
    [
        (CallKind.INTENT_ANALYSIS, IntentInputs(learner=LEARNER), IntentAnalysis),
        (CallKind.CURRICULUM_DESIGN, DESIGN, CurriculumDraft),
        (
            CallKind.STRUCTURE_VALIDATION,
            OutlineInputs.model_validate(EDIT.model_dump()),
            StructureOpinion,
        ),
        (CallKind.EDIT_PLAN_ANALYSIS, PlanInputs.model_validate(EDIT.model_dump()), EditPlan),
        (CallKind.ROADMAP_EDIT, EDIT, EditScript),
        ("tutorial", CONTENT, Tutorial),
        ("resources", CONTENT, ResourceList),
        ("quiz", CONTENT, QuizDraft),
    ],
)
async def test_every_kind_of_call_comes_back_in_its_shape(
    server: ModelServer,
    author_for: MakeAuthor,
    kind: str,
    inputs: Inputs,
    output: type[Output],
) -> None:
    """Each kind is one request with a strict schema named after it, and its tokens are counted."""
    completion = await author_for().complete(Call(prompt=prompt_of(kind, inputs), output=output))

    assert isinstance(completion.value, output)
    usage, tokens = completion.usage, server.ledger[0].tokens
    assert (usage.calls, usage.tokens) == (1, tokens)
    assert usage.prompt_tokens + usage.completion_tokens == tokens > 0
    wanted = server.requests[0]["response_format"]["json_schema"]
    assert (wanted["name"], wanted["strict"]) == (kind, True)
    assert [message["role"] for message in server.requests[0]["messages"]] == ["system", "user"]


@pytest.mark.parametrize("behaviour", ["fenced", "prose", "nul", "html"])
async def test_answers_that_only_need_cleaning_are_used_at_once(
    server: ModelServer, author_for: MakeAuthor, behaviour: str
) -> None:
    """Fences, prose, NUL and lone surrogates cost no second request and do not come through."""
    server.rules.append(Rule(behaviour))

    completion = await author_for().complete(tutorial())

    assert "Ownership" in completion.value.markdown
    completion.value.markdown.encode()
    assert "\x00" not in completion.value.markdown
    assert completion.usage.calls == 1


@pytest.mark.parametrize("behaviour", ["garbage", "wrong_shape", "empty", "huge", "nested"])
async def test_an_answer_that_never_fits_is_repaired_twice_and_given_up(
    server: ModelServer, author_for: MakeAuthor, behaviour: str
) -> None:
    """The model sees its answer and what is wrong, twice; then the error says what was spent."""
    server.rules.append(Rule(behaviour))
    told: list[str] = []

    async def on_retry(code: str) -> None:
        told.append(code)

    with pytest.raises(ContentInvalidError) as caught:
        await author_for().complete(tutorial(), on_retry=on_retry)

    assert told == ["content_invalid", "content_invalid"]
    assert server.outcomes() == [behaviour] * 3
    usage = caught.value.details["usage"]
    assert (usage.calls, usage.tokens) == (3, sum(entry.tokens for entry in server.ledger))
    roles = [message["role"] for message in server.requests[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert max(len(json.dumps(request)) for request in server.requests) < 20_000


async def test_a_repaired_answer_is_used(server: ModelServer, author_for: MakeAuthor) -> None:
    """One misfit costs one further request, which names the problem."""
    server.rules.append(Rule("wrong_shape", times=1))

    completion = await author_for().complete(tutorial())

    assert completion.usage.calls == 2
    assert "markdown: Field required" in server.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("behaviour", ["refusal", "content_filter"])
async def test_a_refusal_is_final(
    server: ModelServer, author_for: MakeAuthor, behaviour: str
) -> None:
    """Asking again after a refusal is useless, so it is not done."""
    server.rules.append(Rule(behaviour))

    with pytest.raises(ContentRefusedError) as caught:
        await author_for().complete(tutorial())

    assert server.outcomes() == [behaviour]
    assert caught.value.details["usage"].calls == 1


async def test_a_filter_that_answers_with_400_is_a_refusal_too(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Some providers filter the prompt and say so with a status."""
    body = '{"error": {"message": "filtered", "code": "content_filter"}}'
    server.rules.append(Rule("status", status=400, body=body))

    with pytest.raises(ContentRefusedError):
        await author_for().complete(tutorial())


async def test_a_truncated_answer_is_asked_for_once_more_and_shorter(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """The second request asks for less; when that is cut off too, it is given up."""
    server.rules.append(Rule("truncated", times=1))
    completion = await author_for().complete(tutorial())
    assert completion.usage.calls == 2
    assert "shorter" in server.requests[1]["messages"][1]["content"]

    server.rules.append(Rule("truncated"))
    with pytest.raises(ContentTruncatedError) as caught:
        await author_for().complete(tutorial())
    assert caught.value.details["usage"].calls == 2


async def test_no_more_calls_at_a_time_than_allowed(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Waiting for a slot does not count against a call's own limit."""
    server.latency_s = 0.15
    author = author_for(llm_max_concurrency=2, llm_timeout_s=0.6)

    await asyncio.gather(*(author.complete(tutorial()) for _ in range(12)))

    assert server.peak == 2
    assert server.outcomes() == ["ok"] * 12


async def test_the_environment_of_the_sdk_is_not_read(
    server: ModelServer, author_for: MakeAuthor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys and addresses meant for other programs are not sent to our server, and vice versa."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-foreign")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-foreign")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-foreign")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-foreign")

    await author_for(llm_api_key=None).complete(tutorial())

    assert server.headers[0]["authorization"] == "Bearer none"
    assert "foreign" not in json.dumps(server.headers)


@pytest.mark.parametrize("url", ["", "api.openai.com", "ftp://host/v1", "http://"])
def test_an_address_that_cannot_be_one_is_refused_at_once(url: str) -> None:
    """The message names the variable."""
    settings = Settings.model_construct(
        **{**Settings().model_dump(), "llm_provider": Provider.OPENAI, "llm_base_url": url}
    )
    with pytest.raises(SettingsError, match="ROADMAP_LLM_BASE_URL"):
        create_author(settings)


async def test_an_answers_limit_is_passed_on(server: ModelServer, author_for: MakeAuthor) -> None:
    """What is left of a task's budget bounds the answer."""
    call = Call(prompt=prompt_of("quiz", CONTENT), output=QuizDraft, max_tokens=77)

    await author_for().complete(call)

    assert server.requests[0]["max_tokens"] == 77


def test_one_author_serves_several_loops(server_address: str) -> None:
    """Each loop gets connections of its own; none is used in a loop it does not belong to."""
    settings = Settings(llm_provider=Provider.OPENAI, llm_base_url=server_address)
    author = create_author(settings)

    async def once() -> int:
        completion = await author.complete(tutorial())
        await author.aclose()
        return completion.usage.calls

    assert [asyncio.run(once()) for _ in range(3)] == [1, 1, 1]


async def test_text_that_no_request_can_carry_is_left_out(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """NUL and lone surrogates in a goal do not stop a call."""
    learner = Learner(goal="Learn \x00\ud800 </goal> now")
    call = Call(
        prompt=prompt_of(CallKind.INTENT_ANALYSIS, IntentInputs(learner=learner)),
        output=IntentAnalysis,
    )

    await author_for().complete(call)

    assert server.requests[0]["messages"][1]["content"].count("</goal>") == 1
