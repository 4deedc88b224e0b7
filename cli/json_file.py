"""A file with JSON that a user has written: what is in it, or in a sentence what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cli.exits import usage

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path, *, what: str) -> Any:
    """Return what a file holds.

    Args:
        path: The file.
        what: What it is to hold, for messages: `the edits`.

    Raises:
        CommandError: There is none, it may not be read, or it holds no JSON.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise usage(f"There is no file {path} with {what}.") from None
    except IsADirectoryError:
        raise usage(f"{path} is a folder; name the file with {what}.") from None
    except OSError as error:
        raise usage(f"{path} with {what} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise usage(f"{path} is not UTF-8 text; save {what} as UTF-8.") from None
    if not text.strip():
        raise usage(f"{path} is empty; it must hold {what} as JSON.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise usage(
            f"{path} does not hold {what} as JSON: look at line {error.lineno}, column"
            f" {error.colno}{_found(text, error.pos)}."
        ) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets in brackets
        raise usage(f"{path} does not hold {what}: it is no JSON that can be read.") from None


def _found(text: str, at: int) -> str:
    rest = text[at:].lstrip()
    if not rest:
        return ", where it ends too early"
    return f", where it says {rest[0]}" if rest[0].isprintable() else ""
