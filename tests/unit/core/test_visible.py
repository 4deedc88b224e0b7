"""What may be shown: everything visible as it is, and nothing that acts or hides."""

# ruff: noqa: RUF001 - letters of other scripts are what is tested

from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from core.visible import cut, is_blank, json_safe, one_line, visible

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"]
STEERING = [*"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"]
HIDDEN = [*"\u00ad\u034f\u180e\u200b\u2060\u2064\ufeff\ufff9\ufffe\U000e0001\U000e0041\ud800\udfff"]
SCRIPTS = [
    "Rust für Anfänger – 100 %",
    "日本語を学ぶ",
    "تعلم العربية",
    "می\u200cخواهم",  # a joiner that Persian needs
    "क्\u200dष",
    "👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 1\ufe0f\u20e3",
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland
    "葛\U000e0100城",
    "a\tb\nc",
]


@pytest.mark.parametrize("character", [*CONTROLS, *STEERING, *HIDDEN], ids=ascii)
def test_what_acts_or_hides_is_spelled_out(character: str) -> None:
    """A control, bidi or unseen character is shown as an escape, wherever it stands."""
    for text in (character, f"a{character}b", f"日{character}"):
        shown = visible(text)
        assert character not in shown
        assert f"{ord(character):x}" in shown
        assert shown.isprintable()


@pytest.mark.parametrize("text", SCRIPTS)
def test_what_scripts_need_stays(text: str) -> None:
    """Wide, combining and right-to-left text, emoji and their joiners are left as they are."""
    assert visible(text) == text


@pytest.mark.parametrize("text", ["x\u200dy", "\u200da", "\ufe0f", "a\ufe0fb", "\U000e0100"])
def test_joiners_that_join_nothing_are_spelled_out(text: str) -> None:
    """Between Latin letters, or before anything, they only hide."""
    assert visible(text).isprintable()


def test_no_format_character_passes_unseen() -> None:
    """Of all of Unicode, what the terminal may obey or nobody can see is not let through alone."""
    passed = [
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and visible(chr(code)) == chr(code)
    ]
    shown_by_fonts = {  # Arabic, Syriac and Kaithi signs that stand over numbers; Egyptian layout
        *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD,
        *range(0x13430, 0x13440),
    }  # fmt: skip
    assert set(passed) - shown_by_fonts == {ord("\t"), ord("\n")}


def test_a_line_stays_a_line() -> None:
    """Whatever breaks lines is a blank where one line is shown."""
    assert one_line("a\nb\r\n  c\x0bd\x85e\u2028f\tg") == "a b c d e f g"


@pytest.mark.parametrize("text", [*CONTROLS, *STEERING, *HIDDEN, *SCRIPTS, '\n\t\\"é'], ids=ascii)
def test_json_means_the_same(text: str) -> None:
    """JSON made safe holds no such character, and reads as before."""
    document = {text: [text]}
    safe = json_safe(json.dumps(document, ensure_ascii=False))
    assert json.loads(safe) == document
    assert visible(safe) == safe


@pytest.mark.parametrize(
    "text",
    ["", " \t\n", "\u200b", "\u3164\u115f", "\u2800", "\u0301", "\u202e\ufeff", "\U000e0041",
     "\ue000", "\x1b", "\U000e0100", "\u00a0\u3000", "\u200d" * 3000],
    ids=ascii,
)  # fmt: skip
def test_nothing_to_see(text: str) -> None:
    """Blanks, controls, fillers, lone marks and private characters say nothing."""
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "!", "日", "🙂", "٣", "\x1b[31ma", "क्", "\u200b\u200bx"])
def test_something_to_see(text: str) -> None:
    """One visible character is enough."""
    assert not is_blank(text)


def test_what_is_cut_says_so() -> None:
    """A text that is left out of has a sign at its end."""
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abc defg", 5) == "abc…"
