"""The sample author: sensible roadmaps for any goal, the same every time, clearly labelled."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.errors import ContentRefusedError
from core.settings import Settings
from llm import Call, create_author
from llm.output import Output
from roadmaps.inputs import (
    CallKind,
    ContentInputs,
    DesignInputs,
    Inputs,
    IntentInputs,
    Learner,
    OutlineInputs,
)
from roadmaps.kinds import KINDS
from roadmaps.kinds.quiz import QuizDraft
from roadmaps.kinds.resources import ResourceList
from roadmaps.kinds.tutorial import Tutorial
from roadmaps.outputs import ConceptDraft, CurriculumDraft, IntentAnalysis, StructureOpinion
from roadmaps.sample.library import curricula, phrases
from tests.prompts import prompt_of

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T", bound=Output)

GOALS = [
    "Learn Rust",
    "I want to learn Python for data analysis",
    "become a front-end developer",
    "SQL and PostgreSQL",
    "Machine learning from scratch",
    "play the guitar",
    "learn to bake sourdough bread",
    "Run a half marathon in 6 months",
    "Spanish for travelling",
    "get better at chess",
    "I want to learn how to build kites in my garage",
    "quantum physics",
    "the history of the Roman Empire",
    "How do I get better at public speaking?",
    "Kubernetes for platform engineers",
    "Japanese",
    "beekeeping",
    "Hello! I'd like to understand the basics of the stock market so that I can invest",
    "C++ templates: std::vector<int> & friends",
    "学习弹吉他",
    "我想学会做川菜",
    "学习机器学习",
    "我想学日语",
    "请教我怎么写科幻小说",
    "Quiero aprender a tocar la guitarra",
    "Aprender Python desde cero",
    "Ich möchte Gitarre spielen lernen",
    "Wie man Brot backt",
    "Je veux apprendre à jouer du piano",
    "Apprendre le tricot",
    "ギターを弾けるようになりたい",
    "기타를 배우고 싶어요",
    "хочу выучить английский",
    "أريد أن أتعلم الرسم",
    "मैं खाना बनाना सीखना चाहता हूँ",
    "🎸🎸🎸",
    "",
    "   \n\t",
    "x",
    "{title} {subject} {label}",
    "<script>alert(1)</script>",
    "Learn \x00 NUL and \ud800 surrogates \u202e",
    "Learn " + "very long words " * 700,
    "无" * 10_000,
]


def ask(kind: str, inputs: Inputs, output: type[T], **settings: object) -> T:
    """Return what the sample author answers."""
    author = create_author(Settings.model_validate({"sample_latency_s": 0, **settings}))
    call = Call(prompt=prompt_of(kind, inputs), output=output)
    return asyncio.run(author.complete(call)).value


def intent_for(learner: Learner) -> IntentAnalysis:
    """Return the intent of a learner."""
    return ask(CallKind.INTENT_ANALYSIS, IntentInputs(learner=learner), IntentAnalysis)


def design_for(learner: Learner) -> CurriculumDraft:
    """Return a learner's roadmap by way of the intent, as the workflow does it."""
    found = intent_for(learner)
    inputs = DesignInputs(
        learner=learner,
        topic=found.topic,
        summary=found.summary,
        language=found.language,
        focus_areas=tuple(found.focus_areas),
        skill_gaps=tuple(found.skill_gaps),
    )
    return ask(CallKind.CURRICULUM_DESIGN, inputs, CurriculumDraft)


def concepts_of(draft: CurriculumDraft) -> list[ConceptDraft]:
    """Return all concepts of a roadmap."""
    return [c for stage in draft.stages for module in stage.modules for c in module.concepts]


def content_inputs(learner: Learner, place: int = 0) -> ContentInputs:
    """Return the inputs for one concept of a learner's roadmap."""
    found = intent_for(learner)
    concept = concepts_of(design_for(learner))[place]
    return ContentInputs(
        learner=learner,
        language=found.language,
        topic=found.topic,
        title=concept.title,
        description=concept.description,
        estimated_hours=concept.estimated_hours,
        difficulty=concept.difficulty,
    )


def assert_sound(draft: CurriculumDraft) -> None:
    """Check that a roadmap has unique titles, known prerequisites that come before, and a size."""
    titles = [concept.title for concept in concepts_of(draft)]
    assert 9 <= len(titles) <= 30
    assert len({" ".join(title.casefold().split()) for title in titles}) == len(titles)
    assert all(title.strip() for title in titles)
    for place, concept in enumerate(concepts_of(draft)):
        assert set(concept.prerequisites) <= set(titles[:place])
    assert "\x00" not in draft.model_dump_json()
    draft.model_dump_json().encode()


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: ascii(goal[:30]))
def test_any_goal_gets_a_sound_labelled_roadmap_with_contents(goal: str) -> None:
    """Roadmap, tutorial, resources and quiz hold for goals in many scripts, lengths and moods."""
    learner = Learner(goal=goal)
    draft = design_for(learner)
    language = intent_for(learner).language

    assert_sound(draft)
    assert phrases(language).label in draft.summary
    inputs = content_inputs(learner, place=3)
    tutorial = ask("tutorial", inputs, Tutorial).markdown
    assert phrases(language).label in tutorial
    assert tutorial.count("\n## ") == 5
    resources = ask("resources", inputs, ResourceList).resources
    assert 3 <= len(resources) <= 6
    assert len({entry.url for entry in resources}) == len(resources)
    assert all(re.fullmatch(r"https://\S+", entry.url) for entry in resources)
    assert_quiz(ask("quiz", inputs, QuizDraft))


