"""The `roadmap` command: looks whose packages it is about to import, then imports them."""

from __future__ import annotations

from importlib import import_module

from roadmap_start.garbage import collect_seldom
from roadmap_start.own import check


def main() -> None:
    """Run the command line."""
    collect_seldom()
    check()
    import_module("cli.main").main()
