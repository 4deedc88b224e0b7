"""Another project's `core`, `worker`, `api` … is never taken for ours without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from roadmap_start.own import OURS
from tests.built import Environment, borrowing_environment, foreign_wheel

HERE = Path(sys.executable).parent
ROADMAP = [str(HERE / "roadmap"), "list"]
API = [sys.executable, "-m", "api", "--help"]
CELERY = [str(HERE / "celery"), "-A", "worker", "report"]
NOT_SHADOWED = {
    "worker": [str(HERE / "roadmap"), "worker", "--help"],
    "beat": [str(HERE / "roadmap"), "beat", "--help"],
    "flower": [str(HERE / "roadmap"), "flower", "--help"],
    "api": [str(HERE / "roadmap"), "api", "--help"],
}
"""Arguments with which they end by themselves, after everything was imported."""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Somebody's project, in a folder of its own; tests put packages into it."""
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def add_package(folder: Path, name: str, *, init: bool = True) -> Path:
    """Add a package to a project; return what Python finds under its name."""
    package = folder / name
    package.mkdir()
    if not init:
        (package / "notes.txt").write_text("no code")
        return package
    (package / "__init__.py").write_text("print('the shop was imported')\n")
    return package / "__init__.py"


def run(
    command: list[str], *, cwd: Path, python_path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as a person at a prompt does."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ROADMAP_")}
    environment.pop("PYTHONPATH", None)
    if python_path is not None:
        environment["PYTHONPATH"] = str(python_path)
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def assert_named(done: subprocess.CompletedProcess[str], file: Path, advice: str) -> None:
    """It stopped with one sentence that names the file and what to do, and imported nothing."""
    assert done.returncode == 2, done.stdout + done.stderr
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("roadmap-worker stopped: ")
    assert str(file) in sentence
    assert advice in sentence
    assert "the shop was imported" not in done.stdout


@pytest.mark.parametrize("name", OURS)
def test_python_path_cannot_shadow_a_package(name: str, shop: Path, tmp_path: Path) -> None:
    """`PYTHONPATH=~/shop roadmap list` names the shop's file, whichever package it is."""
    file = add_package(shop, name)
    done = run(ROADMAP, cwd=tmp_path, python_path=shop)
    assert_named(done, file, f"take {shop} out of PYTHONPATH")


def test_folders_without_code_are_named_too(shop: Path, tmp_path: Path) -> None:
    """A folder without `__init__.py` shadows an editable install, and is named."""
    folder = add_package(shop, "core", init=False)
    assert_named(run(ROADMAP, cwd=tmp_path, python_path=shop), folder, "out of PYTHONPATH")


def test_modules_are_named_too(shop: Path, tmp_path: Path) -> None:
    """A file `core.py` shadows as well as a package does."""
    (shop / "core.py").write_text("")
    assert_named(run(ROADMAP, cwd=tmp_path, python_path=shop), shop / "core.py", "PYTHONPATH")


@pytest.mark.parametrize("name", ["worker", "tasks", "celeryconfig"])
@pytest.mark.parametrize(
    "command",
    [CELERY, [sys.executable, "-m", "celery", *CELERY[1:]]],
    ids=["script", "module"],
)
def test_celery_in_a_project(name: str, command: list[str], shop: Path) -> None:
    """`celery -A worker …` in a project's folder stops before the project's code is run."""
    file = add_package(shop, name)
    assert_named(run(command, cwd=shop), file, "start from another folder")


def test_celery_by_other_ways(shop: Path, tmp_path: Path) -> None:
    """It is noticed however the application and the folder are named."""
    file = add_package(shop, "worker")
    for words in (
        ["--app=worker:app", "--workdir", str(shop)],
        [f"--workdir={shop}", "--app", "worker"],
    ):
        done = run([CELERY[0], *words, "report"], cwd=tmp_path)
        assert_named(done, file, str(shop))


def test_other_applications_are_left_alone(shop: Path) -> None:
    """Celery's other users in the environment may call their packages as they like."""
    add_package(shop, "worker")
    (shop / "shop.py").write_text("from celery import Celery\napp = Celery('shop')\n")
    done = run([CELERY[0], "-A", "shop", "report"], cwd=shop)
    assert done.returncode == 0, done.stderr


def test_the_api_in_a_project(shop: Path) -> None:
    """`python -m api` where the project has another of our names stops and names it."""
    file = add_package(shop, "core")
    assert_named(run(API, cwd=shop), file, "start from another folder")


@pytest.mark.parametrize("name", NOT_SHADOWED)
def test_our_commands_do_not_look_around(name: str, shop: Path) -> None:
    """`roadmap worker|beat|flower|api` run ours where a project has all of the names."""
    for package in OURS:
        add_package(shop, package)
    done = run(NOT_SHADOWED[name], cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "the shop was imported" not in done.stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment into which our wheel was installed."""
    environment = borrowing_environment(tmp_path_factory.mktemp("installed") / "venv")
    environment.pip("install", "--no-deps", "--no-compile", str(wheel))
    return environment


def test_another_distribution(installed: Environment, wheel: Path, tmp_path: Path) -> None:
    """A distribution that overwrites files of ours, and deletes them when it goes, is named."""
    command = [str(installed.bin / "roadmap"), "--version"]
    assert run(command, cwd=tmp_path).stderr == ""
    theirs = foreign_wheel(
        tmp_path, "shop_tools", {"core/__init__.py": "", "core/settings.py": "DEBUG = True\n"}
    )
    installed.pip("install", "--no-deps", str(theirs))
    done = run(command, cwd=tmp_path)
    assert_named(done, installed.packages / "core/__init__.py", "the distribution shop_tools 1.0")
    installed.pip("uninstall", "--yes", "shop-tools")
    done = run(command, cwd=tmp_path)
    assert_named(done, installed.packages / "core", "install it anew")
    installed.pip("install", "--no-deps", "--no-compile", "--force-reinstall", str(wheel))
    assert run(command, cwd=tmp_path).returncode == 0


def test_a_mended_file_is_its_owners_business(installed: Environment, tmp_path: Path) -> None:
    """A file that somebody changed by hand stops nothing."""
    file = installed.packages / "core/digest.py"
    before = file.read_text()
    file.write_text(before + "\n# looked at\n")
    done = run([str(installed.bin / "roadmap"), "--version"], cwd=tmp_path)
    file.write_text(before)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_package_is_looked_at(wheel: Path) -> None:
    """The list holds every name that the wheel puts at the top level."""
    with ZipFile(wheel) as archive:
        names = {path.partition("/")[0] for path in archive.namelist()}
    ours = {
        name.removesuffix(".py") for name in names if not name.endswith((".dist-info", ".data"))
    }
    assert ours == {*OURS, "roadmap_start"}
