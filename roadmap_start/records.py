"""What pip wrote down about installed files: which are ours, and which somebody else has replaced.

Two distributions with a package of the same name are installed over each other without a word, and
uninstalling one deletes files of the other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from roadmap_start.intruder import Intruder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RECORD = "RECORD"


def changed_file(root: str, names: Sequence[str]) -> Intruder | None:
    """Return the first of our installed files that is gone or is another distribution's now.

    Sizes are compared, not digests: this runs at each start. A file that differs and that nobody
    else claims was mended by hand, which is its owner's business.

    Args:
        root: The folder that we are installed in; one without our record holds sources.
        names: Our top-level names.
    """
    ours = [info for info in _infos(root) if info.startswith("roadmap_worker-")]
    if len(ours) != 1:
        return None
    for path, size in _files(os.path.join(root, ours[0])):
        name = path.partition("/")[0].removesuffix(".py")
        if size is None or name not in names:
            continue
        file = os.path.join(root, path)
        try:
            same = os.stat(file).st_size == size
        except OSError:
            return Intruder(name=name, ours=file, file=None)
        if not same and owner_of(file) is not None:
            return Intruder(name=name, ours=file, file=file)
    return None


def owner_of(file: str) -> str | None:
    """Return the distribution, other than ours, that says it has installed a file."""
    folder = os.path.dirname(file)
    while folder != os.path.dirname(folder):
        path = os.path.relpath(file, folder).replace(os.sep, "/")
        for info in _infos(folder):
            if info.startswith("roadmap_worker-"):
                continue
            if any(path == theirs for theirs, _ in _files(os.path.join(folder, info))):
                return info.removesuffix(".dist-info").replace("-", " ")
        folder = os.path.dirname(folder)
    return None


def _infos(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(".dist-info")]
    except OSError:
        return []


def _files(info: str) -> Iterator[tuple[str, int | None]]:
    """Yield the files that a distribution has installed, and their sizes where they are known."""
    try:
        with open(os.path.join(info, _RECORD), encoding="utf-8") as record:
            lines = record.read().splitlines()
    except OSError:
        return
    for line in lines:
        path, _, size = line.rpartition(",")
        path = path.rpartition(",")[0].strip('"')
        yield path, int(size) if size.isdigit() else None  # compiled files have none
