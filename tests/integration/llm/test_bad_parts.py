"""One bad part of an answer is asked for alone, and left out when it stays bad."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from core.provider_errors import ContentInvalidError
from llm import Call
from roadmaps.inputs import CallKind, DesignInputs, IntentInputs, Learner
from roadmaps.kinds.resources import ResourceList
from roadmaps.outputs import CurriculumDraft, IntentAnalysis
from tests.factories import new_task, pair
from tests.integration.llm.calls import CONTENT, QUIZ
from tests.model_rules import Rule
from tests.prompts import prompt_of
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    from llm.openai_compatible import OpenAIAuthor
    from tests.model_server import ModelServer

    MakeAuthor = Callable[..., OpenAIAuthor]


def question(number: int, **changes: Any) -> dict[str, Any]:
    """Return a question."""
    plain = {"question": f"Q{number}", "kind": "single", "answers": ["a"], "distractors": ["b"]}
    return {**plain, "explanation": "e", **changes}


async def test_one_bad_question_is_asked_for_alone(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """The others are kept, and the model is told where, what it gave and what is wanted."""
    quiz = [question(n) for n in range(5)]
    bad = [*quiz[:2], question(2, kind="essay"), *quiz[3:]]
    server.rules += [
        Rule("says", body=json.dumps({"questions": bad}), times=1),
        Rule("says", body=json.dumps({"questions": [question(20)]})),
    ]

    completion = await author_for().complete(QUIZ)

    assert [q.question for q in completion.value.questions] == ["Q0", "Q1", "Q20", "Q3", "Q4"]
    assert completion.usage.calls == 2
    asked = server.requests[1]
    shape = asked["response_format"]["json_schema"]["schema"]["properties"]["questions"]
    assert (shape["minItems"], shape["maxItems"]) == (1, 1)
    assert json.loads(asked["messages"][2]["content"]) == {"questions": [bad[2]]}
    repair = asked["messages"][3]["content"]
    assert "questions.2.kind: Input should be 'single'" in repair
    assert '(given: "essay")' in repair


async def test_a_whole_new_answer_will_do_where_a_part_was_asked_for(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Some models write everything again; that is no reason to ask once more."""
    bad = [question(n, kind="essay" if n else "single") for n in range(5)]
    server.rules.append(Rule("says", body=json.dumps({"questions": bad}), times=1))
    assert (await author_for().complete(QUIZ)).usage.calls == 2


