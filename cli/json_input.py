"""JSON that a command is given: on the command line, in a file, or on stdin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cli.exits import usage
from core.text_files import UnreadableTextError, bad_line, decoded


class UnsendableError(ValueError):
    """What was read cannot be sent; the message goes on from what holds it."""


def read_input(given: str, *, what: str) -> Any:
    """Return what an option holds: JSON itself, `@FILE` with JSON, or `-` for stdin.

    Args:
        given: The option's text.
        what: What it is to hold, for messages: `the request`.

    Raises:
        CommandError: It is no JSON, or the file cannot be read.
    """
    if given == "-":
        return _decoded(sys.stdin.buffer.read(), where="Stdin", what=what)
    if given.startswith("@"):
        return read_json(Path(given[1:]), what=what)
    return _parsed(given, where="The option", what=what, hint=" Give a file as @FILE.")


def read_json(path: Path, *, what: str) -> Any:
    """Return what a file holds.

    Args:
        path: The file.
        what: What it is to hold, for messages: `the edits`.

    Raises:
        CommandError: There is none, it may not be read, or it holds no JSON.
    """
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        raise usage(f"There is no file {path} with {what}.") from None
    except IsADirectoryError:
        raise usage(f"{path} is a folder; name the file with {what}.") from None
    except OSError as error:
        raise usage(f"{path} with {what} cannot be read: {error.strerror}.") from None
    return _decoded(stored, where=str(path), what=what)


def parsed(text: str) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: It is no JSON.
        UnsendableError: It holds what Python reads as JSON and nobody may send as such.
    """
    value = json.loads(text)
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise UnsendableError("it holds half a character, which is not Unicode") from None
    except ValueError:
        raise UnsendableError("it holds a number that JSON does not have, as NaN") from None
    return value


def _decoded(given: bytes, *, where: str, what: str) -> Any:
    try:
        text = decoded(given)
    except UnreadableTextError:
        line = None
    else:
        line = bad_line(text)
        if line is None:
            return _parsed(text, where=where, what=what)
    at = "" if line is None else f" in line {line}"
    raise usage(f"{where} is not UTF-8 text{at}; save {what} as UTF-8.")


def _parsed(text: str, *, where: str, what: str, hint: str = "") -> Any:
    if not text.strip():
        raise usage(f"{where} is empty; it must hold {what} as JSON.")
    try:
        return parsed(text)
    except json.JSONDecodeError as error:
        raise usage(
            f"{where} does not hold {what} as JSON: look at line {error.lineno}, column"
            f" {error.colno}{_found(text, error.pos)}.{hint}"
        ) from None
    except UnsendableError as error:
        raise usage(f"{where} does not hold {what}: {error}.") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets in brackets
        raise usage(f"{where} does not hold {what}: it is no JSON that can be read.") from None


def _found(text: str, at: int) -> str:
    rest = text[at:].lstrip()
    if not rest:
        return ", where it ends too early"
    return f", where it says {rest[0]}" if rest[0].isprintable() else ""
