"""The `roadmap` command: looks whose packages it is about to import, then imports them."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

from roadmap_start.garbage import collect_seldom
from roadmap_start.own import check

_INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as of any command (`cli.exits`, which is not imported yet)."""


def main() -> None:
    """Run the command line. Ctrl-C while it is still being loaded ends it with one word, too."""
    try:
        collect_seldom()
        check()
        import_module("cli.main").main()
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted\n")
        sys.exit(_INTERRUPTED)
