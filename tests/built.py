"""What pip makes of our sources, and environments to put it into."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
_NOT_SOURCES = (".*", "__pycache__", "*.egg-info", "build", "dist", "node_modules", "secrets")
_NOT_BUILT = ("tests", "images")


def copy_sources(source: Path, folder: Path, *, tests: bool = False) -> Path:
    """Copy sources as a clone has them, without what was made from them; return the copy."""
    left_out = _NOT_SOURCES if tests else _NOT_SOURCES + _NOT_BUILT
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(*left_out))
    return folder


def build_wheel(source: Path, folder: Path) -> Path:
    """Build a distribution's wheel from a copy of its sources; nothing is fetched for it.

    Args:
        source: The folder with its pyproject.toml.
        folder: An empty one, for the copy and the wheel.
    """
    copy = copy_sources(source, folder / "sources")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(copy))
    (wheel,) = folder.glob("*.whl")
    return wheel


def foreign_wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    """Make the wheel of another project that consists of these files."""
    info = f"{name}-1.0.dist-info"
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """A Python environment of its own."""

    folder: Path

    @property
    def bin(self) -> Path:
        """Where its programs are."""
        return self.folder / "bin"

    @property
    def packages(self) -> Path:
        """Where its packages are."""
        (found,) = self.folder.glob("lib/python3*/site-packages")
        return found

    def pip(self, *words: str) -> None:
        """Run pip for it."""
        pip("--python", str(self.bin / "python"), *words)


def empty_environment(folder: Path) -> Environment:
    """Make an environment that has nothing but Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return Environment(folder=folder)


def borrowing_environment(folder: Path) -> Environment:
    """Make an environment that finds what we depend on where this one has it, and nothing of ours.

    A path in a `.pth` file is followed, the `.pth` files in it (our editable install) are not.
    """
    environment = empty_environment(folder)
    packages = Path(pytest.__file__).parents[1]
    (environment.packages / "borrowed.pth").write_text(f"{packages}\n")
    return environment


def pytest_file() -> str:
    """Return a file of a package that lies among our dependencies."""
    import pytest

    return pytest.__file__


def pip(*words: str) -> None:
    """Run pip; what it says stands in the error when it fails."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
