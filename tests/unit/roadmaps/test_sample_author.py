"""The sample author: sensible roadmaps for any goal, the same every time, clearly labelled."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.provider_errors import ContentRefusedError
from core.settings import Settings
from llm import Call, create_author
from roadmaps.inputs import CallKind, IntentInputs, Learner, OutlineInputs
from roadmaps.kinds import KINDS
from roadmaps.kinds.quiz import QuizDraft
from roadmaps.kinds.resources import ResourceList
from roadmaps.kinds.tutorial import Tutorial
from roadmaps.outputs import IntentAnalysis, StructureOpinion
from roadmaps.sample.library import curricula, phrases
from tests.prompts import prompt_of
from tests.unit.roadmaps.sample_calls import (
    ask,
    assert_quiz,
    assert_sound,
    concepts_of,
    content_inputs,
    design_for,
    intent_for,
)

if TYPE_CHECKING:
    from llm.output import Output

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