async def test_a_bad_part_that_is_not_needed_is_left_out(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """Where enough others are there nothing is asked again; the log says what was left out."""
    bad = [question(n, kind="essay" if n == 3 else "single") for n in range(6)]
    server.rules.append(Rule("says", body=json.dumps({"questions": bad})))
    with capture_logs() as logs:
        completion = await author_for().complete(QUIZ)
    assert [q.question for q in completion.value.questions] == ["Q0", "Q1", "Q2", "Q4", "Q5"]
    assert completion.usage.calls == 1
    assert [log["event"] for log in logs if "parts" in log["event"]] == ["answer_parts_left_out"]


async def test_what_stays_bad_is_left_out_in_the_end(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """A short quiz is better than none, after the repairs."""
    bad = [question(n, kind="essay" if n == 1 else "single") for n in range(3)]
    server.rules.append(Rule("says", body=json.dumps({"questions": bad})))
    completion = await author_for().complete(QUIZ)
    assert len(completion.value.questions) == 2
    assert completion.usage.calls == 3


async def test_one_bad_resource_is_left_out(server: ModelServer, author_for: MakeAuthor) -> None:
    """Three good ones are as many as are asked for."""
    good = {"title": "t", "url": "https://example.org", "type": "book", "language": "en"}
    rows = [*({**good, "why": "w"} for _ in range(3)), {"title": "no address"}]
    server.rules.append(Rule("says", body=json.dumps({"resources": rows})))
    call = Call(prompt=prompt_of("resources", CONTENT), output=ResourceList)
    completion = await author_for().complete(call)
    assert (len(completion.value.resources), completion.usage.calls) == (3, 1)


async def test_a_resource_without_a_web_address_is_asked_for_alone(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """As any part that does not fit; a list in which none has one is no answer."""
    good = {"title": "t", "url": "docs.example.org", "type": "book", "language": "en", "why": "w"}
    bad = {**good, "url": "ISBN 978-3-16-148410-0"}
    fixed = {"resources": [{**good, "url": "https://example.org/book"}]}
    call = Call(prompt=prompt_of("resources", CONTENT), output=ResourceList)
    server.rules += [
        Rule("says", body=json.dumps({"resources": [good, bad]}), times=1),
        Rule("says", body=json.dumps(fixed), times=1),
        Rule("says", body=json.dumps({"resources": [bad, bad]})),
    ]
    completion = await author_for().complete(call)
    urls = [each.url for each in completion.value.resources]
    assert (urls, completion.usage.calls) == (["docs.example.org", "https://example.org/book"], 2)
    asked = server.requests[1]["messages"]
    assert "ISBN" in asked[-2]["content"]
    assert "web address" in asked[-1]["content"]
    with pytest.raises(ContentInvalidError, match="web address"):
        await author_for().complete(call)


async def test_resources_of_which_none_exists_are_no_content(
    database: asyncpg.Connection, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails under a code and can be written anew, instead of being there with nothing in it."""

    async def all_gone(_drafts: Any, **_: Any) -> list[dict[str, Any]]:
        return []

    monkeypatch.setattr("roadmaps.links.check_resources", all_gone)
    task = await new_task(goal="Learn Bees")
    await run_task(task, worker="w")
    assert await pair(database, task) == ("partial_failure", "content_generation")
    (failed,) = await database.fetch("SELECT kind, error FROM contents WHERE status = 'failed'")
    assert failed["kind"] == "resources"
    assert json.loads(failed["error"])["code"] == "content_invalid"
    assert model.outcomes("resources") == ["ok"]


async def test_one_bad_concept_is_asked_for_and_never_left_out(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """It is put where it belongs, deep in the outline."""
    concept = {"description": "d", "estimated_hours": "2 h", "difficulty": "easy"}
    concepts = [{**concept, "title": "A"}, {**concept, "title": "B", "difficulty": "purple"}]
    stages = [{"title": "s", "modules": [{"title": "m", "concepts": concepts}]}]
    outline = {"title": "t", "summary": "s", "stages": stages}
    fixed = {"concepts": [{**concept, "title": "B2"}]}
    server.rules += [
        Rule("says", body=json.dumps(outline), times=1),
        Rule("says", body=json.dumps(fixed)),
    ]
    inputs = DesignInputs(
        learner=Learner(goal="g"), topic="t", summary="s", language="en", focus_areas=(),
        skill_gaps=(),
    )  # fmt: skip
    call = Call(prompt=prompt_of(CallKind.CURRICULUM_DESIGN, inputs), output=CurriculumDraft)
    read = (await author_for().complete(call)).value
    assert [c.title for c in read.stages[0].modules[0].concepts] == ["A", "B2"]


async def test_a_missing_field_is_asked_for_alone(
    server: ModelServer, author_for: MakeAuthor
) -> None:
    """All other fields are kept as they were."""
    intent = {"topic": "T", "language": "German", "focus_areas": ["a"]}
    server.rules += [
        Rule("says", body=json.dumps(intent), times=1),
        Rule("says", body='{"summary": "S"}'),
    ]
    call = Call(
        prompt=prompt_of(CallKind.INTENT_ANALYSIS, IntentInputs(learner=Learner(goal="g"))),
        output=IntentAnalysis,
    )
    completion = await author_for().complete(call)
    read = completion.value
    assert (read.topic, read.summary, read.language, read.skills) == ("T", "S", "de", [])
    properties = server.requests[1]["response_format"]["json_schema"]["schema"]["properties"]
    assert list(properties) == ["summary"]
