"""Reads a reviewer's feedback: which wishes are in it, and which part each of them names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from roadmaps.sample.library import phrases
from roadmaps.sample.subject import cleaned, language_of, shortened

if TYPE_CHECKING:
    from roadmaps.sample.outline import Outline

Wish = Literal[
    "rename", "move", "remove", "practice", "add", "shorter", "longer", "easier", "harder", "note"
]

_MOST_WISHES: Final = 12
_READ: Final = 5000
_CLAUSE_LENGTH: Final = 400
_CLAUSE: Final = re.compile(
    r"[\n\r;\u3002\uff1b\uff01]+|[.!?](?=\s|$)|"
    r"(?i:,?\s+(?:and then|and also|and please|then|und|y|et|and)\s+(?=(?:please\s+)?"
    r"(?:add|remove|rename|move|drop|delete|include|make|less|more|"
    r"skip|cover|füge|entferne|quita|elimina|añad\w*|agrega|ajoute\w*|supprime\w*|retire\w*)\b))"
)
_EDGES: Final = (
    " \t.,:;!?\"'\u201c\u201d\u2018\u2019\u300c\u300d\u300a\u300b\u00ab\u00bb`*-\u3002\uff0c\uff1a"
)
_NOISE: Final = re.compile(
    r"(?i)^(?:please|the|a|an|some|any|all|module|modules|concept|concepts|stage|section|part|"
    r"chapter|lesson|topic|called|named|titled|about|on|of|for|covering|to|from|"
    r"das|die|der|den|ein|eine|einen|modul|kapitel|zu|über|zum thema|thema|bitte|"
    r"el|la|los|las|un|una|módulo|tema|sobre|concepto|de|"
    r"le|les|une|du|des|module sur|sur|"
    r"\u4e00\u4e2a|\u6a21\u5757|\u5173\u4e8e|\u6709\u5173|\u5bf9|\u8bf7)(?:[\s:]+|(?<=[\u4e00-\u9fff]))"
)
_TRAILING: Final = re.compile(
    r"(?i)[\s,]+(?:please|module|concept|stage|section|chapter|too|as well|because\b.*|since\b.*|"
    r"entirely|completely|altogether|bitte|por favor|s'il vous pla\u00eet|from the roadmap)$"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One wish: what to do, with what (`a`), to or with which other thing (`b`)."""

    wish: Wish
    words: str
    a: str = ""
    b: str = ""


def read_feedback(feedback: str) -> list[Request]:
    """Return the wishes in a feedback, at least one unless it is empty."""
    # Bounds and single spaces keep the patterns' work small whatever somebody pastes.
    spaced = re.sub(r"[^\S\n]+", " ", feedback[:_READ])
    clauses = [cleaned(clause)[:_CLAUSE_LENGTH].strip(_EDGES) for clause in _CLAUSE.split(spaced)]
    texts = [text for text in clauses if _has_letter(text)]
    found = [_request(text, language_of(text)) for text in texts[:_MOST_WISHES]]
    certain = [request for request in found if request.wish != "note"]
    # Greetings and reasons around a clear wish are no wishes of their own.
    return certain or found[:1]


def bare(name: str) -> str:
    """Return a name from feedback without articles, quotes and words such as “module”."""
    before = None
    while before != name:
        before = name
        name = _TRAILING.sub("", _NOISE.sub("", name.strip(_EDGES))).strip(_EDGES)
    return name


def named(outline: Outline, words: str) -> list[str]:
    """Return the keys of the concepts that words name: one concept, or a module's or stage's all.

    The nearest title wins: equal, then contained, then sharing most of its words.
    """
    wanted = bare(words).casefold()
    if not wanted:
        return []
    upper = wanted.upper()
    if upper in outline.concepts:
        return [upper]
    parts = [(c.title, [c.key]) for c in outline.concepts.values()]
    parts += [
        (m.title, [c.key for c in outline.in_module(m.key)]) for m in outline.modules.values()
    ]
    parts += [
        (title, [c.key for c in outline.in_stage(key)]) for key, title in outline.stages.items()
    ]
    ranked = [(_likeness(title.casefold(), wanted), -n) for n, (title, _) in enumerate(parts)]
    if not ranked or max(ranked)[0] <= 0:
        return []
    return parts[-max(ranked)[1]][1]


def named_module(outline: Outline, words: str) -> str:
    """Return the key of the module that words name, or the last one (where additions go)."""
    wanted = bare(words).casefold()
    ranked = [
        (_likeness(module.title.casefold(), wanted), module.key)
        for module in outline.modules.values()
    ]
    best = max((score for score, _ in ranked), default=0.0)
    if best > 0:
        return next(key for score, key in ranked if score == best)
    keys = named(outline, words)
    if keys:
        return outline.concepts[keys[0]].module
    return next(reversed(outline.modules), "M1")


def _likeness(title: str, wanted: str) -> float:
    if title == wanted:
        return 3.0
    if wanted in title or (len(title) > 1 and title in wanted):
        return 1.0 + min(len(title), len(wanted)) / max(len(title), len(wanted))
    shared = _content_words(title) & _content_words(wanted)
    share = len(shared) / max(1, len(_content_words(wanted)))
    return share if share >= 0.5 else 0.0  # noqa: PLR2004 - half of the words, or it is chance


def _content_words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.findall(r"\w+", text) if len(word) > 2)  # noqa: PLR2004 - "a", "of", "to" say nothing


def _has_letter(text: str) -> bool:
    return any(char.isalnum() for char in text)


@lru_cache(maxsize=16)
def _patterns(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (wish, re.compile(pattern, re.IGNORECASE))
        for wish, patterns in phrases(language).edit.patterns.items()
        for pattern in patterns
    )


def _request(text: str, language: str) -> Request:
    for tried in dict.fromkeys((language, "en")):
        for wish, pattern in _patterns(tried):
            found = pattern.search(text)
            if found is None:
                continue
            groups = found.groupdict()
            names = {
                "a": shortened(bare(groups.get("a") or ""), 100),
                # A new name is taken as it was given, articles included.
                "b": shortened((groups.get("b") or "").strip(_EDGES), 100),
            }
            if "a" in groups and not names["a"]:
                continue
            return Request(wish=wish, words=text, **names)  # type: ignore[arg-type] # keys are wishes
    return Request(wish="note", words=text, a=shortened(bare(text) or text, 60))
