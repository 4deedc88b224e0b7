"""Which part of a request a server refuses, told by its words.

A refusal names what it is about in a parameter, a path or a sentence, in the words of the server,
of the library behind it or of a chat template. What is particular counts before what is general.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from llm.told import Told


class Feature(StrEnum):
    """What a server may refuse, or want, and a request can do without, or with."""

    RESPONSE_FORMAT = "response_format"
    SCHEMA = "schema"
    STREAM = "stream"
    STREAM_ONLY = "stream_only"
    STREAM_OPTIONS = "stream_options"
    LIMIT_NAME = "limit_name"
    LIMIT_VALUE = "limit_value"
    SYSTEM = "system"
    THINKING = "thinking"


REFUSING: Final = frozenset({0, 200, 400, 404, 405, 415, 422, 501})
"""Statuses of refusals; 200 is one with the error in its body."""
_FAILING: Final = frozenset({500, 502, 503})
"""A chat template or a grammar that fails is an internal error to some servers."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL)


_STREAM_ONLY: Final = _any(
    r"\bonly\b.{0,40}\bstream|\bstream(ing)?[ -]?only\b|\bstream mode\b"
    r"|\b(must|should|needs? to|has to|requires?)\b.{0,30}\bstream(ing|ed)?\b(?!.{0,20}\bfalse)"
    r"|\bstream(ing)?\W{0,3}\s?(is |be )?(required|mandatory)"
    r"|\bstream\b.{0,20}\b(must|should)\b.{0,20}\btrue\b"
    r"|\bplease (enable|use|set|turn on)\b.{0,30}\bstream"
    r"|\b(use|enable|requires?|only) (sse|server-sent events)\b"
    r"|\bsync(hronous)?\b.{0,30}\bnot (supported|implemented|available|allowed)\b",
    r"\bnon[- ]?stream\w*\b.{0,60}\b(not|n.t|un\w*|only|disabled)\b"
    r"|\b(not|n.t|unsupported|cannot|no)\b.{0,40}\bnon[- ]?stream"
    r"|\bwithout stream\w*\b.{0,20}\bnot\b",
    r"enable[_ ]thinking.{0,40}(non-?stream|stream\W{0,3}=\W{0,3}false|非流式)"
    r"|\bwhen .?stream.{0,6}false",
    r"(仅|只|必须|需要?|请).{0,12}流式|非流式.{0,12}(不|无法)|不支持.{0,6}非流式|ストリーミング.{0,8}のみ",
)
_THINKING: Final = _any(
    r"\b(json|structured|response_?format)\b.{0,60}\bnot (supported|allowed"
    r"|available).{0,60}(\b|_)(thinking|reasoning)\b"
    r"|(\b|_)(thinking|reasoning)\b.{0,80}\b(not|n.t|cannot|conflict\w*"
    r"|incompatible)\b.{0,60}\b(json|structured|response_?format)\b"
    r"|思考.{0,20}(不支持|不能).{0,20}json|json.{0,20}(不支持|不能).{0,20}思考"
    r"|\benable_thinking\b.{0,20}\b(must|should) be (set to )?.?false\b(?!.{0,20}stream)"
    r"|\bthinking (mode )?must be disabled\b"
)
_THINKING_PARAM: Final = _any(r"\benable_thinking\b|\bthinking\b|思考")
_SYSTEM: Final = _any(
    r"\bsystem\b[\w ]{0,20}\b(roles?|messages?|prompts?|instructions?)\b.{0,20}\b(not|un|n.t)\w*",
    r"\b(not|n.t|un)\s?(support|allow|accept|permit|enabl)\w*\b.{0,30}\bsystem\b"
    r"|\bno system (role|message|prompt)",
    r"\brole\b.{0,40}\bsystem\b.{0,40}\b(not|invalid|unsupported|unknown|un\w+)|\b(invalid"
    r"|unsupported|unknown|unexpected)\b.{0,20}\brole\b.{0,20}\bsystem\b",
    r"\bdeveloper instruction is not enabled"
    r"|\bonly\b.{0,20}\buser\b.{0,20}\bassistant\b.{0,20}\broles?\b|\broles? must alternate"
    r"|\bsystem\W{0,3} is not (one of|valid)"
    r"|\bmust (start|begin) with (a |the )?.?user\b|\bfirst (message|role)\b.{0,30}\buser\b"
    r"|\bafter the optional system",
    r"不支持.{0,6}(system|系统)|(system|系统).{0,6}(角色|消息|提示词)?.{0,6}不(被)?支持",
)
_SYSTEM_PARAM: Final = re.compile(r"messages?\W{0,2}0\W{0,2}role", re.IGNORECASE)
_LIMIT_VALUE: Final = _any(
    r"\bmax_?(completion_|output_|new_)?tokens?\b|\bmaxoutputtokens\b|\b(completion"
    r"|output) tokens\b|\bin the completion\b|最大.{0,6}token"
)
_LIMIT_NAME: Final = _any(
    r"unsupported|not (be )?(supported|permitted|allowed|recogni[sz]ed)|unknown|unrecogni[sz]ed"
    r"|unexpected|extra (inputs|fields?)|\buse .{0,3}max_|不支持|未知"
)
_SCHEMA: Final = _any(
    r"\binvalid schema\b|invalid_?(json_?)?schema|\bschema\b.{0,60}\b(complex|too (big"
    r"|large|deep|long|many)|nest\w*|depth|exceed\w*|many states|unsupported"
    r"|not supported by|features? not|conversion|invalid|failed)\b",
    r"\b(complex|too (big|large|deep|many))\b.{0,40}\bschema\b|\btoo many (states"
    r"|properties|levels|enum|parameters)\b|\badditionalproperties\b|\b(min|max)(items"
    r"|length)\b|[`'\"](min|max)imum[`'\"]|\banyof\b|\boneof\b|\$ref\b|\$defs\b"
    r"|\b(unsupported|unpermitted|unknown|unrecogni[sz]ed|not (permitted"
    r"|supported))\b.{0,30}\bkeywords?\b|\bkeywords?\b.{0,40}\b(unsupported|not (permitted"
    r"|supported))\b",
    r"\bgrammar\b|\bgbnf\b|\bxgrammar\b|\boutlines\b|\bguidance\b|\bresponse_schema\b"
    r"|\bjson_schema\W{1,3}(strict|schema|name)\b|\bguided_json\b|模式.{0,6}(复杂|过大)",
)
_STREAM_WITH_SHAPE: Final = _any(
    r"\b(response_?format|json( mode| schema)?|structured outputs?)\b.{0,30}\b(not"
    r"|n.t)\b.{0,30}\bstream"
)
_SAID_NO: Final = _any(
    r"\b(not|un(known|supported|recogni[sz]ed|expected)|invalid|disabled)\b|n.t\b|不支持"
)
_MENTIONS: Final = _any(
    r"(?P<stream_options>\b(stream_options|include_usage)\b)"
    r"|(?P<response_format>\b(response_?format|json[ _]?(schema|object|mode)"
    r"|structured[ _]outputs?|output[ _]format"
    r"|handle the requested parameters)\b|结构化输出|json ?(模式|格式))"
    r"|(?P<stream>\bstream(s|ed|ing)?\b|流式)"
)
_BOUNDS: Final = (
    re.compile(r"\[\s*\d+\s*,\s*(\d{1,7})\s*\]"),
    re.compile(r">\s*(\d{1,7})"),
    re.compile(r"\bbetween \d+ (?:and|to) (\d{1,7})", re.IGNORECASE),
    re.compile(
        r"(?:at most|less than or equal to|no more than|up to|not exceed|limited to|<="
        r"|\u2264|不能?超过|不得超过|不大于|小于等于|上限[为是]?"
        r"|最大值?[为是]?)\D{0,12}(\d{1,7})",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:maximum|max|limit)(?: value| allowed| supported| number| output| completion"
        r"| tokens?)*"
        r"(?: for [`'\"\w-]+)?(?: is| of|:| =)?(?: only)? ?[`'\"]?(\d{1,7})",
        re.IGNORECASE,
    ),
)
_WINDOW: Final = re.compile(r"maximum (?:context|model) length (?:is|of) (\d+)", re.IGNORECASE)
_READ: Final = re.compile(
    r"(\d+) (?:input tokens|(?:tokens )?(?:in|from) the (?:messages|input|prompt))|(?:has"
    r"|have) (\d+) (?:input|prompt)",
    re.IGNORECASE,
)
_SPARE: Final = 16
_LEAST_LIMIT: Final = 64


