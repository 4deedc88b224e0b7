"""What the sample author makes of a goal: topic, language, level, wishes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from roadmaps.inputs import Learner
from roadmaps.kinds.resources import ResourceList
from roadmaps.kinds.tutorial import Tutorial
from roadmaps.sample.library import phrases
from tests.unit.roadmaps.sample_calls import (
    ask,
    concepts_of,
    content_inputs,
    design_for,
    intent_for,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


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