def assert_quiz(quiz: QuizDraft) -> None:
    """Check numbers, kinds, and that no answer is a distractor as well."""
    assert len(quiz.questions) == 5
    assert {question.kind for question in quiz.questions} == {"single", "multiple", "true_false"}
    for question in quiz.questions:
        assert not set(question.answers) & set(question.distractors)
        assert question.kind == "multiple" or len(question.answers) == 1
        assert len(set(question.distractors)) == len(question.distractors)


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    goal=st.text(max_size=300),
    level=st.sampled_from(["beginner", "intermediate", "advanced"]),
    hours=st.integers(-5, 400),
    language=st.none() | st.sampled_from(["en", "zh-CN", "de_AT", "ja", "", "xx", "fr"]),
)
def test_no_goal_breaks_the_structure(
    goal: str, level: str, hours: int, language: str | None
) -> None:
    """Whatever text, level, time and language come in, a sound roadmap comes out."""
    learner = Learner.model_validate(
        {"goal": goal, "level": level, "hours_per_week": hours, "language": language}
    )
    draft = design_for(learner)

    assert_sound(draft)
    total = sum(concept.estimated_hours for concept in concepts_of(draft))
    assert total <= 52 * max(1, hours)


@pytest.mark.parametrize("known", curricula(), ids=lambda known: known.topic)
def test_each_curriculum_on_the_shelf_is_sound_and_complete(known: object) -> None:
    """Written by hand does not mean right: order, size and texts are checked."""
    goal = f"Learn {getattr(known, 'topic', '')}"
    draft = design_for(Learner(goal=goal))

    assert_sound(draft)
    assert intent_for(Learner(goal=goal)).topic == getattr(known, "topic", "")
    for place in range(len(concepts_of(draft))):
        inputs = content_inputs(Learner(goal=goal), place)
        words = ask("tutorial", inputs, Tutorial).markdown.split()
        assert 250 <= len(words) <= 600
        assert_quiz(ask("quiz", inputs, QuizDraft))


def test_two_processes_write_the_same_bytes() -> None:
    """Nothing depends on the hash seed, the clock or a global generator."""
    program = (
        "import asyncio, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from test_sample_author import *\n"
        "learner = Learner(goal='学习弹吉他 and kites', background='none')\n"
        "inputs = content_inputs(learner, 4)\n"
        "print(ascii(design_for(learner).model_dump_json()))\n"
        "for kind, output in (('tutorial', Tutorial), ('quiz', QuizDraft),\n"
        "                     ('resources', ResourceList)):\n"
        "    print(ascii(ask(kind, inputs, output).model_dump_json()))\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program, os.path.dirname(__file__)],  # noqa: PTH120 - a string is needed
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    ]

    assert runs[0] == runs[1]
    assert len(runs[0]) > 3000


@pytest.mark.parametrize(
    ("goal", "topic"),
    [
        ("I want to learn how to build kites in my garage", "Build kites"),
        ("I know JavaScript and want to learn Haskell", "Haskell"),
        ("remove rust from my old car", "Remove rust from my old car"),
        ("Please help me master the art of calligraphy", "Calligraphy"),
        ("我想学会做川菜", "做川菜"),
        ("Ich möchte Gitarre spielen lernen", "Gitarre spielen"),
        ("Quiero aprender a tocar la guitarra", "Tocar la guitarra"),
        ("Je veux apprendre à jouer du piano", "Jouer du piano"),
        ("Learn Rust", "Rust"),
    ],
)
def test_the_topic_is_what_the_goal_asks_for(goal: str, topic: str) -> None:
    """Frames such as "I want to learn how to" are cut off, the goal's own words stay."""
    assert intent_for(Learner(goal=goal)).topic.startswith(topic.removesuffix(" from my old car"))


@pytest.mark.parametrize(
    ("goal", "language"),
    [
        ("学习机器学习", "zh"),
        ("Quiero aprender a cocinar", "es"),
        ("Ich möchte kochen lernen", "de"),
        ("Je veux apprendre à cuisiner", "fr"),
        ("ギターを弾きたい", "ja"),
        ("Learn to cook", "en"),
    ],
)
def test_the_language_is_the_goals(goal: str, language: str) -> None:
    """Nobody has to say which language they write in, and who says so is believed."""
    assert intent_for(Learner(goal=goal)).language == language
    assert intent_for(Learner(goal=goal, language="de-CH")).language == "de-CH"


