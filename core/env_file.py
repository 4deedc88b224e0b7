"""`.env`: our settings among other programs' lines, as Compose and shells write them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dotenv.parser import parse_stream

from core.errors import SettingsError
from core.text_files import UnreadableTextError, bad_line, read_text

if TYPE_CHECKING:
    from dotenv.parser import Binding

_OURS: Final = re.compile(r"\s*(?:export\s+)?[\"']?([A-Za-z_][A-Za-z0-9_]*)")
_COMMENT: Final = re.compile(r"\s*(?:#|;|//|::|@?rem\b)", re.IGNORECASE)
_OF_A_WORD: Final = r"[\w.\-/\\]"


def env_file_values(path: str, *, prefix: str) -> dict[str, str]:
    """Return what a file gives under our prefix, by name in upper case.

    Values are taken as they are written: quotes are taken off, a comment begins with a blank and
    `#`, and `$` has no meaning, so that no password is changed. A folder of that name is left
    alone (many keep an environment of Python there).

    Raises:
        SettingsError: The file cannot be read, or one of our lines cannot; it names the line. So
            is one that another program would take, such as `set NAME=value` or `setx NAME value`.
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
        for offset, stray in _strays(line, prefix):
            said = (
                f"{file.absolute()}, line {number + offset}: {stray} is not written as NAME=value"
            )
            raise SettingsError(
                f"{said}; give it a line of its own with nothing before it but `export`."
            )
        if not name.startswith(prefix):
            continue
        if line.error:
            said = f"{file.absolute()}, line {number}: {name} is not written as NAME=value"
            why = "look at its quotes" if "=" in written else "it has no ="
            raise SettingsError(f"{said}; {why}.")
        if bad_line(line.value or "") is not None:
            said = f"{file.absolute()}, line {number}: {name} is not UTF-8 text"
            raise SettingsError(f"{said}; save the file as UTF-8.")
        found[name] = line.value or ""
    return found


def _name_in(written: str) -> str:
    found = _OURS.match(written)
    return found.group(1) if found else ""


def _strays(line: Binding, prefix: str) -> list[tuple[int, str]]:
    """Return the settings that are named and not given, each with its line within this one."""
    name = rf"(?<!{_OF_A_WORD})({prefix}\w+)"
    first, *others = line.original.string.lstrip("\n").split("\n")
    found = [(0, _stray_beside(line, first, prefix, name))]
    if line.error:  # a quote that is never closed takes lines along
        mine = rf"\s*(?:export\s+)?{name}\s*="
        found += [(at, re.match(mine, text, re.IGNORECASE)) for at, text in enumerate(others, 1)]
    return [(at, match.group(1).upper()) for at, match in found if match]


def _stray_beside(line: Binding, first: str, prefix: str, name: str) -> re.Match[str] | None:
    """Find a name before the `=` of another one, or behind the value of one of ours."""
    key = (line.key or "").upper()
    if key.startswith(prefix) and re.fullmatch(r"\w+", key):
        quoted = re.search(r"=\s*['\"]", first)
        return None if quoted else re.search(rf"[\s;&]{name}", line.value or "", re.IGNORECASE)
    told = line.error and _name_in(first).upper().startswith(prefix)
    if told or _COMMENT.match(first):
        return None
    return re.match(rf"[^=#]*?{name}", first, re.IGNORECASE)
