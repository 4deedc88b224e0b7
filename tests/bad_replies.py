"""Bad replies without end: each number is one, always the same, with the class it belongs to."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True, slots=True)
class BadReply:
    """What is sent, and the code that a call ends with when it is sent to all its requests.

    `cut` closes the connection in the middle of the body. With `choice` it is a completion, sent
    as a stream to who wants one.
    """

    code: str
    status: int = 200
    body: bytes = b""
    choice: dict[str, Any] | None = None
    cut: bool = False


def bad_reply(number: int, good: str) -> BadReply:
    """Return a bad reply made from a good answer."""
    dice = random.Random(number)
    return dice.choice(_MAKERS)(dice, good)


def _completion(content: str | None, *, finish: str = "stop", refusal: str | None = None) -> Any:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {"index": 0, "finish_reason": finish, "message": message}


def _text(dice: random.Random, most: int) -> str:
    alphabet = 'abc \n\t"\\{}[]:,\x00\x1b<>\u00e4\u4e2d\U0001f600\ud800\udfff\u202e'
    return "".join(dice.choice(alphabet) for _ in range(dice.randrange(most)))


def _beginning(dice: random.Random, good: str) -> BadReply:
    content = good[: dice.randrange(len(good) - 1)]  # without its last brace it would do
    return BadReply(code="content_invalid", choice=_completion(content))


def _no_json(dice: random.Random, _good: str) -> BadReply:
    return BadReply(code="content_invalid", choice=_completion("no: " + _text(dice, 300)))


def _misfit(dice: random.Random, good: str) -> BadReply:
    value = json.loads(good)
    field = dice.choice(sorted(value))
    wrongs: list[Any] = [None, 1, True, {}, {"a": []}, [[]], [1], -1e308]
    if dice.random() < 0.3:
        del value[field]
    else:
        value[field] = dice.choice(wrongs)
    return BadReply(code="content_invalid", choice=_completion(json.dumps(value)))


def _bomb(dice: random.Random, _good: str) -> BadReply:
    depth = dice.randrange(200, 20_000)
    content = dice.choice(
        [
            '{"a":' * depth + "1" + "}" * depth,
            "[" * depth,
            '{"markdown": ' + "9" * depth + "}",
            '"' * depth,
            " " * depth,
        ]
    )
    return BadReply(code="content_invalid", choice=_completion(content))


def _thought(_dice: random.Random, good: str) -> BadReply:
    content = f"<think>Perhaps {good}</think>"
    return BadReply(code="content_invalid", choice=_completion(content))


def _truncated(dice: random.Random, good: str) -> BadReply:
    content = good[: dice.randrange(len(good))]
    return BadReply(code="content_truncated", choice=_completion(content, finish="length"))


def _refused(dice: random.Random, _good: str) -> BadReply:
    refusal = "I will not: " + _text(dice, 900)
    return BadReply(code="content_refused", choice=_completion(None, refusal=refusal))


def _filtered(dice: random.Random, good: str) -> BadReply:
    content = dice.choice([None, "", good])
    return BadReply(code="content_refused", choice=_completion(content, finish="content_filter"))


def _no_completion(dice: random.Random, _good: str) -> BadReply:
    body = dice.choice(
        [
            dice.randbytes(dice.randrange(1, 400)),
            json.dumps(
                {"choices": dice.choice([None, [], {}, [1], "x", [{"message": 3}]])}
            ).encode(),
            b"[" * dice.randrange(1, 5000),
            b"",
            b"data: [DONE]\n\n",
            b"data: {broken\n\n" * 5,
            b"<html>502</html>",
            b'{"error": {"message": "overloaded"}}',
            b"null",
        ]
    )
    return BadReply(code="provider_unavailable", body=body)


def _cut(_dice: random.Random, _good: str) -> BadReply:
    return BadReply(code="provider_unavailable", body=b'{"choices": [{"message"', cut=True)


def _status(dice: random.Random, _good: str) -> BadReply:
    status, code = dice.choice(
        [
            *((status, "provider_unavailable") for status in (408, 409, 425, 500, 502, 503, 529)),
            *((status, "provider_unauthorized") for status in (401, 403)),
            *((status, "provider_address_wrong") for status in (404, 405, 302)),
            *((status, "provider_rejected") for status in (400, 418, 422)),
            (413, "context_too_long"),
            (429, "provider_rate_limited"),
            (402, "provider_quota_exhausted"),
        ]
    )
    told: list[Any] = [None, 3, [], "x", {}, {"message": _text(dice, 900)}, {"message": [1]}]
    body = dice.choice(
        [
            json.dumps({"error": dice.choice(told)}).encode(),
            json.dumps({"message": _text(dice, 90), "code": 1}).encode(),
            dice.randbytes(200),
            b"",
        ]
    )
    return BadReply(code=code, status=status, body=body)


_MAKERS: list[Callable[[random.Random, str], BadReply]] = [
    *(_beginning, _no_json, _misfit, _bomb, _thought, _truncated, _refused, _filtered),
    *(_no_completion, _cut, _status, _status),
]
