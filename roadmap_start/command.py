"""The `roadmap` command: looks whose packages it is about to import, then imports them."""

from __future__ import annotations

import os
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
        _open_what_is_closed()
        collect_seldom()
        check()
        import_module("cli.main").main()
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted\n")
        sys.exit(_INTERRUPTED)


def _open_what_is_closed() -> None:
    """Stand in for standard streams that the caller has closed, as `>&-` does.

    Else whatever is opened next would get their numbers, and be written to or read by chance.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
            os.set_inheritable(opened, True)
            setattr(sys, name, os.fdopen(opened, "w" if number else "r", encoding="utf-8"))
