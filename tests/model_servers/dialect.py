"""What is particular to one kind of model server: what it refuses, how it streams, how it fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Refuse = Callable[[dict[str, Any]], "Refusal | None"]


@dataclass(frozen=True)
class Refusal:
    """What a server answers instead of a completion. `body` is JSON, or text as it is."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """One way in which a server fails.

    Attributes:
        name: What it is called in tests.
        refusal: What it answers.
        code: What a content ends with; empty when the call is answered after all.
        again: Whether it is tried again first.
    """

    name: str
    refusal: Refusal
    code: str
    again: bool = False


def fails(name: str, code: str, status: int, body: Any, **headers: str) -> Failure:
    """Return a failure that is final at the first request."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Failure(name, Refusal(status, body, named), code)


def passes(name: str, code: str, status: int, body: Any, **headers: str) -> Failure:
    """Return a failure that is tried again."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Failure(name, Refusal(status, body, named), code, again=True)


@dataclass(frozen=True)
class Dialect:
    """One kind of server.

    Attributes:
        name: Also of the file.
        source: Where its facts are from, as the table in docs/LANGUAGE_MODELS.md names it.
        preset: The preset that its users would choose, if there is one.
        path: Where its chat completions are, under which the base URL ends.
        query: What the base URL carries.
        header: Which header carries the key; empty where none is wanted.
        refuse: Says what it refuses of a request.
        habits: Words of what doctor tells of it, after it went round them.
        crlf: Whether lines of a stream end in two characters.
        comments: Whether a stream has comments in it.
        opening: A first chunk without choices.
        done: Whether a stream ends with `[DONE]`.
        alone: Whether the tokens come in a chunk without choices.
        cut_at: Tokens at which answers are cut off unless a limit is asked for.
        failures: How it fails.
    """

    name: str
    source: str
    preset: str | None = None
    path: str = "/v1"
    query: str = ""
    header: str = "authorization"
    refuse: Refuse = lambda _request: None
    habits: tuple[str, ...] = ()
    crlf: bool = False
    comments: bool = False
    opening: dict[str, Any] | None = None
    done: bool = True
    alone: bool = True
    cut_at: int | None = None
    failures: tuple[Failure, ...] = ()


def shape_of(request: dict[str, Any]) -> str:
    """Return the type of a request's `response_format`; empty without one."""
    return str((request.get("response_format") or {}).get("type", ""))


def system_of(request: dict[str, Any]) -> bool:
    """Tell whether there is a system message."""
    return any(message["role"] == "system" for message in request["messages"])


def error(message: str, code: Any = None, **more: Any) -> dict[str, Any]:
    """Return OpenAI's envelope of an error."""
    return {"error": {"message": message, "code": code, **more}}
