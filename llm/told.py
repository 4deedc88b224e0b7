"""Reads what a provider says went wrong, wherever in its answer it says so.

Errors stand in an object, in a list, in a string that is JSON (or Python) itself, in what an
upstream server said to a gateway, in lists of validation errors, or in no envelope at all. All
codes and all words are gathered, the outermost first, so that whoever judges them need not know
whose shape it was.
"""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from core.addresses import shown
from llm.answers import parsed_json
from llm.waits import wait_in_headers, wait_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEEPEST: Final = 8
_LONGEST: Final = 4000
"""Characters of a text that are looked at; what is longer echoes the request or is a page."""
_MOST_WORDS: Final = 8
_STATUSES: Final = range(400, 600)
REDIRECTS: Final = range(300, 400)
BY_PROXY: Final = 407
"""Whatever else a proxy says to a tunnel is about who asks it, too, and not about the model."""
_LONGEST_CODE: Final = 500
_DIGITS: Final = 3
"""Of a status; of more than 4,300 Python makes no number."""

_CODES: Final = frozenset(
    {
        *("code", "type", "status", "reason", "kind", "error_code", "errcode", "err_code"),
        *("errorcode", "error_type", "status_code", "provider_code", "quotaid", "failed_check"),
    }
)
_WORDS: Final = frozenset(
    {
        *("message", "msg", "detail", "details", "error", "errors", "error_msg", "errmsg"),
        *("err_msg", "error_message", "errormessage", "error_description", "description"),
        *("title", "status_msg", "raw", "info", "innererror", "inner_error", "metadata", "cause"),
        *("base_resp", "body", "response", "reasons", "violations", "fieldviolations", "err"),
    }
)
_PARAMS: Final = frozenset({"param", "parameter", "field", "parameters"})
_WAITS: Final = frozenset({"retrydelay", "estimated_time", "retry_after", "retry_after_seconds"})