def refused(told: Told, request: dict[str, Any]) -> Feature | None:
    """Return what of a request an error refuses, or wants, if the request can be made so."""
    if told.status not in REFUSING | _FAILING or told.page:
        return None
    text = f"{told.param} {told.message} {told.code}"
    feature = _particular(told, text, request)
    if feature is not None:
        return feature
    mentioned = _mentioned(told, request)
    if told.status in _FAILING:  # an internal error may mention a stream only because it broke off
        said_no = _SAID_NO.search(text) is not None
        sure = mentioned in {Feature.RESPONSE_FORMAT, Feature.STREAM_OPTIONS} and said_no
        return mentioned if sure else None
    return mentioned


def bound_in(told: Told, *, asked: int) -> int | None:
    """Return how many tokens of an answer a refusal allows, when it tells and they are fewer."""
    window, read = _WINDOW.search(told.message), _READ.search(told.message)
    if window and read:
        room = int(window[1]) - int(read[1] or read[2]) - _SPARE
        return room if _LEAST_LIMIT <= room < asked else None
    for bound in _BOUNDS:
        for found in bound.finditer(told.message):
            if _LEAST_LIMIT <= int(found[1]) < asked:
                return int(found[1])
    return None


def limit_in(request: dict[str, Any]) -> tuple[str, int] | None:
    """Return what a request calls its answer's limit, and the limit."""
    for name in ("max_tokens", "max_completion_tokens"):
        if name in request:
            return name, request[name]
    return None


