"""Fields that are said in another way are read as they are meant; what is unclear is asked."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from llm.answers import UnusableAnswerError, read_answer
from llm.reading.hours import hours_in
from llm.reading.mending import cut_at_a_word
from roadmaps.kinds.quiz import QuestionDraft, QuizDraft
from roadmaps.kinds.resources import ResourceList
from roadmaps.languages import language_tag
from roadmaps.outputs import CurriculumDraft, EditPlan, EditScript, IntentAnalysis, StructureOpinion

CONCEPT: dict[str, Any] = {
    "title": "t",
    "description": "d",
    "estimated_hours": 2,
    "difficulty": "beginner",
    "prerequisites": [],
}
RESOURCE: dict[str, Any] = {
    "title": "t",
    "url": "https://example.org/1",
    "type": "article",
    "language": "en",
    "why": "w",
}
INTENT: dict[str, Any] = {
    "topic": "t",
    "summary": "s",
    "language": "en",
    "focus_areas": ["a"],
    "skills": ["b"],
    "skill_gaps": ["c"],
    "constraints": [],
}
QUESTION: dict[str, Any] = {"question": "q", "kind": "single", "explanation": "e"}


def concept(**changes: Any) -> Any:
    """Return the concept that comes out of a draft in which it was said like this."""
    part = {key: value for key, value in (CONCEPT | changes).items() if value != "absent"}
    draft = {"title": "t", "summary": "s", "stages": [{"title": "s", "modules": [
        {"title": "m", "concepts": [part]}]}]}  # fmt: skip
    return read_answer(json.dumps(draft), CurriculumDraft).stages[0].modules[0].concepts[0]


def questions(*given: dict[str, Any]) -> list[QuestionDraft]:
    """Return the questions of a quiz in which they were said like this."""
    return read_answer(json.dumps({"questions": given}), QuizDraft).questions


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        *(("2 hours", 2), ("1.5h", 1.5), ("1,5 Std.", 1.5), ("30 min", 0.5), ("1h 30m", 1.5)),
        *((0, 0.5), (-3, 0.5), (9999, 200), ("2-4 hours", 3), ("approx. 3", 3), ("3", 3)),
        *((None, 2), ("absent", 2), ("a while", 2), ([2, 4], 3), ({"value": 2}, 2), ("1 day", 8)),
        *(("2\u5c0f\u65f6", 2), ("45\u5206\u949f", 0.75), ("1 week", 40), (float("inf"), 200)),
        *(
            ("90 minutes", 1.5),
            ("1h30", 1.5),
            ("1:30", 1.5),
            ("2 or 3 hours", 2.5),
            ("1 month", 160),
        ),
        *(
            ("2 hours (1 theory, 1 practice)", 2),
            ("Week 1: 3 hours", 3),
            ("2-hour", 2),
            ("3 giorni", 24),
        ),
        *(
            ("30 دقيقة", 0.5),
            ("\u0661\u066b\u0665 ساعة", 1.5),
            ("من 2 إلى 4 ساعات", 3),
            ("30 dakika", 0.5),
        ),
        *(
            ("1시간 30분", 1.5),
            ("2到4小时", 3),
            ("30 phút", 0.5),
            ("от 2 до 4 часов", 3),
            ("2 недели", 80),
        ),
    ],
)
def test_hours_are_read_however_they_are_said(said: Any, hours: float) -> None:
    """Units are reckoned in, what is out of bounds is put there, what is not said is a guess."""
    assert concept(estimated_hours=said).estimated_hours == pytest.approx(hours)


@pytest.mark.parametrize(
    ("said", "difficulty"),
    [
        *(("easy", "beginner"), ("Intermediate ", "intermediate"), ("novice", "beginner")),
        *(("HARD", "advanced"), ("Entry-Level", "beginner"), ("beginner/intermediate", "beginner")),
        *(
            ("Fortgeschritten", "advanced"),
            ("\u4e2d\u7ea7", "intermediate"),
            (["easy"], "beginner"),
        ),
        ("d\u00e9butant", "beginner"),
        *(("Einsteiger", "beginner"), ("Fortgeschrittene", "advanced"), ("Experte", "advanced")),
        *(
            ("进阶", "intermediate"),
            ("零基础", "beginner"),
            ("صعب", "advanced"),
            ("سهل", "beginner"),
        ),
    ],
)
def test_difficulties_are_read_in_other_words(said: Any, difficulty: str) -> None:
    """Case, spaces, synonyms and other languages do not count."""
    assert concept(difficulty=said).difficulty == difficulty


def test_a_difficulty_that_nobody_knows_is_asked_for() -> None:
    """It is not guessed, and the model is told where, what is wanted and what it gave."""
    with pytest.raises(UnusableAnswerError) as caught:
        concept(difficulty="purple")
    assert str(caught.value) == (
        "stages.0.modules.0.concepts.0.difficulty: Input should be 'beginner', 'intermediate' or"
        " 'advanced' (given: \"purple\")"
    )


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        *(
            ("English", "en"),
            ("eng", "en"),
            ("en_US", "en-US"),
            ("Deutsch", "de"),
            ("EN-gb", "en-GB"),
        ),
        *(
            ("Chinese (Simplified)", "zh-Hans"),
            ("zh-hans-cn", "zh-Hans-CN"),
            ("\u4e2d\u6587", "zh"),
        ),
        *(("Brazilian Portuguese", "pt-BR"), ("English (US)", "en-US"), ("pt-br", "pt-BR")),
        *(
            ("en_US.UTF-8", "en-US"),
            ("fran\u00e7ais", "fr"),
            ("es-419", "es-419"),
            ("en, de", "en"),
        ),
        *(
            ("the English language", "en"),
            ("de-CH-1996", "de-CH-1996"),
            ("Klingon!", None),
            ("", None),
        ),
    ],
)
def test_languages_are_known_by_name_code_and_tag(said: str, tag: str | None) -> None:
    """What the field wants is a BCP 47 tag; what nobody knows stays as it was called."""
    assert language_tag(said) == tag
    if said:
        intent = read_answer(json.dumps(INTENT | {"language": said}), IntentAnalysis)
        assert intent.language == (tag or said)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        *(("Blog post", "article"), ("YouTube", "video"), ("docs", "documentation")),
        *(
            ("e-book", "book"),
            ("MOOC", "course"),
            ("GitHub repository", "article"),
            (None, "article"),
        ),
        *(("something new", "article"), ("Video", "video"), ("\u6587\u6863", "documentation")),
    ],
)
def test_types_of_resources_are_read_in_other_words(said: Any, kind: str) -> None:
    """An unknown one is an article."""
    answer = json.dumps({"resources": [RESOURCE | {"type": said}]})
    assert read_answer(answer, ResourceList).resources[0].type == kind


def test_titles_that_are_too_long_are_cut_at_a_word() -> None:
    """With a mark that something was cut, and in the bounds."""
    title = concept(title="word " * 80).title
    assert len(title) <= 200
    assert title.endswith("word\u2026")
    assert cut_at_a_word("x" * 300, 200) == "x" * 199 + "\u2026"
    assert cut_at_a_word("short", 200) == "short"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        *((None, []), ("absent", []), ("none", []), ("", []), ({}, []), ("A", ["A"])),
        *(
            ([{"title": "A"}, {"id": "B"}], ["A", "B"]),
            ([1], ["1"]),
            ({"1": "A", "2": "B"}, ["A", "B"]),
        ),
        ('["A", "B"]', ["A", "B"]),
    ],
)
def test_lists_are_read_however_they_are_said(said: Any, meant: list[str]) -> None:
    """Nothing is an empty list, one thing a list of one, objects are known by their titles."""
    assert concept(prerequisites=said).prerequisites == meant


def test_a_single_object_may_stand_for_a_list() -> None:
    """And a list of one object for the object."""
    stage = {"title": "s", "modules": {"title": "m", "concepts": CONCEPT}}
    draft = {"title": ["t"], "summary": "s", "stages": stage}
    read = read_answer(json.dumps(draft), CurriculumDraft)
    assert (read.title, read.stages[0].modules[0].concepts[0].title) == ("t", "t")


def test_names_in_another_case_and_other_names_are_known() -> None:
    """`estimatedHours`, `Title`, `level`: the field is meant all the same."""
    part = {"Title": "T", "Description": "d", "estimatedHours": 3, "level": "hard"}
    draft = {"Name": "t", "overview": "s", "stages": [{"stage": "s", "modules": [
        {"name": "m", "concepts": [part]}]}]}  # fmt: skip
    read = read_answer(json.dumps(draft), CurriculumDraft).stages[0].modules[0].concepts[0]
    assert (read.title, read.estimated_hours, read.difficulty) == ("T", 3, "advanced")


def test_operations_may_leave_out_what_they_do_not_need() -> None:
    """What is null in our shape may be missing, and the verbs may be others."""
    removed = {"op": "delete", "concept": "C1"}
    added = {"action": "create", "module": "M1", "title": "T", "description": "d", "hours": "2h"}
    operations = [removed, added | {"difficulty": "easy"}]
    answer = json.dumps({"summary": "s", "operations": operations})
    first, second = read_answer(answer, EditScript).operations
    assert (first.op, first.prerequisites, first.estimated_hours) == ("remove", None, None)
    assert (second.op, second.estimated_hours, second.difficulty) == ("add", 2, "beginner")


def test_words_of_other_enumerations_are_known() -> None:
    """Severities and actions have synonyms, too."""
    issues = [{"severity": "Critical", "message": "m"}, {"severity": "info", "issue": "n"}]
    opinion = read_answer(json.dumps({"issues": issues}), StructureOpinion)
    assert [issue.severity for issue in opinion.issues] == ["error", "warning"]
    plan = {"summary": "s", "intents": [{"action": "Update", "target": "C1", "instruction": "i"}]}
    assert read_answer(json.dumps(plan), EditPlan).intents[0].action == "modify"
    assert read_answer('{"issues": null}', StructureOpinion).issues == []


@pytest.mark.parametrize(
    "correct",
    [*("B", "b", "B)", "(b)", "B. Two", "Option B", "Two", " two "), {"text": "Two"}, ["B"]],
)
@pytest.mark.parametrize(
    "options", [["One", "Two", "Three"], ["A) One", "B) Two", "C) Three"], {"A": "One", "B": "Two"}]
)
def test_the_right_option_is_known_by_letter_label_and_text(correct: Any, options: Any) -> None:
    """The options come without their labels, and the right one apart from the wrong ones."""
    (read,) = questions(QUESTION | {"options": options, "correct_answer": correct})
    assert read.answers == ["Two"]
    assert read.distractors == ["One", "Three"][: len(options) - 1]
    assert read.kind == "single"


def test_what_indices_count_from_is_learnt_from_all_questions() -> None:
    """A 0 in one of them says it, and so does the number of the options."""

    def quiz(*correct: Any) -> list[list[str]]:
        options = {"options": ["a", "b", "c"]}
        return [
            q.answers for q in questions(*(QUESTION | options | {"correct": c} for c in correct))
        ]

    assert quiz(0, 1, 2) == [["a"], ["b"], ["c"]]
    assert quiz(3, 1, "2") == [["c"], ["a"], ["b"]]
    assert quiz([0, 2], 1) == [["a", "c"], ["b"]]


@pytest.mark.parametrize("correct", [1, 2, "2", [1, 2], 7, "D", "Four", True])
def test_an_unclear_index_is_asked_for_and_not_guessed(correct: Any) -> None:
    """The model is told to give the option's text."""
    with pytest.raises(UnusableAnswerError, match=r"questions\.0: .*give (its|the) text"):
        questions(QUESTION | {"options": ["One", "Two", "Three"], "correct": correct})


