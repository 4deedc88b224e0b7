"""Importing this is the check: for packages that must import nothing of ours before it."""

from roadmap_start.own import check

check()
