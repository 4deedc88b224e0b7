"""How answers of a shape are read beyond what its schema says: a shape brings its own rules."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SIGNS: Final = re.compile(r"[\W_]+")
_GOES_ON: Final = re.compile(r"\w|[.,-]\d|\s*-\s*\d|\s*\u2013\s*\d")


@dataclass(frozen=True, kw_only=True, eq=False)
class Rules:
    """What models say in place of what they were asked for.

    Attributes:
        other_names: Of a field, as letters and digits only, the likeliest first.
        wrappers: Names that are given to an object around the answer; so does any that stands
            alone.
        words: Of a word of an enumeration, separated by spaces; case and signs do not count.
        otherwise: Words of enumerations that stand for whatever is not known.
        may_be_empty: Texts that are not worth another request when they are missing.
        unknown_hours: What a field whose name ends in `hours` is, when the answer does not say it
            in any way; without it the model is asked again.
    """

    other_names: Mapping[str, tuple[str, ...]]
    wrappers: frozenset[str]
    words: Mapping[str, str]
    otherwise: frozenset[str] = frozenset()
    may_be_empty: frozenset[str] = frozenset()
    unknown_hours: float | None = None

    def also(
        self,
        *,
        other_names: Mapping[str, tuple[str, ...]] | None = None,
        wrappers: frozenset[str] = frozenset(),
        words: Mapping[str, str] | None = None,
        **others: Any,
    ) -> Rules:
        """Return rules that know more; a field or word that is told anew is known anew."""
        return replace(
            self,
            other_names={**self.other_names, **(other_names or {})},
            wrappers=self.wrappers | wrappers,
            words={**self.words, **(words or {})},
            **others,
        )

    def word_among(self, text: str, allowed: Sequence[Any]) -> Any:
        """Return the word of an enumeration that a model's word stands for, or None.

        Case, signs and synonyms do not count; of "beginner/intermediate" the first does. What is
        no text, as a number, is meant only by itself: `"4"` or `4 of 5`.
        """
        for word in allowed:
            if not isinstance(word, str) and _stands_first(str(word), text):
                return word
        allowed = [word for word in allowed if isinstance(word, str)]
        for part in (text, *re.split(r"[/|,;(]| to | - ", text)):
            key = plain_key(part)
            for word in allowed:
                if key == plain_key(word):
                    return word
            for word in self._by_word.get(key, ()):
                if word in allowed:
                    return word
        return self.fallback(allowed)

    def fallback(self, allowed: Sequence[str]) -> str | None:
        """Return the word that stands for whatever is not known, where there is one."""
        return next((word for word in allowed if word in self.otherwise), None)

    @cached_property
    def _by_word(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for meant, words in self.words.items():
            for word in words.split():
                key = plain_key(word)
                found[key] = (*found.get(key, ()), meant)
        return found


def _stands_first(word: str, text: str) -> bool:
    """Tell whether a text begins with a word such as a number, and not with a longer one."""
    said = text.strip()
    rest = said[len(word) :]
    return said[: len(word)].casefold() == word.casefold() and _GOES_ON.match(rest) is None


def plain_key(name: str) -> str:
    """Return a name as its letters and digits alone."""
    return _SIGNS.sub("", name).casefold()


PLAIN: Final = Rules(
    other_names={
        "url": ("link", "href", "uri", "address"),
        "why": ("reason", "description", "summary", "rationale"),
        "description": ("summary", "details", "overview", "objective"),
        "summary": ("description", "overview", "goal", "changes"),
        "message": ("issue", "problem", "description", "text"),
        "suggestion": ("fix", "recommendation", "solution", "advice"),
        "explanation": ("rationale", "reason", "reasoning", "why"),
        "kind": ("type",),
        "type": ("kind", "format", "category"),
        "instruction": ("description", "details", "change"),
        "answer": ("text", "response"),
        "title": ("name", "heading", "topic"),
        "markdown": ("content", "text", "body", "markdowncontent", "article"),
    },
    wrappers=frozenset(
        {
            *("response", "output", "result", "answer", "data", "parameters", "arguments", "input"),
            *("json", "content", "final", "final_answer", "object", "value", "properties", "args"),
            *("body", "payload", "message", "schema", "name", "text"),
        }
    ),
    words={
        "error": "critical fatal high blocker major severe blocking errors fehler erreur 错误",
        "warning": "warn info low minor medium moderate notice suggestion hint note warnung"
        " avertissement 警告",
        "add": "create insert new append introduce",
        "remove": "delete drop cut eliminate",
        "modify": "update change edit revise rewrite rename replace adjust",
        "update": "modify change edit revise rewrite rename replace adjust",
        "move": "reorder relocate shift transfer",
    },
)
"""For shapes that bring no rules of their own."""


def rules_of(output: type[Any]) -> Rules:
    """Return the rules that a shape brings (`read_by`), or those for any shape."""
    rules = getattr(output, "read_by", PLAIN)
    return rules if isinstance(rules, Rules) else PLAIN