_JOINT: Final = re.compile(r"(?<=[a-zA-Z])[_.](?=[a-zA-Z])|(?<=[a-z])(?=[A-Z])")
_PAGE: Final = re.compile(
    r"\A\s*(?:<!--.*?-->\s*)?<(?:!doctype|html|head|body|\?xml)\b", re.IGNORECASE | re.DOTALL
)
_TITLE: Final = re.compile(r"<(title|h1)[^>]*>(.{1,300}?)</\1>", re.IGNORECASE | re.DOTALL)
_TAGS: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_SHOWN: Final = 200
_BRACKETS: Final = re.compile(r"[\[{(]")
_MOST_BRACKETS: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a provider says about a failure, in its own words.

    Attributes:
        status: The HTTP status, or the one inside an error that came with 200; 0 for neither.
        code: Its codes, types and reasons, with spaces between.
        param: What of the request it names.
        message: What it says, inner and outer words alike.
        retry_after_s: How long it asks to wait.
        draft: What the model wrote, when the server refuses to hand that out as an answer.
        page: Whether it is a web page and no answer of an API.
    """

    status: int = 0
    code: str = ""
    param: str = ""
    message: str = ""
    retry_after_s: float | None = None
    draft: str | None = None
    page: bool = False

    @property
    def said(self) -> str:
        """All that was said, to look for words in it; codes stand there also as words."""
        spoken = _JOINT.sub(" ", self.code)
        codes = self.code if spoken == self.code else f"{self.code} {spoken}"
        return f"{codes} {self.message}"

    @classmethod
    def by(cls, body: Any, *, status: int = 0, headers: Mapping[str, str] | None = None) -> Told:
        """Read the body of an error, in any of the shapes that providers use.

        Args:
            body: As parsed, or as text.
            status: Of the answer it came with, when that says anything.
            headers: Of that answer.
        """
        heard = _Heard()
        heard.listen(body)
        place = (headers or {}).get("location", "") if status in REDIRECTS else ""
        words = [f"it sends on to {shown(place)}"] if place else heard.words
        message = "; ".join(words)[:_LONGEST]
        wait_s = wait_in_headers({**heard.headers, **(headers or {})})
        if wait_s is None:
            wait_s = wait_in_words("; ".join([*heard.waits, message]))
        return cls(
            status=status or next(iter(heard.statuses), 0),
            code=" ".join(heard.codes)[:_LONGEST],
            param=" ".join(heard.params)[:_LONGEST],
            message=message,
            retry_after_s=wait_s,
            draft=heard.draft,
            page=heard.page and not place,
        )


def told_in_text(text: str, *, status: int = 0, headers: Mapping[str, str] | None = None) -> Told:
    """Read the body of an error that was not parsed yet."""
    body: Any = text
    with suppress(ValueError):
        body = parsed_json(text)
    return Told.by(body, status=status, headers=headers)


def error_in(data: Any) -> Told | None:
    """Return the error that an answer with 200, or a chunk of a stream, holds; None for none."""
    if isinstance(data, str):
        return Told.by(data)
    if isinstance(data, list):
        return (
            Told.by(data)
            if any(isinstance(part, dict) and "error" in part for part in data)
            else None
        )
    if not isinstance(data, dict):
        return None
    error = data.get("error")
    if error and not (isinstance(error, dict) and _says_nothing(error)):
        return Told.by(data)
    choices = data.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if first is not None:
        inner = first.get("error") if isinstance(first, dict) else None
        return Told.by(inner) if inner else None
    if isinstance(base := data.get("base_resp"), dict) and not _is_success(base.get("status_code")):
        return Told.by(base)
    if isinstance(choices, list) and _is_success(data.get("code")):
        return None  # each chunk of some says "success", also the last, which has but tokens
    speaks = any(
        data.get(name) for name in ("message", "detail", "msg", "errors", "error_msg", "errmsg")
    )
    return Told.by(data) if speaks or data.get("type") == "error" else _blocked(data)


def _blocked(data: dict[str, Any]) -> Told | None:
    """Return what Gemini says of a question that it did not let pass to the model."""
    feedback = data.get("promptFeedback") or data.get("prompt_feedback")
    if not isinstance(feedback, dict):
        return None
    reason = feedback.get("blockReason") or feedback.get("block_reason")
    if not isinstance(reason, str) or not reason:
        return None
    said = feedback.get("blockReasonMessage") or feedback.get("block_reason_message")
    return Told(
        code=f"prompt_blocked {reason}"[:_LONGEST],
        message=said[:_LONGEST]
        if isinstance(said, str)
        else f"the prompt was blocked: {reason[:99]}",
    )


def _says_nothing(error: dict[Any, Any]) -> bool:
    """Tell whether an error is none: some servers send one with each answer, with empty fields."""
    return _is_success(error.get("code")) or not any(error.values())


def _is_success(code: Any) -> bool:
    return code in {0, 200, "0", "200"} or (
        isinstance(code, str) and code.lower() in {"ok", "success"}
    )


@dataclass(slots=True)
class _Heard:
    codes: list[str] = field(default_factory=list)
    params: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    draft: str | None = None
    page: bool = False

    def listen(self, value: Any, *, depth: int = 0) -> None:
        if depth > _DEEPEST or len(self.words) > _MOST_WORDS:
            return
        if isinstance(value, str):
            self._text(value, depth)
        elif isinstance(value, list):
            for part in value[:_MOST_WORDS]:
                self.listen(part, depth=depth + 1)
        elif isinstance(value, dict):
            self._object(value, depth)

    def _object(self, value: dict[Any, Any], depth: int) -> None:
        if "loc" in value:  # a validation error; what else stands in it echoes the request
            place = _place(value["loc"])
            self._add(self.params, place)
            self._add(self.words, f"{place}: {value.get('msg', '')}")
            self._add(self.codes, str(value.get("type") or ""))
            return
        inner = []
        for key, part in value.items():
            name = str(key).lower()
            if name in _CODES and isinstance(part, (str, int)) and not isinstance(part, bool):
                self._code(str(part), says=name != "type")
            elif name in _PARAMS and isinstance(part, (str, list)):
                self._add(self.params, _place(part))
            elif name in _WAITS:
                self.waits.append(f"retry after {part} s")
            elif name == "headers" and isinstance(part, dict):
                self.headers |= {str(k).lower(): str(v) for k, v in part.items()}
            elif name == "failed_generation":
                self.draft = part if isinstance(part, str) else ""
            elif name in _WORDS or name in _CODES:
                inner.append(part)
        for part in inner:
            self.listen(part, depth=depth + 1)

    def _code(self, code: str, *, says: bool) -> None:
        self._add(self.codes, code[:_LONGEST_CODE])
        if says and len(code) == _DIGITS and code.isdecimal() and int(code) in _STATUSES:
            self.statuses.append(int(code))

    def _text(self, text: str, depth: int) -> None:
        if _PAGE.match(text[:_LONGEST]):
            self.page = True
            self._add(self.words, _shown(text[: 5 * _LONGEST]))
            return
        before, inner = _within(text)
        if inner is not None:
            self.listen(inner, depth=depth + 1)
        self._add(self.words, unquote(before) if "%20" in before else before)

    def _add(self, to: list[str], text: str) -> None:
        text = text.strip()[:_LONGEST]
        if text and text not in to:
            to.append(text)


def _shown(page: str) -> str:
    """Return the title of a page, or else the beginning of what it shows."""
    title = _TITLE.search(page)
    text = title[2] if title else _TAGS.sub(" ", page)
    return " ".join(text.split())[:_SHOWN]


def _within(text: str) -> tuple[str, Any]:
    """Return a text's own words, and the JSON or Python value within it or None."""
    start = text.find("{")
    if start > 0 and text[start - 1] == "[":
        start -= 1
    end = max(text.rfind("}"), text.rfind("]")) + 1
    if start < 0 or end <= start or len(text) > 5 * _LONGEST:
        return text, None
    part = text[start:end]
    for candidate in (part, part.replace('\\"', '"').replace("\\n", " ")):
        for parse in (parsed_json, _python):
            try:
                value = parse(candidate)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(value, (dict, list)):
                return f"{text[:start]} {text[end:]}".strip(" -:,'\"b"), value
    return text, None


def _python(text: str) -> Any:
    if len(_BRACKETS.findall(text)) > _MOST_BRACKETS:
        raise ValueError("nested too deeply")
    return ast.literal_eval(text)


def _place(where: Any) -> str:
    if isinstance(where, (list, tuple)):
        return ".".join(str(part) for part in where)
    return str(where)
