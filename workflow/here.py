"""Lets workflows be found that stand in the folder in which a program is started."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from core.environment import STARTED_IN

if TYPE_CHECKING:
    from collections.abc import Sequence


def from_here(names: Sequence[str]) -> Sequence[str]:
    """Let Python look in the working folder, too, when a named workflow is only there.

    It looks there last of all: nothing in that folder takes the place of what is installed. The
    processes of a stack, which work in a folder of their own, look where the stack was started.

    Args:
        names: `package.module:attribute` of each.

    Returns:
        The same names.
    """
    here = Path(os.environ.get(STARTED_IN) or os.curdir).absolute() if names else Path()
    for name in names:
        top = name.partition(":")[0].partition(".")[0].strip()
        there = (here / f"{top}.py").is_file() or (here / top).is_dir()
        if top.isidentifier() and there and find_spec(top) is None:
            sys.path.append(str(here))
            importlib.invalidate_caches()
            break
    return names
