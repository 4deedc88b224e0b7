"""What the Dockerfile puts into the image, as a folder of this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.integration.compose_services import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_COPY = re.compile(r"^COPY (?!--from)(.+) (\S+)$", re.MULTILINE)
_NOT_OURS = shutil.ignore_patterns("__pycache__")


def copy_context(folder: Path) -> set[Path]:
    """Copy what the Dockerfile copies, and nothing else; return the files of packages."""
    for sources, target in _COPY.findall((ROOT / "Dockerfile").read_text()):
        for name in sources.split():
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / target, ignore=_NOT_OURS)
            else:
                shutil.copy(source, folder / target)
    sources = [*folder.glob("*/**/*")]
    client = folder / "clients/python/src"
    return {
        path.relative_to(client if path.is_relative_to(client) else folder)
        for path in sources
        if path.is_file() and not path.is_relative_to(folder / "deploy")
    }


def install(context: Path, target: Path) -> None:
    """Install the copied files as the Dockerfile does: built, without anything else of ours."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            # nothing is fetched: the set-up has what builds it
            *("--no-build-isolation", "--target", str(target), "."),
        ],
        cwd=context,
        check=True,
        capture_output=True,
    )
