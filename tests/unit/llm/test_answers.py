"""Answers are read leniently and checked strictly."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm.answers import LARGEST_ANSWER, UnusableAnswerError, parsed_json, read_answer
from roadmaps.kinds.resources import ResourceList
from roadmaps.kinds.tutorial import Tutorial

GOOD = '{"markdown": "text"}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\ufeff{GOOD}",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}```",
        f"Sure:\n```json\n{GOOD}\n```\nBye {{",
        f"Here you are: {GOOD} Anything else?",
        '{"markdown": "text", "unknown": [1, {"a": null}]}',
        "{&quot;markdown&quot;: &quot;text&quot;}",
        '[{"type": "text", "text": "{\\"markdown\\": \\"text\\"}"}]',
    ],
)
def test_an_object_is_found_in_what_is_around_it(text: str) -> None:
    """Fences, prose, a byte order mark and unknown fields do no harm."""
    assert read_answer(text, Tutorial).markdown == "text"


def test_raw_line_breaks_nul_and_surrogates_are_put_right() -> None:
    """What cannot be stored is taken out, what can stays."""
    text = '{"markdown": "a\nb\\u0000\\ud800c \\ud83d\\ude00"}'
    assert read_answer(text, Tutorial).markdown == "a\nbc \U0001f600"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{",
        "}{",
        "no",
        '{"markdown": null}',
        '{"markdown": ""}',
        '{"markdown": "\\u0000"}',
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        "[" * 100_000,
        '{"markdown": ' + "9" * 5000 + "}",
        "x" * (LARGEST_ANSWER + 1),
        '"' * 100_001,
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_everything_else_is_refused_quickly(text: str) -> None:
    """Bombs end like any other misfit, with a short reason."""
    started = time.monotonic()
    with pytest.raises(UnusableAnswerError) as caught:
        read_answer(text, Tutorial)
    assert len(str(caught.value)) < 1000
    assert time.monotonic() - started < 2


@settings(max_examples=50)
@given(st.text())
def test_no_text_makes_it_crash(text: str) -> None:
    """Either it fits or it is refused."""
    for answer in (text, json.dumps({"markdown": text})):
        try:
            read_answer(answer, Tutorial)
        except UnusableAnswerError:
            continue


def test_an_answer_may_stand_in_its_own_name() -> None:
    """`{"resources": {"resources": […]}}` and the like: the call and its list have one name."""
    resource = {"title": "A", "url": "https://a.example", "type": "book", "language": "en"}
    inner = {"resources": [{**resource, "why": "It helps."}]}
    assert read_answer(json.dumps({"resources": inner}), ResourceList).resources[0].title == "A"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=20,
    )
)
@example(2**63)
@example(2**64 + 1)
@example([-(2**70)])
@example("a\tcharacter that JSON escapes, and \x00")
@example("\ud800 half a character")
def test_what_is_json_is_read_as_it_was_written(value: Any) -> None:
    """The quick reader gives what the slow one gives: whole numbers of any size, NaN, odd texts."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert repr(parsed_json(text)) == repr(json.loads(text))
