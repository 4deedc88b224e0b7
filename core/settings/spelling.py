"""A setting as text: what a child process is given, so that it reads the same value."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from pydantic import BaseModel, SecretStr


def as_text(value: Any) -> str:
    """Return how a value is spelled in the environment; reading it gives an equal value."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Enum():
            return str(value.value)
        case tuple():
            return ",".join(as_text(each) for each in value)
        case dict() | list() | BaseModel():
            return json.dumps(_plain(value), ensure_ascii=False)
        case bool():
            return str(value).lower()
        case float() | int() | str():
            return str(value)
        case _:
            raise TypeError(f"no spelling for a {type(value).__name__}")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
