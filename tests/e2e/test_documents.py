"""What the documents show is run, in order, on a stack as their reader has it.

`console` blocks are shown, not run: they need Docker, root, or a terminal of their own.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import yaml
from playwright.async_api import expect

from cli.exits import ExitCode
from embedded.postgres_binaries import find_postgres
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.e2e.web.browser import chromium
from tests.factories import until
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ["README.md", "SECURITY.md", *sorted(f"docs/{page.name}" for page in DOCS.glob("*.md"))]
IN_ORDER = ("docs/TUTORIAL.md", "docs/OPERATIONS.md")
RUN = {
    "README.md": {"sh", "python", "js"},
    "docs/API.md": {"python"},  # tests/e2e/test_api_on_a_stack.py
    "docs/CLI.md": {"sh"},  # tests/unit/cli/test_reference.py
    "docs/LANGUAGE_MODELS.md": {"sh"},
    "docs/OPERATIONS.md": {"sh"},
    "docs/OWN_WORKFLOWS.md": {"python"},  # tests/e2e/test_own_workflow_tutorial.py
    "docs/OWN_WORKFLOW_TUTORIAL.md": {"sh", "python"},  # ditto
    "docs/OWN_WORKFLOWS_REFERENCE.md": {"python"},  # tests/unit/workflow/test_pages.py
    "docs/OWN_WORKFLOWS_WHY.md": {"python", "toml"},  # tests/unit/workflow/test_pages.py
    "docs/PYTHON_CLIENT.md": {"python"},  # tests/e2e/cli/test_terminal.py
    "docs/TUTORIAL.md": {"sh", "python"},
    "docs/WEB.md": {"html", "js", "jsx"},  # jsx: tests/e2e/packaging
}
"""What tests run of each page: here, or in the test that is named."""
NO_PROGRAMS = {"", "console", "mermaid"}
SHOWN = {
    "make demo": "tests/e2e/test_main_job.py runs what it runs, CI the other line",
    "make setup": "CI runs it",
    "make chaos ": "longer than CI wants",
    "python3 -m venv ~/roadmap": "tests/e2e/packaging installs so, and runs what is installed",
    "export ROADMAP_LLM_PROVIDER=openai": "asks a provider on the internet",
    "export ROADMAP_API_URL=": "the test of that page gives both variables",
    "PYTHONPATH=examples/report": "tests/unit/workflow/test_here.py has what is new in it",
    "CREATE INDEX CONCURRENTLY": "tests/integration/api/test_search.py has a migration make them",
}
"""Blocks that no test runs, by how they begin, and why."""
PAUSE_S = 5.0
"""What a person takes from one block to the next."""
FASTER = 1 if WHOLE_SET else 10
"""By default person, author and leases are all this much faster."""
_NAME = re.compile(r"# ((?:[\w-]+/)?\w+\.py)\n")
PARTLY_FAILS = "Learn the guitar"
_BLOCK = re.compile(r"^ *```(\S*)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#]+)(?:#([\w-]+))?\)")


def blocks(page: str, *languages: str) -> list[tuple[str, str]]:
    """Return a page's blocks: their language and their text; of some languages, or all."""
    found: list[tuple[str, str]] = _BLOCK.findall((ROOT / page).read_text())
    return [(kind, text) for kind, text in found if not languages or kind in languages]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reader works."""
    return tmp_path_factory.mktemp("reader")


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    """The origin of somebody else's pages, which lie in the folder's `site`."""
    (folder / "site").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def reader(
    folder: Path, site: str, start_stack: Callable[..., RunningStack]
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a running stack in `.roadmap`, and the reader's environment."""
    binaries = find_postgres(None, account=None, major=None).postgres.parent
    own = {
        "PATH": f"{Path(sys.executable).parent}:{binaries}:{os.environ['PATH']}",
        "TMPDIR": str(folder),  # other stacks of this machine have their pulses elsewhere
        "PYTHONPATH": str(ROOT),  # `python -m bench…` is run where the sources are
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        stack = start_stack(
            folder / ".roadmap",
            "--no-flower",
            **_told_settings(),
            SAMPLE_FAIL="Barre",
            LEASE_S=f"{30 / FASTER:g}",
            CORS_ORIGINS=site,
        )
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    data = folder / ".roadmap"
    password, port = ((data / f"postgres.{name}").read_text() for name in ("password", "port"))
    database = f"postgresql://roadmap:{password.strip()}@127.0.0.1:{port.strip()}/roadmap"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ROADMAP_")} | own
    environment |= {
        "DATABASE": database,
        "RESTORED": database.rsplit("/", 1)[0] + "/roadmap_restored",
        "ROADMAP_API_URL": stack.info["api_url"],
        "ROADMAP_TOKEN": stack.info["token"],
    }
    yield folder, environment
    stack.stop()


def _told_settings() -> dict[str, str]:
    """Return the settings with which the tutorial has its reader start the stack."""
    ((settings, _last),) = re.findall(
        r"^\$ ((ROADMAP_\S+ )+)make up", _text("docs/TUTORIAL.md"), re.MULTILINE
    )
    told = dict(word.removeprefix("ROADMAP_").split("=") for word in settings.split())
    return told | {"SAMPLE_LATENCY_S": str(float(told["SAMPLE_LATENCY_S"]) / FASTER)}


def _text(page: str) -> str:
    return (ROOT / page).read_text()


def run(language: str, text: str, reader: tuple[Path, dict[str, str]]) -> int:
    """Run a block where the reader stands; return its exit code."""
    folder, environment = reader
    command = ["/bin/sh", "-e", "-c", text]
    if language == "python":
        name = _NAME.match(text)
        program = folder / (name[1] if name else "program.py")
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        command = [sys.executable, str(program.relative_to(folder))]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    meant = {ExitCode.DONE, ExitCode.PARTIAL, ExitCode.REVIEW}
    assert done.returncode in meant, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.returncode


@pytest.mark.timeout(500)
@pytest.mark.parametrize("page", IN_ORDER)
def test_every_block_runs(page: str, reader: tuple[Path, dict[str, str]]) -> None:
    """Each block does what the page says, one after the other, at the pace of a person."""
    need_program("curl")
    for language, text in blocks(page, "sh", "python"):
        time.sleep(PAUSE_S / FASTER)  # who reads, copies and pastes is not there at once
        assert run(language, text, reader) == 0, text


def test_a_person_could_kill_the_worker(reader: tuple[Path, dict[str, str]]) -> None:
    """After the tutorial its task has lost a worker: the contents took longer than the reader."""
    need_program("curl")  # the tutorial was not gone through without it
    folder, environment = reader
    task_id = (folder / "my-program/task.txt").read_text()
    told = subprocess.run(
        ["/bin/sh", "-c", 'roadmap show "$1" --timeline', "sh", task_id],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "worker lost" in told, told


def test_the_readme_runs(reader: tuple[Path, dict[str, str]]) -> None:
    """Its commands, its foreign program and its request do what it says of them."""
    need_program("curl")
    folder, _ = reader
    stack = json.loads((folder / ".roadmap/stack.json").read_text())
    failed = f'roadmap generate "{PARTLY_FAILS}" --no-review --json'
    assert run("sh", failed + " > failed.json", reader) == ExitCode.PARTIAL
    task_id = json.loads((folder / "failed.json").read_text().splitlines()[0])["task_id"]
    here = {
        "TASK": task_id,
        "localhost:8000": urlsplit(stack["api_url"]).netloc,
        "BROKER_URL": repr(stack["broker_url"]),
    }
    codes = []
    for language, text in blocks("README.md", "sh", "python"):
        if _shown(text):
            continue
        for there, ours in here.items():
            text = text.replace(there, ours)  # noqa: PLW2901 - the block as it is here
        lines = [text] if language == "python" or "\\\n" in text else text.splitlines()
        codes += [run(language, line, reader) for line in lines]
    # an own workflow; the path; a review, a list, a retry, nothing is wrong; a foreign program; a
    # request
    assert codes == [0, 0, ExitCode.REVIEW, 0, 0, 0, 0, 0]


async def test_the_snippets_for_pages_run(reader: tuple[Path, dict[str, str]], site: str) -> None:
    """README's and WEB.md's pages follow a task from another origin, in a real browser."""
    folder, environment = reader
    api_url = environment["ROADMAP_API_URL"]
    (readme,) = (text for _, text in blocks("README.md", "js"))
    (whole,) = (text for _, text in blocks("docs/WEB.md", "html"))
    (inbox,) = (text for _, text in blocks("docs/WEB.md", "js"))
    client = whole.split('<script type="module">')[1].split("const task")[0]
    run("sh", "roadmap generate 'Learn SQL' --no-review --json > page.json", reader)
    task_id = json.loads((folder / "page.json").read_text().splitlines()[0])["task_id"]
    token = environment["ROADMAP_TOKEN"]
    names = f"const taskId = '{task_id}', token = '{token}', notify = console.log;" + "".join(
        f"const {name} = document.getElementById('{name}');" for name in ("bar", "line", "badge")
    )
    marks = "<progress id=bar max=100></progress><p id=line></p><p id=badge></p>"
    readme = readme.replace("const client", f"{names}const client")
    pages = {
        "readme": f"{marks}<script type=module>{readme}</script>",
        "whole": whole,
        "inbox": f"{marks}<script type=module>{client}{names}{inbox}</script>",
    }
    for name, text in pages.items():
        (folder / "site" / f"{name}.html").write_text(
            "<!doctype html><meta charset=utf-8>"
            + text.replace("http://127.0.0.1:8000", api_url).replace('"…"', f"'{token}'")
        )
    said: list[str] = []
    async with chromium() as browser:
        page = await browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(f"ERROR {error}"))
        await page.goto(f"{site}/readme.html")
        await expect(page.locator("#line")).to_contain_text("complete")
        await expect(page.locator("#badge")).to_contain_text(re.compile("websocket|ended|done"))
        await page.goto(f"{site}/whole.html")
        await until(lambda: _said(said, "complete: 45 contents"), what="the last event")
        await page.goto(f"{site}/inbox.html")
        await expect(page.locator("#badge")).to_have_text(re.compile(r"^\d+$"))
    assert not [text for text in said if text.startswith("ERROR")]


async def _said(said: list[str], words: str) -> bool:
    return any(words in text for text in said)


def test_models_page_runs(reader: tuple[Path, dict[str, str]]) -> None:
    """The page on language models: prices are understood, and prompts can be scored."""
    for language, text in blocks("docs/LANGUAGE_MODELS.md", "sh"):
        if not _shown(text):
            assert (
                run(
                    language, text.replace("-m bench.quality", "-m bench.quality --goals 1"), reader
                )
                == 0
            )


def test_the_readme_shows_what_is_printed(reader: tuple[Path, dict[str, str]]) -> None:
    """Each line of its sample is a line of the demo's; only times and counted tokens differ."""
    folder, environment = reader
    (sample,) = (text for _, text in blocks("README.md", "") if text.startswith("$ GOAL="))
    goal = shlex.split(sample.splitlines()[0])[1].removeprefix("GOAL=")
    done = subprocess.run(
        [sys.executable, "-m", "cli", "demo", goal, "--data-dir", ".roadmap"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    printed = {_timeless(line) for line in done.stdout.splitlines()}
    shown = [_timeless(line) for line in sample.splitlines()[1:] if line not in {"", "…"}]
    assert [line for line in shown if line not in printed] == []


def _timeless(line: str) -> str:
    line = re.sub(r"^[\d:]{8}[+-][\d:]{5} +[\d.]+%", "AT", line)
    return re.sub(r"[\d.,]+ (min|s|tokens)\b", r"N \1", line)


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md"])
def test_no_block_is_forgotten(page: str) -> None:
    """Each block is run by a test, or is named above with the reason why not."""
    known = NO_PROGRAMS | RUN.get(page, set())
    assert [text for kind, text in blocks(page) if kind not in known and not _shown(text)] == []


def _shown(text: str) -> bool:
    return any(text.lstrip().startswith(begin) for begin in SHOWN)


def test_commands_for_docker_name_what_exists() -> None:
    """Services and profiles that the pages speak of are in docker-compose.yml; scripts exist."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    profiles = {profile for service in services.values() for profile in service.get("profiles", ())}
    text = "".join(text for page in PAGES for _, text in blocks(page, "console"))
    assert set(re.findall(r"--profile (\w+)", text)) <= profiles
    assert set(re.findall(r"(?:exec |--scale )(\w+)", text)) <= services.keys()
    for script in re.findall(r"sh (\S+\.sh)", text):
        assert (ROOT / script).is_file()
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make (\w+)", text)) <= set(targets)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Links to files and to their headings are not dead."""
    for target, heading in _LINK.findall((ROOT / page).read_text()):
        if "://" in target:
            continue
        file = ((ROOT / page).parent / target).resolve()
        assert file.exists(), target
        if heading:
            found = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in found}
