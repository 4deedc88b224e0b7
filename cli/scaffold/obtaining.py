"""How a new package gets roadmap-worker: from where the running one is.

From a clone it is installed from the clone's folder. An installed one is put into a wheel again,
file by file as its record lists them, which the new package keeps: so it needs no index for it, nor
the file that it was once installed from.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
import zipfile
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Final

from cli.exits import CommandError, ExitCode

NAME: Final = "roadmap-worker"
_EXTRA: Final = "embedded"
_DISCARDED: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
_PINNED: Final = re.compile(r"[A-Za-z0-9.!]+")
"""A version without a local part, which no index has."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where roadmap-worker comes from.

    Attributes:
        requirement: What pip is told.
        words: The rest of a sentence that begins with its name.
        wheel: The file that the new package keeps, and its name; None for a clone.
    """

    requirement: str
    words: str
    wheel: tuple[str, Distribution] | None = None

    def keep(self, folder: Path) -> Path | None:
        """Write what the new package keeps."""
        if self.wheel is None:
            return None
        name, installed = self.wheel
        folder.mkdir(parents=True, exist_ok=True)
        return _packed(installed, folder / name)


def origin() -> Origin:
    """Return where the running roadmap-worker is to be had.

    Raises:
        CommandError: It is neither installed nor in a clone.
    """
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").is_file():
        return Origin(
            requirement=f"--editable {_for_make(f'{root}[{_EXTRA}]')}",
            words=f"is installed from its clone in `{root}`.",
        )
    try:
        installed = distribution(NAME)
    except PackageNotFoundError:
        raise CommandError(
            f"{NAME} runs from {root}, which is neither a clone nor an installed package; install"
            " it, then try again.",
            ExitCode.FAILED,
        ) from None
    name = f"roadmap_worker-{installed.version}-py3-none-any.whl"
    return Origin(
        requirement=_for_make(f"./wheels/{name}[{_EXTRA}]"),
        words=f"{installed.version} is installed from `wheels/`.",
        wheel=(name, installed),
    )


def _for_make(word: str) -> str:
    """Return a word as a shell gets it from a Makefile."""
    return shlex.quote(word).replace("$", "$$").replace("#", "\\#")


def _packed(installed: Distribution, target: Path) -> Path:
    """Put an installed distribution into a wheel."""
    info = f"roadmap_worker-{installed.version}.dist-info"
    data = f"roadmap_worker-{installed.version}.data/data"
    lines = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in sorted(installed.files or (), key=str):
            place = _place(PurePosixPath(str(file)), data)
            found = Path(str(installed.locate_file(file)))
            if place is None or not found.is_file():
                continue
            content = found.read_bytes()
            wheel.writestr(zipfile.ZipInfo(place), content)
            told = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{place},sha256={told},{len(content)}")
        lines.append(f"{info}/RECORD,,")
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "\n".join(lines) + "\n")
    return target


def _place(file: PurePosixPath, data: str) -> str | None:
    """Return where a file stands in the wheel; None for what the installation made."""
    if file.parts[0] != "..":
        made = "__pycache__" in file.parts or (
            file.parts[0].endswith(".dist-info") and file.name in _DISCARDED
        )
        return None if made else str(file)
    rest = [part for part in file.parts if part != ".."]
    # scripts are made anew from the entry points
    return None if rest[0] in {"bin", "Scripts"} else str(PurePosixPath(data, *rest))


def constraints() -> str:
    """Return the versions of all that roadmap-worker needs, as they are here, one a line."""
    found: dict[str, str] = {}
    wanted = [(NAME, frozenset({_EXTRA, ""}))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        name, extras = wanted.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            each = distribution(name)
        except PackageNotFoundError:
            continue  # for another system, or another extra
        if name != NAME and _PINNED.fullmatch(each.version):
            found[name] = each.version
        wanted += _needed(each, extras)
    return "".join(f"{name}=={version}\n" for name, version in sorted(found.items()))


def _needed(each: Distribution, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    needed = []
    for text in each.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
            name = canonicalize_name(requirement.name)
            needed.append((str(name), frozenset({*requirement.extras, ""})))
    return needed
