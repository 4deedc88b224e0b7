"""`.env`: our settings among other programs' lines, as Compose and shells write them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Final

from dotenv.parser import parse_stream

from core.errors import SettingsError
from core.text_files import UnreadableTextError, bad_line, read_text

_OURS: Final = re.compile(r"\s*(?:export\s+)?[\"']?([A-Za-z_][A-Za-z0-9_]*)")


def env_file_values(path: str, *, prefix: str) -> dict[str, str]:
    """Return what a file gives under our prefix, by name in upper case.

    Values are taken as they are written: quotes are taken off, a comment begins with a blank and
    `#`, and `$` has no meaning, so that no password is changed. A folder of that name is left
    alone (many keep an environment of Python there).

    Raises:
        SettingsError: The file cannot be read, or one of our lines cannot; it names the line.
    """
    file = Path(path)
    try:
        if not file.exists() or file.is_dir():
            return {}
        text = read_text(file)
    except OSError as error:
        raise SettingsError(f"{file.absolute()} cannot be read: {error.strerror}.") from None
    except UnreadableTextError as error:
        raise SettingsError(f"{file.absolute()} {error}.") from None
    found: dict[str, str] = {}
    for line in parse_stream(io.StringIO(text)):
        written, number = line.original.string, line.original.line
        number += len(written) - len(written.lstrip("\n"))
        name = (line.key or _name_in(written)).upper()
        if not name.startswith(prefix):
            continue
        if line.error:
            said = f"{file.absolute()}, line {number}: {name} is not written as NAME=value"
            raise SettingsError(f"{said}; look at its quotes.")
        if bad_line(line.value or "") is not None:
            said = f"{file.absolute()}, line {number}: {name} is not UTF-8 text"
            raise SettingsError(f"{said}; save the file as UTF-8.")
        found[name] = line.value or ""
    return found


def _name_in(written: str) -> str:
    found = _OURS.match(written)
    return found.group(1) if found else ""
