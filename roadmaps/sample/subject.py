"""Reads a goal: which language it is in, what it is about, and what kind of subject that is."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from roadmaps.sample.library import Curriculum, Phrases, curricula, phrases, written_language

SUBJECT_LENGTH: Final = 60
"""Subjects become parts of titles, so they are short."""

_READ: Final = 2000
"""What stands further back in a goal does not decide what it is about."""

_SCRIPTS: Final = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")),
    ("zh", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002fa1f]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)
_SCRIPT_SHARE: Final = 0.2
"""Chinese goals name Python and SQL in Latin letters; a fifth of other letters decides."""

_WORDS: Final = {
    "en": "i the to and of a how want learn with for my is in like would build play make",
    "es": "quiero aprender a el la los las de y cómo como con para mi en hacer tocar un una me "
    "gustaría aprende hablar cocinar desde cero",
    "de": "ich möchte will lernen und der die das den wie man mit für ein eine mein zu im auf "
    "spielen lerne bauen kochen werden können über",
    "fr": "je veux voudrais apprendre à le la les des du et comment avec pour mon une un au aux "
    "faire jouer j'aimerais en l'art savoir",
    "pt": "quero aprender o a os as do da e como com para meu uma um em fazer tocar não gostaria",
    "it": "voglio imparare il la lo gli di e come con per mio una un in fare suonare vorrei",
}
_LETTERS_OF: Final = {"es": "ñ¿¡", "de": "ßäöü", "fr": "çêœèàù", "pt": "ãõ"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a goal is about: a title for headings and a phrase that fits into sentences."""

    title: str
    phrase: str
    kind: str
    language: str


def cleaned(text: str) -> str:
    """Return the text as one line without control characters, surrogates and extra spaces."""
    kept = "".join(" " if c.isspace() else c for c in text if c.isspace() or _is_text(c))
    return " ".join(kept.split())


def _is_text(char: str) -> bool:
    # U+200D joins the parts of one emoji, so it stays although it is a format character.
    return char == "\u200d" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def shortened(text: str, length: int) -> str:
    """Return the text cut at a word's end, where there is one, to the length at most."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    at_word = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut
    return at_word.rstrip(" ,;:-\u3001\uff0c") + "\u2026"


@lru_cache(maxsize=256)
def language_of(text: str) -> str:
    """Return the tag of the language a text is probably in, `en` when nothing tells."""
    text = cleaned(text[:_READ]).lower()
    letters = sum(c.isalpha() for c in text) or 1
    for tag, script in _SCRIPTS:
        found = len(script.findall(text))
        if found / letters >= _SCRIPT_SHARE:
            return tag
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text)
    scores = {tag: sum(w in known.split() for w in words) for tag, known in _WORDS.items()}
    for tag, marks in _LETTERS_OF.items():
        scores[tag] += sum(2 for c in text if c in marks)
    best = max(scores.values())
    return next(tag for tag in scores if scores[tag] == best)


@lru_cache(maxsize=256)
def subject_of(goal: str, language: str) -> Subject:
    """Return what a goal is about, in the goal's own words."""
    text = cleaned(goal[:_READ])
    # The words to cut are those of the language that the goal is written in.
    spoken = phrases(language_of(goal))
    bare = _without_frame(text, spoken)
    if not any(c.isalnum() for c in bare):
        nothing = phrases(language).nothing
        symbols = shortened(bare, 20)
        title = f"{nothing} {symbols}" if symbols else nothing
        return Subject(title=title, phrase=title, kind="craft", language=language)
    bare = shortened(bare, SUBJECT_LENGTH)
    first, _, rest = bare.partition(" ")
    noun = spoken.verbs.get(first.lower())
    phrase = f"{noun} {rest}".strip() if noun else bare
    if noun and written_language(language) != "en":
        phrase = bare
    title = bare[0].upper() + bare[1:]
    return Subject(title=title, phrase=phrase, kind=kind_of(goal, language), language=language)


def kind_of(text: str, language: str) -> str:
    """Return which kind of subject a text is about."""
    low = cleaned(text[:_READ]).lower()
    spoken = phrases(language_of(text))
    for known in (spoken, phrases(language), phrases("en")):
        for kind, pattern in known.kinds.items():
            if re.search(pattern, low):
                return kind
    return "study"


@lru_cache(maxsize=256)
def curriculum_for(goal: str, language: str) -> Curriculum | None:
    """Return the curriculum on the shelf that the goal asks for, or None.

    Only what the goal asks for counts ("I know JavaScript and want to learn ..." is about the
    rest), and of several subjects the one it names first.
    """
    base = written_language(language)
    if base == "en" and language.replace("_", "-").split("-")[0].lower() != "en":
        return None
    text = _without_frame(cleaned(goal[:_READ]), phrases(language_of(goal))).lower()
    found = [
        (match.start(), index)
        for index, known in enumerate(curricula())
        if known.language == base and not any(re.search(pattern, text) for pattern in known.unless)
        for pattern in known.match
        if (match := re.search(pattern, text))
    ]
    return curricula()[min(found)[1]] if found else None


def _without_frame(text: str, known: Phrases) -> str:
    bare = text
    middle = re.search(
        r"(?i)\b(?:want|wish|like|need|hope|trying)\s+to\s+(?=learn|master|study)", bare
    )
    if middle and middle.start() > 0:
        bare = bare[middle.end() :]
    bare = re.split(r"(?<=[^\W\d_]{2})[.!?;](?:\s|$)|[\u3002\uff01\uff1f\uff1b]", bare)[0]
    before = ""
    while before != bare:
        before = bare
        for pattern in known.openings:
            rest = re.sub(rf"(?i)^(?:{pattern})", "", bare, count=1).strip(" ,:-\u3001\uff0c\uff1a")
            if any(c.isalnum() for c in rest):
                bare = rest
    for pattern in known.endings:
        rest = re.sub(rf"(?i)(?:{pattern}).*$", "", bare, count=1).strip(" ,:-\u3001\uff0c\uff1a")
        if any(c.isalnum() for c in rest):
            bare = rest
    return bare.strip(" .,;:!?\"'\u201c\u201d\u300c\u300d\u3002\uff0c\uff01\uff1f\u3001") or text
