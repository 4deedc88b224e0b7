"""JSON that a command is given: on the command line, in a file, or on stdin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cli.exits import usage
from cli.json_file import read_json


def read_input(given: str, *, what: str) -> Any:
    """Return what an option holds: JSON itself, `@FILE` with JSON, or `-` for stdin.

    Args:
        given: The option's text.
        what: What it is to hold, for messages: `the request`.

    Raises:
        CommandError: It is no JSON, or the file cannot be read.
    """
    if given == "-":
        return _parsed(sys.stdin.read(), where="stdin", what=what)
    if given.startswith("@"):
        return read_json(Path(given[1:]), what=what)
    return _parsed(given, where="the option", what=what)


def _parsed(text: str, *, where: str, what: str) -> Any:
    if not text.strip():
        raise usage(f"{where.capitalize()} is empty; give {what} as JSON.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        hint = " Give a file as @FILE." if where == "the option" else ""
        raise usage(
            f"{where.capitalize()} does not hold {what} as JSON: look at line {error.lineno},"
            f" column {error.colno}.{hint}"
        ) from None
    except (ValueError, RecursionError):
        raise usage(f"{where.capitalize()} does not hold {what}: no JSON can be read.") from None
