"""What the documents show is run, in order, on a stack as their reader has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from embedded.postgres_binaries import find_postgres
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```(sh|python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#]+)(?:#([\w-]+))?\)")
PAGES = ("README.md", "TUTORIAL.md", "OPERATIONS.md", "RUNBOOK.md")


def blocks(page: str) -> list[tuple[str, str]]:
    """Return a page's blocks: their language and their text."""
    return _BLOCK.findall((DOCS / page).read_text())


@pytest.fixture(scope="module")
def reader(
    start_stack: Callable[..., RunningStack], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a running stack in `.roadmap`, and the reader's environment."""
    folder = tmp_path_factory.mktemp("reader")
    binaries = find_postgres(None, account=None, major=None).postgres.parent
    own = {
        "PATH": f"{Path(sys.executable).parent}:{binaries}:{os.environ['PATH']}",
        "TMPDIR": str(folder),  # other stacks of this machine have their pulses elsewhere
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        stack = start_stack(folder / ".roadmap", "--no-flower", SAMPLE_LATENCY_S="0.2", LEASE_S="3")
    finally:
        os.environ.update({name: value for name, value in before.items() if value is not None})
        os.environ.pop("TMPDIR") if before["TMPDIR"] is None else None
    database = stack.info["database_url"].replace("postgresql+asyncpg://", "postgresql://", 1)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ROADMAP_")} | own
    environment |= {
        "DATABASE": database,
        "RESTORED": database.rsplit("/", 1)[0] + "/roadmap_restored",
        "ROADMAP_API_URL": stack.info["api_url"],
        "ROADMAP_TOKEN": stack.info["token"],
    }
    yield folder, environment
    stack.stop()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", ["TUTORIAL.md", "OPERATIONS.md"])
def test_every_block_runs(page: str, reader: tuple[Path, dict[str, str]]) -> None:
    """Each block does what the page says, one after the other, without an error."""
    folder, environment = reader
    need_program("curl")
    for language, text in blocks(page):
        if language == "console":
            continue
        command = ["/bin/sh", "-e", "-c"] if language == "sh" else [sys.executable, "-c"]
        done = subprocess.run(
            [*command, text],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"


def test_commands_for_docker_name_what_exists() -> None:
    """Services and profiles that the pages speak of are in docker-compose.yml; scripts exist."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    profiles = {profile for service in services.values() for profile in service.get("profiles", ())}
    text = "".join(text for page in PAGES for kind, text in blocks(page) if kind == "console")
    assert set(re.findall(r"--profile (\w+)", text)) <= profiles
    assert set(re.findall(r"(?:exec |--scale )(\w+)", text)) <= services.keys()
    for script in re.findall(r"sh (\S+\.sh)", text):
        assert (ROOT / script).is_file()
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make (\w+)", text)) <= set(targets)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Links to files and to their headings are not dead."""
    for target, heading in _LINK.findall((DOCS / page).read_text()):
        if "://" in target:
            continue
        file = (DOCS / target).resolve()
        assert file.exists(), target
        if heading:
            found = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in found}
