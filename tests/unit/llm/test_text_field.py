"""A field's text is read while the object is still being written."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.answers import read_answer
from llm.text_field import LiveText, TextField
from roadmaps.kinds.tutorial import Tutorial
from roadmaps.reading import READING
from tests.odd_answers import READABLE, TEXT, THOUGHTS


def fed(pieces: list[str]) -> str:
    """Return all that comes out of some pieces."""
    field = TextField("markdown", wrappers=READING.wrappers)
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
    field = TextField("markdown", wrappers=READING.wrappers)
    pieces = ['{"markd', 'own": "Hel', "lo \\", "u00", "e4 \\ud83d", "\\ude0", '0!"', "}"]
    said = [field.feed(piece) for piece in pieces]
    assert said == ["", "Hel", "lo ", "", "\u00e4 ", "", "\U0001f600!", ""]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('<think>{"markdown": "no"}</think>\n{"markdown": "yes"}', "yes"),
        ('<answer> {"markdown": "yes"}', "yes"),
        ('<thing> {"markdown": "may be a thought"}', ""),
        ('{"markdown": "a\\ud83dz\\ude00b\\u0000c"}', "azbc"),
        ('{"markdown": "\\q\\uZZZZ"}', "\\q\\uZZZZ"),
        ('{"markdown": null, "other": "no"}', ""),
        ('{"mark\\u0064own": "yes"}', "yes"),
        ('{"markdown": "yes"} {"markdown": "no"}', "yes"),
        ('{"quiz": {"markdown": "yes"}}', "yes"),
        ('[{"data": {"markdown": "yes"}}]', "yes"),
        ('{"thoughts": {"markdown": "no"}}', ""),
        ('{"markdown": "say "hi" to", "x": 1}', 'say "hi" to'),
        ('```json\n{"markdown": "yes"}\n```', "yes"),
        ('Sure: {"markdown": "not before the end is known"}', ""),
        ('Hm {"markdown": "no"}</think>{"markdown": "yes"}', "yes"),
        ('<think><think>a</think>{"markdown": "no"}</think>{"markdown": "yes"}', "yes"),
        ("no object", ""),
        ("{}}}]]", ""),
        ("", ""),
    ],
)
def test_odd_answers_do_no_harm(answer: str, said: str) -> None:
    """Thoughts are passed over, unstorable characters are left out, nonsense gives nothing."""
    assert fed([answer]) == fed(list(answer)) == said


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_viewers_see_in_the_end_is_the_answer(name: str, size: int) -> None:
    """And no thought is ever shown to them, not for a moment."""
    answer = READABLE[name]
    shown: list[tuple[int, str]] = []
    live = LiveText("markdown", lambda offset, text: shown.append((offset, text)))
    take = live.begin()
    for at in range(0, len(answer), size):
        take(answer[at : at + size])
    live.settle(read_answer(answer, Tutorial).markdown)

    seen = ""
    for offset, text in shown:
        assert offset in {0, len(seen)}
        seen = seen[:offset] + text
    assert seen == TEXT
    if name.startswith("thoughts"):
        assert "draft" not in str(shown)


@pytest.mark.parametrize("name", ["think", "kimi", "harmony", "only_a_closing_tag", "granite"])
def test_behind_a_thought_the_text_comes_as_it_is_written(name: str) -> None:
    """Nobody waits for the end of an answer that begins with thoughts."""
    answer = THOUGHTS[name]
    assert fed(list(answer)) == fed([answer]) == TEXT


def test_a_stream_of_nothing_but_signs_costs_little() -> None:
    """Two hundred thousand characters in small pieces, whatever they are."""
    for unit in ("<think>", "<", "[THINK]", "```", '{"markdown": "', '" ', "\\", "</think>", " "):
        field = TextField("markdown", wrappers=READING.wrappers)
        pieces = [(unit * 40)[:20]] * 5_000
        started = time.process_time()
        for piece in ['{"markdown": "', *pieces] if unit in {'" ', "\\"} else pieces:
            field.feed(piece)
        assert time.process_time() - started < 1.5, unit


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
