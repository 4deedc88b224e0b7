"""The two ways out: results on stdout, notes for people on stderr. Any terminal, any locale."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from rich.console import Console


def prepare() -> None:
    """Let any text pass through any locale: what it cannot show becomes `?`, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.argv[1:] = [os.fsencode(word).decode("utf-8", "replace") for word in sys.argv[1:]]


def speaks_unicode() -> bool:
    """Tell whether stdout can show more than its locale's few letters."""
    return (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")


def make_console(**options: Any) -> Console:
    """Return a console for stdout; a reader that left ends the command like any other output."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError

    return Output(**options)


def emit_json(document: Any) -> None:
    """Write one JSON document as one line on stdout, at once."""
    sys.stdout.write(json.dumps(document, ensure_ascii=not speaks_unicode()) + "\n")
    sys.stdout.flush()


def emit(text: str) -> None:
    """Write a line on stdout, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Write a line for people on stderr."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        return  # the terminal is gone; nobody is left to tell


def program() -> str:
    """Return how our command is called from here: by its name only where a shell finds it."""
    beside = Path(sys.executable).with_name("roadmap")
    if shutil.which("roadmap") or not beside.exists():
        return "roadmap"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))


def nobody_reads() -> None:
    """Throw away what is still to be written: whoever read our output has had enough."""
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, sys.stdout.fileno())
    os.close(void)
