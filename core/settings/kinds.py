"""Kinds of values that several settings are, and which kind a setting is of."""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from core.addresses.http import http_address
from core.hosts import is_host, without_brackets

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
A_DAY_S: Final = 86_400
Seconds = Annotated[float, Field(gt=0, le=A_DAY_S, allow_inf_nan=False)]
"""Of waiting for something; sockets and PostgreSQL take 24 days at most, as milliseconds."""
MOST_SECONDS: Final = 1_000_000_000
"""Of work, which may take years; as `timeout_s` of an own workflow's steps."""
LongSeconds = Annotated[float, Field(gt=0, le=MOST_SECONDS, allow_inf_nan=False)]
MOST_HOURS: Final = 876_000
"""A hundred years: later times cannot be stored, or are never meant."""
Count = Annotated[int, Field(ge=1, le=1_000_000)]
"""Of things that there are, or are done, at the same time; of ten times as many none could be."""
Limit = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""On a number; 0 is none. PostgreSQL's `integer` holds it."""
TokenLimit = Annotated[int, Field(ge=0, le=1_000_000_000_000_000)]
"""The same for tokens, which are stored as `bigint` and counted by Redis in doubles."""
ROOT_PATH: Final = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,99}){1,10}")
"""A sub-path: names after slashes, nothing that a browser or HTML would take for something else."""


HttpAddress = Annotated[str, AfterValidator(http_address)]


def _linked(value: str) -> str:
    path = re.fullmatch(r"/(?!/)[^\s\\]*", value)
    return value if path else http_address(value)


LinkAddress = Annotated[str, AfterValidator(_linked)]
"""An address, or a path beside our own pages, behind the same proxy."""


def _listens_on(host: str) -> str:
    if host and not is_host(host):
        raise ValueError(f"{host!r} is no name or address to listen on, as in 127.0.0.1 or 0.0.0.0")
    return without_brackets(host)


ListenHost = Annotated[str, AfterValidator(_listens_on)]


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


def kind_of(annotation: Any) -> Any:
    """Return the kind of a setting, whether or not it may be absent and whatever its bounds."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def metadata_of(field: FieldInfo) -> list[Any]:
    """Return what a setting is bound by, what stands inside `… | None` included."""
    found = list(field.metadata)
    for each in (field.annotation, *get_args(field.annotation)):
        for outer in getattr(each, "__metadata__", ()):
            found += getattr(outer, "metadata", [outer])
    return found
