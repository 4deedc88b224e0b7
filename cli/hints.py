"""Commands to copy: complete, quoted, and called as our program is called from here.

A message names a command in backticks, as in "`roadmap up`". Before it is shown the command gets
what it needs to work where it is pasted: the path of the program where no shell finds it by its
name, and the data-dir that the running command was given.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from typer._click.globals import get_current_context  # typer carries Click inside itself

from cli.data_dir import DEFAULT

_NAMED: Final = re.compile(r"`roadmap (?P<rest>[a-z][^`\n]*)`")
_WITHOUT: Final = frozenset({"completion", "new", "workflows"})
"""Commands that need no stack."""


def program() -> str:
    """Return how our command is called from here: by its name only where a shell finds it."""
    beside = Path(sys.executable).with_name("roadmap")
    if shutil.which("roadmap") or not beside.exists():
        return "roadmap"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))


def command(*words: str) -> str:
    """Return a command line about the same stack as the running command."""
    return f"{program()} {shlex.join(words)}{_where(words[0])}"


def complete(message: str) -> str:
    """Return a message in which each command in backticks works when it is pasted."""
    if "`roadmap " not in message:
        return message
    return _NAMED.sub(lambda found: f"`{_completed(found['rest'])}`", message)


def _completed(rest: str) -> str:
    where = "" if "--data-dir" in rest else _where(rest.split(" ", 1)[0])
    return f"{program()} {rest}{where}"


def _where(name: str) -> str:
    context = get_current_context(silent=True)
    data_dir = context.params.get("data_dir") if context is not None else None
    if data_dir is None or data_dir == DEFAULT or name in _WITHOUT:
        return ""
    return f" --data-dir {shlex.quote(str(data_dir))}"
