"""Lets people change a text in their own editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from cli.exits import usage

_USUAL: Final = ("nano", "vim", "vi")


def edit_text(text: str) -> str | None:
    """Open a text in the editor and return it as it was saved; None when it was not changed.

    Raises:
        CommandError: There is no editor, or it failed.
    """
    command = _command()
    with tempfile.TemporaryDirectory(prefix="roadmap-") as folder:
        path = Path(folder) / "roadmap.txt"
        path.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*command, str(path)], check=True)
        except OSError as error:
            said = f"The editor {command[0]} cannot be started: {error.strerror}."
            raise usage(f"{said} Set EDITOR to yours.") from None
        except subprocess.CalledProcessError as error:
            said = f"The editor {command[0]} ended with exit code {error.returncode}"
            raise usage(f"{said}; nothing was changed.") from None
        try:
            changed = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise usage(f"What {command[0]} has saved is not UTF-8 text.") from None
    return changed if changed != text else None


def _command() -> list[str]:
    given = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _first_usual()
    try:
        words = shlex.split(given)
    except ValueError:
        words = []
    if not words:
        raise usage(f"EDITOR is no command: {given}. Set it to your editor.")
    return words


def _first_usual() -> str:
    for name in _USUAL:
        if shutil.which(name):
            return name
    raise usage("There is no editor; set EDITOR to yours.")
