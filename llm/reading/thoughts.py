"""Recognises the thoughts that models write before an answer, by each vendor's marks.

Sources, read in November 2026: chat templates and reasoning parsers of vLLM
(https://docs.vllm.ai/en/stable/features/reasoning_outputs/) and SGLang, and the model cards of
DeepSeek, Qwen, GLM, Kimi (`◁think▷`), Magistral (`[THINK]`), gpt-oss (channels:
https://cookbook.openai.com/articles/openai-harmony), Seed-OSS (`<seed:think>`), Granite (words),
Cohere (`<|START_THINKING|>`), Gemma (`<|channel>thought`), OpenThinker (`<|begin_of_thought|>`).
"""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = (
    r"(?:\w{1,20}[:_])?(?:think|thinking|thoughts?|reasoning|reflection|scratchpad|analysis)"
)
_DRESSES: Final = (
    (rf"<{_NAMES}(?:\s[^<>]{{0,200}})?>", rf"</\s*{_NAMES}\s*>"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (
        r"<\|channel\|>\s*(?:analysis|commentary)[^<]{0,100}<\|message\|>",
        r"<\|channel\|>\s*final[^<]{0,100}<\|message\|>",
    ),
    (r"<\|channel>\s*thought", r"<channel\|>"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (r"<\|think(?:ing)?\|>", r"<\|/think(?:ing)?\|>"),
    (r"Here(?: i|')s my thought process:", r"Here(?: i|')s my response:"),
    # gpt-oss behind a server that leaves out its special tokens
    (r"\Aanalysis(?=[A-Z\s])", r"assistant\s?final(?=\s*[\[{\"`])"),
)
_FLAGS: Final = re.IGNORECASE
_BOTH: Final = tuple(
    re.compile(f"(?P<opens>{opener})|(?P<closes>{closer})", _FLAGS) for opener, closer in _DRESSES
)
_OPENERS: Final = tuple(re.compile(opener, _FLAGS) for opener, _ in _DRESSES)

MARK: Final = (
    rf"<(?:/?\s{{0,20}}{_NAMES}(?:\s[^<>]{{0,200}})?>"
    r"|\|(?:channel|begin_of_t|end_of_t|start_t|end_t|/?think)[^<]{0,120}?\|?>"
    r"(?:\s{0,9}(?:analysis|commentary|final|thought)[^<]{0,100}(?:<\|message\|>)?)?"
    r"|channel\|>)"
    r"|\u25c1/?think\u25b7|\[/?THINK\]|Here(?: i|')s my (?:thought process|response):"
    r"|\Aanalysis(?=[A-Z\s])|assistant\s?final(?=\s{0,20}[\[{\"`])"
)
"""What may be a mark of a thought, as a part of a regular expression that ignores case. `style_of`
tells whether it is one."""

LONGEST_MARK: Final = 320
_ANSWER: Final = re.compile(
    r"\s*+(?:<\|?\w{1,30}\|?>\s*+)?(?:(?:```|~~~)\w{0,12}\s*+)?[{\uff5b]|\s*+\[\s*+\{"
)
_LITERAL_BEGINNINGS: Final = (
    *("\u25c1think\u25b7", "[think]", "<|channel|>", "<|channel>thought", "<|begin_of_thought|>"),
    *("<|start_thinking|>", "<|think", "<|start|>assistant"),
    *("here is my thought process:", "here's my thought process:"),
)
_TAG_BEGINS: Final = re.compile(r"</?[\w:]{0,40}(?:\s[^<>]{0,200})?\Z")


def style_of(text: str, at: int) -> tuple[int, bool, int] | None:
    """Return the mark's style (a number), whether it opens a thought, and where it ends."""
    for style, both in enumerate(_BOTH):
        mark = both.match(text, at)
        if mark is not None:
            return style, mark["opens"] is not None, mark.end()
    return None


def end_of_thought(text: str, at: int, style: int) -> int | None:
    """Return where a thought that begins before a place ends; None when it never does.

    A thought may hold thoughts, and may speak of marks. So it ends where as many were closed as
    were opened, or before that where an answer begins, or else with the last mark there is.
    """
    depth, last = 1, None
    for mark in _BOTH[style].finditer(text, at):
        if mark["opens"] is not None:
            depth += 1
            continue
        depth -= 1
        last = mark.end()
        if depth == 0 or _ANSWER.match(text, last):
            return last
    return last


def opens_thought(text: str) -> tuple[int, int] | None:
    """Return the style of a text that begins with a thought, and where its opening mark ends."""
    for style, opener in enumerate(_OPENERS):
        found = opener.match(text)
        if found:
            return style, found.end()
    return None


def may_open_thought(text: str) -> bool:
    """Tell whether a text could become the opening mark of a thought, were there more of it."""
    low = text.lower()
    if len(low) > LONGEST_MARK:
        return False
    return _TAG_BEGINS.match(text) is not None or any(
        mark.startswith(low)
        or (low.startswith(mark) and mark == "<|channel|>" and "<|m" not in low)
        for mark in _LITERAL_BEGINNINGS
    )


def marks_of(style: int) -> re.Pattern[str]:
    """Return what opens (`opens`) and closes (`closes`) thoughts in a vendor's style."""
    return _BOTH[style]
