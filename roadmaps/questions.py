"""Reads quiz questions in the shape that most models know: options, and which of them is right.

Our own shape keeps right and wrong answers apart, so that no index can point nowhere. Where an
index may count from 0 or from 1, nobody guesses: the model is asked.
"""

from __future__ import annotations

import re
from typing import Any, Final

_OPTIONS: Final = ("options", "choices", "answer_options", "alternatives", "possible_answers")
_CORRECT: Final = (
    *("correct", "correct_answer", "correct_answers", "correct_option", "correct_options"),
    *("correct_index", "correct_indices", "correct_indexes", "answer", "answer_index", "solution"),
    *("right_answer", "right_answers", "key", "correct_choice", "answers"),
)
_LABEL: Final = re.compile(
    r"\s*[(\[\uff08]?([A-Za-z]|\d{1,2})\s*"
    r"(?:[)\].:]\s+(?=\S)|[\u3001\uff0e\uff1a\uff09]\s*(?=\S)|[)\].:](?=[\u0600-\u06ff\u3040-\ud7ff]))"
)
_OPTION: Final = (
    r"(?:option|answer|choice|antwort|r\u00e9ponse|respuesta|opci\u00f3n|вариант|ответ"
    r"|选项|選項|答案|الخيار|الإجابة)?"
)
_LETTER: Final = re.compile(
    rf"\s*{_OPTION}\s*[(\[\uff08]?([A-Za-z])(?:[)\].:\u3001\uff0e\uff1a\uff09].*)?\s*",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(rf"\s*{_OPTION}\s*\(?(\d{{1,2}})[).]?\s*", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[A-J](?:(?:\s*(?:[,;/&+\u3001\uff0c]|and|und|和|与)?\s*)[A-J]){1,9}")
"""Several options by their letters, in one text."""
_BY_NUMBER: Final = frozenset(
    {"", "choice", "multiplechoice", "mcq", "qcm", "mehrfachauswahl", "auswahl", "choixmultiple"}
    | {"choixmultiples", "opciónmúltiple", "selecciónmúltiple", "múltiplaescolha", "sceltamultipla"}
    | {"множественныйвыбор", "选择题", "選擇題", "객관식", "اختيارمتعدد", "اختيارمنمتعدد"}
)
"""Kinds of which how many answers are right says whether they are `single` or `multiple`."""
_KINDS: Final = frozenset({"single", "multiple", "true_false"})
_OPPOSITES: Final = dict(
    pair
    for one, other in (
        *(("true", "false"), ("yes", "no"), ("wahr", "falsch"), ("richtig", "falsch")),
        *(("ja", "nein"), ("vrai", "faux"), ("oui", "non"), ("verdadero", "falso")),
        *(("verdadeiro", "falso"), ("vero", "falso"), ("prawda", "fa\u0142sz")),
        *(("\u6b63\u786e", "\u9519\u8bef"), ("\u5bf9", "\u9519"), ("\u662f", "\u5426")),
        *(("\u0432\u0435\u0440\u043d\u043e", "\u043d\u0435\u0432\u0435\u0440\u043d\u043e"),),
    )
    for pair in ((other, one), (one, other))
)
_KNOWN: Final = frozenset({"answers", "distractors"})
_OURS: Final = _KNOWN | {"question", "kind", "explanation"}


class AmbiguousError(ValueError):
    """Which option is right can be read in two ways."""


def questions_read(value: Any) -> Any:
    """Return a quiz's questions with right and wrong answers apart, as far as they say which.

    What an index counts from is learnt from all questions together: a 0 in one of them says it, and
    so does one as large as the number of options.
    """
    if not isinstance(value, list) or all(map(_is_ours, value)):
        return value
    base = _base_of([part for part in value if isinstance(part, dict)])
    if base is None:
        return value
    read = []
    for part in value:
        try:
            read.append(question_read(part, base=base))
        except AmbiguousError:
            read.append(part)  # the check of the shape says what is wrong with it
    return read


def question_read(data: Any, *, base: int | None = None) -> Any:
    """Return one question with its answers and distractors.

    Args:
        data: What the model said of it.
        base: What indices count from, where that is known.

    Raises:
        AmbiguousError: It does not say without doubt which option is right.
    """
    if not isinstance(data, dict) or _is_ours(data):
        return data
    question = dict(data)
    options = _options_of(question)
    if _kind(question) == "true_false":
        _complete_true_false(question, options)
    if question.keys() >= _KNOWN:
        lists = all(isinstance(question[name], list) for name in _KNOWN)
        if lists and _kind(question) in _BY_NUMBER:
            question["kind"] = _kind_by(question)
        return question
    if not options:
        return question
    texts = [text for text, _ in options]
    given = _first_of(question, _CORRECT)
    if given is None:
        return question
    right = {_place(one, options, base) for one in _several(given, options)}
    if not right:
        return question
    wrong = [text for text in dict.fromkeys(texts) if text not in {texts[at] for at in right}]
    question["answers"] = list(dict.fromkeys(texts[at] for at in sorted(right)))
    question["distractors"] = wrong
    kind = _kind(question)
    if kind in _BY_NUMBER or (kind == "single" and len(right) > 1):
        question["kind"] = _kind_by(question)
    return question


def _is_ours(question: Any) -> bool:
    """Tell whether a question came in the shape that was asked for; nearly every one does."""
    return (
        isinstance(question, dict)
        and question.keys() == _OURS
        and isinstance(question["answers"], list)
        and isinstance(question["distractors"], list)
        and bool(question["distractors"])
        and str(question["kind"]) in _KINDS
    )


def _kind(question: dict[str, Any]) -> str:
    kind = question.get("kind", question.get("type", question.get("question_type")))
    plain = re.sub(r"[\W_]+", "", kind).lower() if isinstance(kind, str) else ""
    return "true_false" if plain in {"truefalse", "boolean", "tf", "trueorfalse"} else plain


def _kind_by(question: dict[str, Any]) -> str:
    texts = {str(text).casefold() for text in (*question["answers"], *question["distractors"])}
    if len(question["answers"]) > 1:
        return "multiple"
    return "true_false" if any({a, b} == texts for a, b in _OPPOSITES.items()) else "single"


def _complete_true_false(question: dict[str, Any], options: list[tuple[str, str]]) -> None:
    """Give a question of two words its other word, where the answer is one of a known pair."""
    if options and len(options) > 1:
        return
    given = _first_of(question, ("answers", *_CORRECT))
    given = given[0] if isinstance(given, list) and len(given) == 1 else given
    word = {True: "True", False: "False"}.get(given) if isinstance(given, bool) else given
    if not isinstance(word, str) or question.get("distractors"):
        return
    other = _OPPOSITES.get(word.strip().casefold())
    if other is not None:
        question["answers"] = [word.strip()]
        question["distractors"] = [other.capitalize() if word.strip()[:1].isupper() else other]


def _options_of(question: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the options with what they are labelled, or nothing when there are none."""
    given = _first_of(question, _OPTIONS)
    if given is None and isinstance(question.get("answers"), list):
        others = [name for name in _CORRECT if name != "answers" and name in question]
        if others and "distractors" not in question:
            given = question.pop("answers")
    if isinstance(given, dict):
        return [(str(text), str(label)) for label, text in given.items()]
    if not isinstance(given, list):
        return []
    texts = [_text_of(part) for part in given]
    labels = [_LABEL.match(text) for text in texts]
    signs = [label[1].upper() if label else "" for label in labels]
    if len(texts) > 1 and signs in (_letters(len(texts)), _numbers(len(texts))):
        return [
            (text[label.end() :], sign)
            for text, label, sign in zip(texts, labels, signs, strict=True)
            if label
        ]
    return [(text, "") for text in texts]


def _text_of(option: Any) -> str:
    if isinstance(option, dict):
        option = _first_of(option, ("text", "option", "value", "answer", "label", "content"))
    return "" if option is None else str(option)


def _letters(size: int) -> list[str]:
    return [chr(ord("A") + number) for number in range(min(size, 26))]


def _numbers(size: int) -> list[str]:
    return [str(number + 1) for number in range(size)]


def _first_of(data: dict[str, Any], names: tuple[str, ...]) -> Any:
    plain = {re.sub(r"[\W_]+", "", str(name)).lower(): name for name in data}
    for name in names:
        key = plain.get(name.replace("_", ""))
        if key is not None and data[key] not in (None, "", []):
            return data[key]
    return None


def _several(given: Any, options: list[tuple[str, str]]) -> list[Any]:
    """Return what is right, one by one: `AC` and `A, C` name two options, unless they are one."""
    if isinstance(given, list):
        return given
    if isinstance(given, str) and _LETTERS.fullmatch(given.strip()):
        letters = re.findall("[A-J]", given)
        one = any(
            given.strip().casefold() in {t.strip().casefold(), x.casefold()} for t, x in options
        )
        if letters == sorted(set(letters)) and not one:
            return letters
    return [given]


def _place(given: Any, options: list[tuple[str, str]], base: int | None) -> int:
    """Return which option is meant: by its text, its label, a letter or, where sure, a number."""
    if isinstance(given, dict):
        given = _text_of(given)
    named = _named(str(given), options) if isinstance(given, (str, bool)) else None
    if named is not None:
        return named
    number = _NUMBER.fullmatch(str(given))
    if number is None:
        raise AmbiguousError("which option is right is not one of the options; give its text")
    if base is None:
        raise AmbiguousError(
            "which option is right may count from 0 or from 1; give the text of the right option"
        )
    at = int(number[1]) - base
    if not 0 <= at < len(options):
        raise AmbiguousError("which option is right points at no option; give its text")
    return at


def _named(given: str, options: list[tuple[str, str]]) -> int | None:
    """Return which option a text, a label or a letter names."""
    texts = [text.strip().casefold() for text, _ in options]
    labels = [label.casefold() for _, label in options]
    label = _LABEL.match(given)
    wanted = given.strip().casefold()
    behind_label = given[label.end() :].strip().casefold() if label else wanted
    for found, among in ((wanted, texts), (wanted, labels), (behind_label, texts)):
        if found in among:
            return among.index(found)
    letter = _LETTER.fullmatch(given)
    at = ord(letter[1].upper()) - ord("A") if letter else len(options)
    return at if at < len(options) else None


def _base_of(questions: list[dict[str, Any]]) -> int | None:
    """Return whether indices count from 0 or 1, when the questions together say it."""
    zero = one = False
    for question in questions:
        options = _options_of(dict(question))
        given = _first_of(question, _CORRECT) if options else None
        texts = {text.strip() for text, _ in options}
        for index in given if isinstance(given, list) else [given]:
            if isinstance(index, bool) or not isinstance(index, (int, str)):
                continue
            number = _NUMBER.fullmatch(str(index))
            if number is None or (isinstance(index, str) and index.strip() in texts):
                continue
            zero = zero or int(number[1]) == 0
            one = one or int(number[1]) == len(options)
    return None if zero == one else int(one)
