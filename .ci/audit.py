"""Holds the pinned requirements against a list of known vulnerabilities (OSV's JSON).

The list is kept in the repository's cache, `.cache/vulnerabilities/`: files of one record each, of
a JSON array, or OSV's own archive (`all.zip` of the ecosystem PyPI). Nothing is fetched here.
Without a list nothing was looked at, and that is said loudly. What was judged and accepted stands
in `.ci/accepted_vulnerabilities.json`, by id, with a reason and a day on which it is judged anew.

Exit codes: 0 nothing known, or no list; 1 something is known; 2 the list cannot be read.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
CACHE: Final = ROOT / ".cache" / "vulnerabilities"
ACCEPTED: Final = ROOT / ".ci" / "accepted_vulnerabilities.json"
STALE: Final = timedelta(days=14)
_PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


class ListError(Exception):
    """The list is there, but cannot be read."""


def pins(folder: Path) -> dict[str, dict[str, set[str]]]:
    """Return the files that pin each version of each package: `{name: {version: {file}}}`."""
    found: dict[str, dict[str, set[str]]] = {}
    for file in sorted(folder.glob("requirements*.txt")):
        for name, version in _PIN.findall(file.read_text(encoding="utf-8")):
            versions = found.setdefault(canonicalize_name(name), {})
            versions.setdefault(version, set()).add(file.name)
    return found


def records(cache: Path) -> Iterator[dict[str, Any]]:
    """Yield every record of the list.

    Raises:
        ListError: A file holds something else.
    """
    for file in sorted(path for path in cache.rglob("*") if path.suffix in {".json", ".zip"}):
        try:
            yield from _read(file)
        except (OSError, ValueError, TypeError, RecursionError, zipfile.BadZipFile) as error:
            raise ListError(f"{file}: {error}") from error


def _read(file: Path) -> list[dict[str, Any]]:
    """Return a file's records.

    Raises:
        TypeError: It holds something else.
    """
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            documents = [json.loads(archive.read(name)) for name in names]
    else:
        documents = [json.loads(file.read_bytes())]
    found = [
        record
        for document in documents
        for record in (document if isinstance(document, list) else [document])
    ]
    for record in found:
        if not isinstance(record, dict) or not isinstance(record.get("id"), str):
            raise TypeError("it holds something that is no record")
    return found


def is_affected(version: str, affected: dict[str, Any]) -> bool:
    """Tell whether a version is one of those that a record's entry names or spans."""
    if version in affected.get("versions", ()):
        return True
    ours = Version(version)
    return any(
        _within(ours, span.get("events", ()))
        for span in affected.get("ranges", ())
        if span.get("type") == "ECOSYSTEM"
    )


def _within(ours: Version, events: Any) -> bool:
    """Walk a span's events in the order of their versions, as OSV's specification says."""
    inside = False
    for kind, at in sorted(_events(events), key=lambda event: (event[1], event[0] != "introduced")):
        if kind == "introduced" and ours >= at:
            inside = True
        elif (kind == "fixed" and ours >= at) or (kind == "last_affected" and ours > at):
            inside = False
    return inside


def _events(events: Any) -> Iterator[tuple[str, Version]]:
    for event in events:
        for kind, at in event.items():
            try:
                yield kind, Version("0" if at == "0" else at)
            except InvalidVersion:
                continue  # a version that no pin can be


def known(found: dict[str, dict[str, set[str]]], cache: Path) -> Iterator[tuple[str, str]]:
    """Yield the id of each record that is about something pinned, and a line that tells it."""
    for record in records(cache):
        if record.get("withdrawn"):
            continue
        for affected in record.get("affected", ()):
            package = affected.get("package", {})
            if package.get("ecosystem") != "PyPI":
                continue
            name = canonicalize_name(str(package.get("name", "")))
            for version, files in found.get(name, {}).items():
                if is_affected(version, affected):
                    ids = ", ".join([record["id"], *record.get("aliases", ())])
                    about = f"{ids}: {record.get('summary', 'no summary')}"
                    yield record["id"], f"{name} {version} ({', '.join(sorted(files))}): {about}"


def accepted(file: Path, *, today: str) -> dict[str, str]:
    """Return what was judged, by id with its reason; what is to be judged anew is left out."""
    if not file.exists():
        return {}
    entries = json.loads(file.read_text(encoding="utf-8"))
    return {
        name: entry["reason"]
        for name, entry in entries.items()
        if entry["reason"] and entry["until"] >= today
    }


def main(arguments: list[str] | None = None) -> int:
    """Say what is known about the pins; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--requirements", type=Path, default=ROOT, help="their folder")
    parser.add_argument("--accepted", type=Path, default=ACCEPTED)
    given = parser.parse_args(arguments)
    now = datetime.now(UTC)
    files = [*given.cache.rglob("*.json"), *given.cache.rglob("*.zip")]
    if not files:
        print(  # noqa: T201 - for people
            f"AUDIT SKIPPED: there is no list of vulnerabilities in {given.cache}, so nothing was"
            " looked at. Put OSV's records for PyPI there (SECURITY.md says how).",
            file=sys.stderr,
        )
        return 0
    age = now - datetime.fromtimestamp(max(file.stat().st_mtime for file in files), UTC)
    if age > STALE:
        print(f"AUDIT: the list is {age.days} days old; fetch a new one.", file=sys.stderr)  # noqa: T201
    found = pins(given.requirements)
    judged = accepted(given.accepted, today=now.date().isoformat())
    try:
        matches = dict(known(found, given.cache))
    except ListError as error:
        print(f"AUDIT FAILED: {error}", file=sys.stderr)  # noqa: T201
        return 2
    for name in sorted(matches.keys() & judged.keys()):
        print(f"accepted: {matches[name]} ({judged[name]})")  # noqa: T201
    left = sorted(matches[name] for name in matches.keys() - judged.keys())
    for line in left:
        print(line, file=sys.stderr)  # noqa: T201
    if not left:
        print(f"audit ok: nothing known about {len(found)} packages")  # noqa: T201
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
