"""Checks the modules of the pages: their types, by what JSDoc says, and rules (tsc, ESLint).

Both come from npm, pinned in `.ci/javascript/`, into `.cache/javascript/`. Without npm, or where it
cannot fetch them, nothing was looked at, and that is said loudly.

Exit codes: 0 nothing was found, or nobody could look; 1 something was found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SETTINGS: Final = ROOT / ".ci" / "javascript"
CACHE: Final = ROOT / ".cache" / "javascript"
MODULES: Final = ROOT / "api" / "static"
_FILES: Final = ("package.json", "package-lock.json")


def main() -> int:
    """Fetch the tools if need be, and run them."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return _nobody_looked("npm is missing (Debian: apt install npm)")
    if not _installed(npm):
        return _nobody_looked("npm could not fetch the tools")
    tools = CACHE / "node_modules"
    types = [node, str(tools / "typescript" / "bin" / "tsc"), "-p", str(SETTINGS / "tsconfig.json")]
    config = str(SETTINGS / "eslint.config.js")
    rules = [node, str(tools / "eslint" / "bin" / "eslint.js"), "--config", config, str(MODULES)]
    environment = {**os.environ, "CHECKED_WITH": str(CACHE)}
    found = [
        subprocess.run(each, check=False, env=environment).returncode for each in (types, rules)
    ]
    if not any(found):
        sys.stdout.write("scripts ok\n")
    return int(any(found))


def _installed(npm: str) -> bool:
    """Install what is pinned, unless that was done."""
    pinned = [(SETTINGS / name).read_bytes() for name in _FILES]
    here = [path.read_bytes() if (path := CACHE / name).is_file() else None for name in _FILES]
    if here == pinned and (CACHE / "node_modules" / ".package-lock.json").is_file():
        return True
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copy(SETTINGS / name, CACHE / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    return subprocess.run(command, cwd=CACHE, check=False).returncode == 0


def _nobody_looked(why: str) -> int:
    sys.stderr.write(f"THE MODULES OF THE PAGES WERE NOT LOOKED AT: {why}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