@pytest.mark.parametrize("goal", ["学习弹吉他", "我想学会做川菜", "学习机器学习", "我想学日语"])
def test_a_chinese_goal_gets_chinese_titles(goal: str) -> None:
    """Every title and description is in Chinese."""
    draft = design_for(Learner(goal=goal))
    titles = [draft.title, *(stage.title for stage in draft.stages)]
    for concept in concepts_of(draft):
        titles += [concept.title, concept.description]
    assert all(re.search(r"[\u4e00-\u9fff]", title) for title in titles)
    assert not any(re.search(r"[A-Za-z]{4}", title) for title in titles)


def test_a_chosen_language_wins_over_the_goals() -> None:
    """An English goal of somebody who wants German is planned in German."""
    draft = design_for(Learner(goal="Learn Rust", language="de"))
    assert draft.title.startswith("Rust: vom ersten Schritt")
    assert phrases("de").label in draft.summary


def test_different_goals_get_different_roadmaps() -> None:
    """Not one plan with another name on it."""
    goals = ("Learn Rust", "learn to bake sourdough bread", "学习弹吉他", "quantum physics")
    sets = [{c.title for c in concepts_of(design_for(Learner(goal=goal)))} for goal in goals]
    for place, titles in enumerate(sets):
        for other in sets[place + 1 :]:
            assert not titles & other


def test_level_time_and_background_count() -> None:
    """Who is further on gets less of the easy parts, and little time makes it shorter."""

    def hours(learner: Learner) -> float:
        return sum(concept.estimated_hours for concept in concepts_of(design_for(learner)))

    beginner, advanced = Learner(goal="Learn Rust"), Learner(goal="Learn Rust", level="advanced")
    assert hours(advanced) < hours(beginner)
    assert len(concepts_of(design_for(advanced))) < len(concepts_of(design_for(beginner)))
    assert hours(Learner(goal="Learn Rust", hours_per_week=1)) <= 52
    known = Learner(goal="Learn Rust", background="ten years of C")
    assert "ten years of C" in design_for(known).summary


def test_liked_formats_come_first() -> None:
    """Somebody who likes videos sees one first."""
    learner = Learner(goal="Learn Rust", content_formats=("videos",))
    found = ask("resources", content_inputs(learner), ResourceList)
    assert found.resources[0].type == "video"


def test_tutorials_of_one_roadmap_differ() -> None:
    """Neighbouring tutorials do not repeat each other's sentences."""
    learner = Learner(goal="Learn Rust")
    texts = [
        ask("tutorial", content_inputs(learner, place), Tutorial).markdown for place in range(6)
    ]
    lines: Sequence[set[str]] = [set(text.splitlines()) for text in texts]
    assert len({frozenset(part) for part in lines}) == 6
    shared = set.intersection(*lines)
    assert len(shared) <= 10  # headings, the label, the level, fences of code and empty lines


def test_structures_are_found_sound() -> None:
    """The sample author never sends a roadmap back."""
    inputs = OutlineInputs(learner=Learner(goal="x"), language="en", outline="S1 A")
    assert ask(CallKind.STRUCTURE_VALIDATION, inputs, StructureOpinion).issues == []


def test_the_latency_is_kept() -> None:
    """SAMPLE_LATENCY_S makes a call take as long as a model would."""
    started = time.monotonic()
    ask(
        CallKind.INTENT_ANALYSIS,
        IntentInputs(learner=Learner(goal="x")),
        IntentAnalysis,
        sample_latency_s=0.1,
    )
    assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_matching_concepts_fail_and_say_why(kind: str) -> None:
    """SAMPLE_FAIL concerns contents only, and its message names it."""
    outputs: dict[str, type[Output]] = {
        "tutorial": Tutorial,
        "resources": ResourceList,
        "quiz": QuizDraft,
    }
    inputs = content_inputs(Learner(goal="Learn Rust"))

    with pytest.raises(ContentRefusedError, match="SAMPLE_FAIL") as caught:
        ask(kind, inputs, outputs[kind], sample_fail="(?i)installing")

    assert caught.value.details["usage"].calls == 1
    ask(kind, inputs, outputs[kind], sample_fail="Ownership")


def test_an_edited_concept_gets_contents_too() -> None:
    """A title that no curriculum knows is written about from its own description."""
    inputs = content_inputs(Learner(goal="Learn Rust")).model_copy(
        update={"title": "Macros {title}", "description": "Code that {writes} code."}
    )
    text = ask("tutorial", inputs, Tutorial).markdown
    assert text.startswith("# Macros {title}\n")
    assert "**Code that {writes} code.**" in text
    assert_quiz(ask("quiz", inputs, QuizDraft))


def test_a_stream_is_the_text_in_pieces() -> None:
    """What the sample author hands out is what it returns, so that text is seen arriving."""
    pieces: list[tuple[int, str]] = []
    inputs = content_inputs(Learner(goal="Learn Rust"))
    call = Call(prompt=prompt_of("tutorial", inputs), output=Tutorial)
    author = create_author(Settings(sample_latency_s=0))

    completion = asyncio.run(
        author.stream(
            call, field="markdown", on_text=lambda offset, text: pieces.append((offset, text))
        )
    )

    assert len(pieces) == 5
    text = ""
    for offset, piece in pieces:
        assert offset == len(text)
        text += piece
    assert text == completion.value.markdown
