"""Answers in every dress of the vendors are read, and nothing passes for one that is none."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm.answers import LARGEST_ANSWER, UnusableAnswerError, read_answer
from roadmaps.kinds.quiz import QuizDraft
from roadmaps.kinds.tutorial import Tutorial
from roadmaps.outputs import CurriculumDraft, IntentAnalysis
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.odd_answers import GOOD, READABLE, TEXT, UNREADABLE

if TYPE_CHECKING:
    from llm.output import Output

ITEM = {
    "question": "q",
    "kind": "single",
    "answers": ["a"],
    "distractors": ["b"],
    "explanation": "e",
}


@pytest.mark.parametrize("name", READABLE)
def test_an_answer_is_found_in_every_dress(name: str) -> None:
    """Thoughts, words, fences, wrappers and odd signs leave the text as it was meant."""
    assert read_answer(READABLE[name], Tutorial).markdown == TEXT


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_answer_is_refused(name: str) -> None:
    """Half a text, a draft in a thought and a repeated schema are no answers."""
    with pytest.raises(UnusableAnswerError) as caught:
        read_answer(UNREADABLE[name], Tutorial)
    assert 0 < len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "text",
    [
        "Write `<think>` and `</think>` around thoughts.",
        "<think>",
        "</think>",
        "[THINK] or \u25c1think\u25b7",
        "Here is my response:",
        '```json\n{"markdown": "inner"}\n```',
        'Say {"markdown": "inner"} to it.',
        "C:\\new\\table {x} [y]",
    ],
)
@pytest.mark.parametrize("dress", ["{}", "```json\n{}\n```", "<think>hm</think>{}", "Well: {}"])
def test_a_text_about_thoughts_and_json_survives(text: str, dress: str) -> None:
    """Marks and objects inside the answer's own text are a part of it."""
    answer = dress.replace("{}", json.dumps({"markdown": text}))
    assert read_answer(answer, Tutorial).markdown == text


@pytest.mark.parametrize(
    ("inside", "meant"),
    [
        (r"$\\alpha$", r"$\alpha$"),
        (r"$\alpha \gamma$", r"$\alpha \gamma$"),
        (r"$\frac{1}{2} \beta$", r"$\frac{1}{2} \beta$"),
        (r"$\rho \right)$", r"$\rho \right)$"),
        (r"$x \times_2 \theta$", r"$x \times_2 \theta$"),
        (r"a\nb\tc", "a\nb\tc"),
        (r"\_ \* \(x\)", r"\_ \* \(x\)"),
        (r"\uZZ", r"\uZZ"),
        (r"it\'s", "it's"),
        (r"a\rb\r\nc", "a\rb\r\nc"),
    ],
)
def test_latex_keeps_its_backslashes(inside: str, meant: str) -> None:
    """An escape that JSON does not know is kept; one that it takes for a sign is put right."""
    assert read_answer('{"markdown": "' + inside + '"}', Tutorial).markdown == meant


def test_a_list_may_come_bare_or_object_by_object() -> None:
    """Where the shape is one list, the list, its parts in a row and a single part will do."""
    bare = json.dumps([ITEM] * 5)
    in_a_row = "\n".join(json.dumps(ITEM | {"question": f"q{n}"}) for n in range(5))
    assert len(read_answer(bare, QuizDraft).questions) == 5
    assert [q.question for q in read_answer(in_a_row, QuizDraft).questions] == [
        f"q{n}" for n in range(5)
    ]
    assert len(read_answer(json.dumps(ITEM), QuizDraft).questions) == 1
    numbered = json.dumps({"q1": ITEM, "q2": ITEM | {"question": "other"}})
    assert len(read_answer(numbered, QuizDraft).questions) == 2
    usual = {
        "quiz": [{"question": "q", "options": ["a", "b"], "answer": "b"} | {"explanation": "e"}]
    }
    assert read_answer(json.dumps(usual), QuizDraft).questions[0].answers == ["b"]


def test_a_list_that_was_cut_off_is_not_a_shorter_one() -> None:
    """Nor are its parts taken for the answer, whatever is missing."""
    whole = json.dumps({"questions": [ITEM | {"question": f"q{n}"} for n in range(5)]})
    for end in range(1, len(whole) - 1):
        with pytest.raises(UnusableAnswerError):
            read_answer(whole[:end], QuizDraft)
    assert len(read_answer(whole[:-1], QuizDraft).questions) == 5


def test_a_bracket_too_many_in_the_middle_loses_nothing() -> None:
    """What stands behind it is not dropped in silence."""
    questions = ", ".join(json.dumps(ITEM) + "}" * (n == 1) for n in range(5))
    with pytest.raises(UnusableAnswerError):
        read_answer('{"questions": [' + questions + "]}", QuizDraft)