def _particular(told: Told, text: str, request: dict[str, Any]) -> Feature | None:
    streamed, shaped = bool(request.get("stream")), "response_format" in request
    by_schema = (request.get("response_format") or {}).get("type") == "json_schema"
    if "enable_thinking" in request and _THINKING_PARAM.search(text):
        return Feature.THINKING
    if not streamed and _STREAM_ONLY.search(text):
        return Feature.STREAM_ONLY
    if shaped and _THINKING.search(text):
        return Feature.THINKING
    if request["messages"][0]["role"] == "system" and (
        _SYSTEM.search(text) or _SYSTEM_PARAM.search(f"{told.param} {told.message}")
    ):
        return Feature.SYSTEM
    if (limit := _of_limit(text, request)) is not None:
        return limit
    if by_schema and _SCHEMA.search(text):
        return Feature.SCHEMA
    if streamed and shaped and _STREAM_WITH_SHAPE.search(text):
        return Feature.STREAM
    return None


def _of_limit(text: str, request: dict[str, Any]) -> Feature | None:
    limit = limit_in(request)
    if limit is None:
        return None
    if limit[0] in text and _LIMIT_NAME.search(text):
        return Feature.LIMIT_NAME
    return Feature.LIMIT_VALUE if _LIMIT_VALUE.search(text) else None


def _mentioned(told: Told, request: dict[str, Any]) -> Feature | None:
    """Return what is named first, of what was asked for.

    "Streaming is not supported with response_format" is about the stream, "response_format is
    none of: model, stream" is not.
    """
    for text in (told.param, told.message):
        for found in _MENTIONS.finditer(text):
            feature = Feature(str(found.lastgroup))
            if feature.value in request:
                return feature
    return None
