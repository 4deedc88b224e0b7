"""The user's own editor."""

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
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or _first_usual())
    with tempfile.TemporaryDirectory(prefix="roadmap-") as folder:
        path = Path(folder) / "roadmap.txt"
        path.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*command, str(path)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise usage(f"The editor {command[0]} failed: {error}. Set EDITOR.") from None
        changed = path.read_text(encoding="utf-8")
    return changed if changed != text else None


def _first_usual() -> str:
    for name in _USUAL:
        if shutil.which(name):
            return name
    raise usage("There is no editor; set EDITOR to yours.")
