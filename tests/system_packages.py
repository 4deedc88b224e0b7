"""Debian packages that only some tests need: found, installed where that is allowed, or skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

import pytest

INSTALL_S = 300


def need_program(program: str, *, package: str | None = None) -> str:
    """Return the path of a program, installing its Debian package as root.

    Where that does not work the test is skipped, loudly; with `CI` set it fails instead, so that
    CI cannot pass without having run it.

    Args:
        program: Its name on the PATH, such as `chromium`.
        package: The Debian package that has it; the program's name when not given.
    """
    path = find_program(program, package=package)
    if path is None:
        reason = f"{program} is not here; install it with: apt install {package or program}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def find_program(program: str, *, package: str | None = None) -> str | None:
    """Return the path of a program, installing its Debian package as root; None without it."""
    return shutil.which(program) or _installed(program, package or program)


@cache
def _installed(program: str, package: str) -> str | None:
    """Install a package once per run; None when that cannot be done."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
    ):
        try:
            subprocess.run(
                command, timeout=INSTALL_S, check=False, env=environment, capture_output=True
            )
        except subprocess.TimeoutExpired:
            return None
    return shutil.which(program)