SHAPES = [Tutorial, QuizDraft, CurriculumDraft, IntentAnalysis][: None if WHOLE_SET else 2]
WORST = {
    "brackets": "[" * 200_000,
    "objects": '{"a":' * 40_000,
    "braces": "{" * 200_000,
    "names": '{"' * 100_000,
    "backslashes": '{"a":"' + "\\" * 200_000,
    "escaped_quotes": '"\\' * 100_000,
    "quotes": '"' * 200_000,
    "thoughts": "<think>" * 28_000,
    "thoughts_ended": "</think>" * 25_000,
    "thoughts_by_two": "<think><think></think>" * 9_000,
    "thoughts_in_two_dresses": "[THINK]<think>" * 14_000,
    "fences": "```json\n" * 25_000,
    "signs": "<" * 200_000,
    "tags": "<a " * 66_000,
    "spaces_in_tags": ("</" + " " * 20) * 9_000,
    "comments": "{/*" * 66_000,
    "unescaped": '{"markdown": "' + 'a "b" ' * 33_000,
    "false_ends": '{"markdown": "' + '"}' * 100_000,
    "false_members": '{"markdown": "' + '", "a":' * 30_000,
    "false_tails": '{"markdown": "' + '"}<a>' * 40_000,
    "small_objects": '{"a":1}' * 28_000,
    "small_objects_with_commas": '{"a":1,}' * 25_000,
    "latex": "\\frac{a}{b} " * 16_000,
    "triple_quotes": '{"a":"""' * 25_000,
    "spaces": '{"a"' + " " * 200_000,
    "deep_ones": ('{"a":' * 90 + "1" + "}" * 90) * 400,
    "wrappers": '{"properties":' * 14_000,
    "many_faults": '{"questions":[' + "1," * 90_000 + "1]}",
    "many_members": "{" + ",".join(f'"k{n}":1' for n in range(20_000)) + "}",
    "ambiguous": '{"questions":[' + '{"options":["a","b"],"correct":1},' * 5000 + "{}]}",
    "number": '{"markdown": ' + "9" * 200_000 + "}",
    "added": '{"a":' + '"b"+' * 50_000,
}


def cost(text: str, output: type[Output]) -> float:
    """Return the seconds of the processor that reading takes."""
    started = time.process_time()
    with contextlib.suppress(UnusableAnswerError):
        read_answer(text, output)
    return time.process_time() - started


def pace(text: str) -> float:
    """Return the seconds of the processor that looking at each character by itself takes now."""
    started = time.process_time()
    seen = 0
    for letter in text:
        seen += letter != ""
    assert seen == len(text)
    return time.process_time() - started


@pytest.mark.parametrize("name", WORST)
@pytest.mark.parametrize("output", SHAPES)
def test_the_worst_answers_cost_little(name: str, output: type[Output]) -> None:
    """Anything of 200,000 characters takes no longer than to look at each of them 40 times."""
    text = WORST[name]
    # A machine that is busy with other things is asked again.
    assert any(cost(text, output) < 40 * pace("x" * 200_000) for _ in range(4))


@pytest.mark.parametrize("name", ["brackets", "thoughts_by_two", "false_ends", "small_objects"])
def test_two_million_characters_are_bounded(name: str) -> None:
    """The largest answer that is read at all costs in proportion, and more is not read."""
    text = (WORST[name] * 12)[:LARGEST_ANSWER]
    assert any(cost(text, QuizDraft) < 40 * pace(text) for _ in range(4))
    with pytest.raises(UnusableAnswerError):
        read_answer(text, QuizDraft)
    with pytest.raises(UnusableAnswerError, match="is the limit"):
        read_answer(text + "x" * LARGEST_ANSWER, QuizDraft)


_SIGNS = st.sampled_from(
    [
        *"{}[]\",:\\'`~<>/ \n\t#+.\u201c\uff5b\u0000\ud800\ufeff",
        *("<think>", "</think>", "[THINK]", "```json\n", '"markdown"', ': "', "true", "...", "//"),
        *("/*", "*/", "\\u00", "<|channel|>", "final", "analysis", '"""', "questions", GOOD),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_SIGNS, max_size=40).map("".join), st.text(max_size=30))
@example("{" * 200, "")
@example('{"a": {"b": ' * 99, "")
def test_no_answer_makes_it_crash(signs: str, text: str) -> None:
    """Either it fits or it is refused, by one class of error."""
    for answer in (signs, signs + text, GOOD[:-1] + signs, json.dumps({"markdown": signs})):
        for output in (Tutorial, QuizDraft):
            try:
                found = read_answer(answer, output)
            except UnusableAnswerError:
                continue
            found.model_dump_json().encode()


@settings(max_examples=80, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_what_is_json_already_is_read_to_the_letter(text: str) -> None:
    """Leniency changes nothing about an answer that needs none."""
    if text:
        assert read_answer(json.dumps({"markdown": text}), Tutorial).markdown == text
        assert read_answer("So:\n" + json.dumps({"markdown": text}), Tutorial).markdown == text
