"""A field's text is read while the object is still being written."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.llm.answers import read_answer
from workflow.llm.outputs import Tutorial
from workflow.llm.text_field import TextField


def fed(pieces: list[str]) -> str:
    """Return all that comes out of some pieces."""
    field = TextField("markdown")
    return "".join(field.feed(piece) for piece in pieces)


def cut(text: str, places: list[int]) -> list[str]:
    """Cut a text at some places."""
    marks = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in pairwise(marks)]


@given(
    text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    before=st.dictionaries(
        st.text(max_size=5).filter(lambda key: key != "markdown"),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["markdown", "a"]), inner, max_size=2)
            ),
            max_leaves=6,
        ),
        max_size=3,
    ),
    ascii_only=st.booleans(),
    places=st.lists(st.integers(min_value=0), max_size=12),
)
def test_however_an_answer_is_cut_its_text_comes_out(
    text: str, before: dict[str, object], places: list[int], *, ascii_only: bool
) -> None:
    """Escapes and surrogate pairs may be split, other fields may come first, even of that name."""
    answer = json.dumps({**before, "markdown": text, "after": "x"}, ensure_ascii=ascii_only)
    assert fed(cut(answer, places)) == text


def test_each_character_alone_is_enough() -> None:
    """A piece may be as small as it can be."""
    text = 'a"b\\c\n\u00e4\U0001f600/\t'
    answer = f"```json\n{json.dumps({'n': [1, {'markdown': 'no'}], 'markdown': text})}\n```"
    assert fed(list(answer)) == text


def test_text_comes_as_soon_as_it_is_there() -> None:
    """What is complete is not held back; half an escape is."""
    field = TextField("markdown")
    pieces = ['{"markd', 'own": "Hel', "lo \\", "u00", "e4 \\ud83d", "\\ude0", '0!"', "}"]
    said = [field.feed(piece) for piece in pieces]
    assert said == ["", "Hel", "lo ", "", "\u00e4 ", "", "\U0001f600!", ""]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('<think>{"markdown": "no"}</think>\n{"markdown": "yes"}', "yes"),
        ('<thing> {"markdown": "yes"}', "yes"),
        ('{"markdown": "a\\ud83dz\\ude00b\\u0000c"}', "azbc"),
        ('{"markdown": "\\q\\uZZZZ"}', "qZZZZ"),
        ('{"markdown": null, "other": "no"}', ""),
        ('{"mark\\u0064own": "yes"}', "yes"),
        ('{"markdown": "yes"} {"markdown": "no"}', "yes"),
        ("no object", ""),
        ("{}}}]]", ""),
        ("", ""),
    ],
)
def test_odd_answers_do_no_harm(answer: str, said: str) -> None:
    """Thoughts are passed over, unstorable characters are left out, nonsense gives nothing."""
    assert fed([answer]) == fed(list(answer)) == said


@given(
    st.text('{}[]",:\\ua0d8mrkown \n<think>/', max_size=80), st.lists(st.integers(0), max_size=5)
)
def test_no_text_makes_it_crash(text: str, places: list[int]) -> None:
    """It judges nothing; cut or whole, it says the same."""
    assert fed(cut(text, places)) == fed([text])


def test_thoughts_do_not_stand_in_the_way_of_the_whole_answer() -> None:
    """What a reasoning model thinks aloud, braces included, is passed over there too."""
    answer = '<think>\nMaybe {"markdown": 3}?\n</think>\n{"markdown": "text"}'
    assert read_answer(answer, Tutorial).markdown == "text"