@pytest.mark.parametrize(
    ("given", "kind", "answers", "distractors"),
    [
        (
            {"kind": "multiple_choice", "options": ["a", "b"], "correct": "a"},
            "single",
            ["a"],
            ["b"],
        ),
        (
            {"kind": "multiple-choice", "options": ["a", "b", "c"], "correct": ["a", "c"]},
            *("multiple", ["a", "c"], ["b"]),
        ),
        (
            {"kind": None, "type": "boolean", "correct_answer": True},
            "true_false",
            ["True"],
            ["False"],
        ),
        ({"kind": "True/False", "answers": "False"}, "true_false", ["False"], ["True"]),
        ({"kind": "true_false", "answers": ["Richtig"]}, "true_false", ["Richtig"], ["Falsch"]),
        ({"options": ["Yes", "No"], "answer": "No", "kind": None}, "true_false", ["No"], ["Yes"]),
        ({"options": ["a", "a", "b"], "correct": "a"}, "single", ["a"], ["b"]),
        ({"options": [{"text": "a"}, {"text": "b"}], "correct": "B"}, "single", ["b"], ["a"]),
        ({"answers": ["a", "b"], "correct_index": 0}, "single", ["a"], ["b"]),
        ({"options": ["1", "2", "3"], "correct": "2"}, "single", ["2"], ["1", "3"]),
        ({"answers": "a", "distractors": "b"}, "single", ["a"], ["b"]),
        (
            {"kind": "multiple_choice", "answers": ["a", "b"], "distractors": ["c"]},
            *("multiple", ["a", "b"], ["c"]),
        ),
        (
            {"kind": "اختيار من متعدد", "answers": ["a"], "distractors": ["c"]},
            *("single", ["a"], ["c"]),
        ),
        ({"options": ["A、是", "B、否", "C、无"], "answer": "B"}, "single", ["否"], ["是", "无"]),
        ({"options": ["A.是", "B.否"], "answer": "选项B"}, "single", ["否"], ["是"]),
        (
            {"kind": "多选题", "options": ["A、是", "B、否", "C、无"], "answer": "A、C"},
            *("multiple", ["是", "无"], ["否"]),
        ),
        (
            {"kind": "multiple", "options": ["a", "b", "c"], "correct": "A, C"},
            *("multiple", ["a", "c"], ["b"]),
        ),
        ({"kind": ["single"], "answers": ["a"], "distractors": ["c"]}, "single", ["a"], ["c"]),
        ({"options": ["A", "B", "AB"], "correct": "AB"}, "single", ["AB"], ["A", "B"]),
        (
            {"kind": "صح أو خطأ", "options": ["صح", "خطأ"], "correct": "صح"},
            "true_false",
            ["صح"],
            ["خطأ"],
        ),
    ],
)
def test_quizzes_in_the_usual_shape_are_read(
    given: dict[str, Any], kind: str, answers: list[str], distractors: list[str]
) -> None:
    """Kinds by other names, true and false, doubled options, single texts for lists."""
    (read,) = questions(
        {key: value for key, value in (QUESTION | given).items() if value is not None}
    )
    assert (read.kind, read.answers, read.distractors) == (kind, answers, distractors)


def test_what_was_read_otherwise_is_noted_once() -> None:
    """For whoever debugs, with the place, what was given and what it was read as."""
    notes: list[str] = []
    answer = {"quiz": {"resources": [RESOURCE | {"type": "blog", "language": "German"}]}}
    before = copy.deepcopy(answer)
    read_answer(json.dumps(answer), ResourceList, notes=notes)
    assert sorted(notes) == [
        "language: 'German' read as 'de'",
        'resources.0.type: "blog" read as "article"',
        "taken out of `quiz`",
    ]
    assert answer == before


@pytest.mark.parametrize("value", [True, float("nan"), "", "\u221e", [], {}])
def test_what_says_no_time_is_no_time(value: Any) -> None:
    """The reader of hours guesses nothing; whoever asks it decides."""
    assert hours_in(value) is None
