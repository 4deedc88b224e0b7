"""Ports, the data-dir, and what the doctor finds."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli.data_dir import DataDir
from cli.exits import CommandError
from cli.findings import clean, is_placeholder
from cli.hints import program
from cli.options import Pool, StackOptions
from cli.plan import Addresses, child_environment, stack_specs
from cli.ports import choose_port
from cli.provider_checks import check_provider
from core.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[3]
DATABASE = "postgresql+asyncpg://a:b@h/d"


@contextmanager
def taken_port() -> Iterator[int]:
    """Hold a port."""
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        yield holder.getsockname()[1]


def options(**changes: Any) -> StackOptions:
    """Return options of a small stack."""
    values: dict[str, Any] = {
        "host": HOST,
        "port": 8000,
        "flower_port": 5555,
        "workers": 2,
        "concurrency": 4,
        "pool": Pool.THREADS,
        "beat": True,
    }
    return StackOptions(**(values | changes))


def test_a_taken_port_that_was_asked_for_is_an_error() -> None:
    """The message names the port and the option."""
    with taken_port() as port, pytest.raises(CommandError, match=rf"{port}.*--port"):
        choose_port(HOST, port, 8000, option="--port")


def test_a_taken_default_port_gives_way() -> None:
    """When the usual port is taken another one is chosen; 0 is any free one."""
    with taken_port() as port:
        assert choose_port(HOST, None, port, option="--port") != port
    assert choose_port(HOST, 0, 8000, option="--port") > 0


def test_a_data_dir_has_one_stack(tmp_path: Path) -> None:
    """A second `up` on the same folder is refused, naming the first."""
    first, second = DataDir(tmp_path / "d"), DataDir(tmp_path / "d")
    first.create()
    first.lock()
    assert second.is_locked()
    with pytest.raises(CommandError, match=str(os.getpid())):
        second.lock()
    first.unlock()
    assert not second.is_locked()


@pytest.mark.parametrize(
    "words",
    [
        ("up",),
        ("demo",),
        ("list",),
        ("watch", "01990000-0000-7000-8000-000000000000"),
        ("token",),
        ("open",),
        ("redis",),
        ("db", "check"),
        ("db", "shell"),
        ("probe", "worker"),
        ("schedule", "list"),
        ("queue", "rejected"),
        ("revoke", "--user", "alice"),
    ],
)
def test_a_folder_of_somebody_elses_files_is_refused(
    roadmap: Callable[..., Result], tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Nothing is put among a user's sources; the message names the files and a folder that does."""
    (tmp_path / "main.py").write_text("print()\n")
    (tmp_path / "logs").mkdir()
    result = roadmap(*words, "--data-dir", ".")
    assert result.exit_code == 2, result.output
    assert "main.py" in result.stderr
    assert "--data-dir" in result.stderr
    assert str(tmp_path / ".roadmap") in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "main.py"]


def test_the_doctor_says_so_too(roadmap: Callable[..., Result], tmp_path: Path) -> None:
    """What `up` would refuse is red before it is tried."""
    (tmp_path / "main.py").write_text("print()\n")
    found = json.loads(roadmap("doctor", "--data-dir", ".", "--json").stdout)
    told = {each["name"]: each for each in found["required"]}["data-dir"]
    assert told["ok"] is False
    assert "main.py" in told["message"]


@pytest.mark.parametrize("marker", ["up.lock", "auth_secret", "stack.json", "pgdata/PG_VERSION"])
def test_folders_of_earlier_releases_are_known(tmp_path: Path, marker: str) -> None:
    """Whatever else lies in it, one file that a stack has left is enough."""
    folder = DataDir(tmp_path / "d")
    (folder.path / marker).parent.mkdir(parents=True)
    (folder.path / marker).write_text("")
    (folder.path / "notes.txt").write_text("")
    folder.create()


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    """Also one whose first start was interrupted, or that a file system has made."""
    folder = DataDir(tmp_path / "d")
    (folder.path / "lost+found").mkdir(parents=True)
    folder.create()
    folder.create()


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    """The secret stays the same and only the owner may read it."""
    folder = DataDir(tmp_path / "d")
    folder.create()
    secret = folder.auth_secret()
    assert secret == DataDir(tmp_path / "d").auth_secret()
    assert len(secret) >= 32
    assert stat.S_IMODE(folder.auth_secret_file.stat().st_mode) == 0o600
    assert folder.flower_auth().startswith("admin:")


def test_every_pool_counts_its_processes() -> None:
    """Prefork children open pools of their own; API, beat and a spare come on top."""
    assert options().processes == 2 + 3
    assert options(pool=Pool.PREFORK).processes == 2 * (4 + 1) + 3


def test_children_get_every_setting_by_value(
    no_settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What stands in `.env` and secret files reaches the children through their environment."""
    (tmp_path / ".env").write_text("ROADMAP_LLM_MODEL=m1\nROADMAP_CORS_ORIGINS=http://a,http://b\n")
    (tmp_path / "key").write_text("the-key\n")
    no_settings.setenv("ROADMAP_LLM_API_KEY_FILE", str(tmp_path / "key"))
    no_settings.setenv("ROADMAP_TOKEN", "for-clients-only")
    addresses = Addresses(
        database_url="postgresql+asyncpg://d",
        redis_url="redis://r",
        broker_url="redis://b",
        auth_secret="s" * 32,
    )
    env = child_environment(load_settings(), options(), addresses)
    assert env["ROADMAP_LLM_MODEL"] == "m1"
    assert env["ROADMAP_LLM_API_KEY"] == "the-key"
    assert env["ROADMAP_CORS_ORIGINS"] == "http://a,http://b"
    assert env["ROADMAP_DATABASE_PROCESSES"] == "5"
    assert "ROADMAP_LLM_API_KEY_FILE" not in env
    assert "ROADMAP_TOKEN" not in env


def test_no_secret_is_an_argument(no_settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Arguments are visible to every user of a machine; secrets travel by environment."""
    folder = DataDir(tmp_path / "d")
    folder.create()
    specs = stack_specs(options(), env={"S": "canary"}, data_dir=folder, settings=load_settings())
    assert [spec.name for spec in specs] == ["worker1", "worker2", "beat", "api", "flower"]
    password = folder.flower_auth().split(":")[1]
    assert not any(password in word for spec in specs for word in spec.args)
    assert specs[-1].env["FLOWER_BASIC_AUTH"].endswith(password)


@pytest.mark.parametrize(
    "value",
    [
        *("your_key_here", "your-api-key", "changeme", "<your key>", "sk-...", "xxxx", ""),
        *("REPLACE_ME", "sk-xxx", "sk-xxxxxxxx", "<key>", "sk-<key>", "${OPENAI_API_KEY}"),
    ],
)
def test_placeholders_are_not_configuration(value: str) -> None:
    """What only stands for a value is told from a value."""
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["sk-proj-9aV3kTq0", "gpt-4.1-mini", "https://api.openai.com/v1"])
def test_real_values_are_configuration(value: str) -> None:
    """Values of the usual shapes are not taken for placeholders."""
    assert not is_placeholder(value)


def test_messages_are_cleaned_of_secrets() -> None:
    """Passwords in addresses and given secrets do not reach a message."""
    said = clean("postgresql://u:hunter2@h refused key-123", "key-123")
    assert "hunter2" not in said
    assert "key-123" not in said


@contextmanager
def provider(status: int, body: str) -> Iterator[tuple[str, list[str]]]:
    """Run a server that answers everything alike; yield its address and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None:
            """Stay quiet."""

    server = HTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "ok"),
    [
        (200, json.dumps({"data": [{"id": "m1"}]}), True),
        (200, "<html>welcome</html>", False),
        (401, "{}", False),
        (500, "{}", False),
    ],
)
def test_the_provider_is_really_asked(
    no_settings: pytest.MonkeyPatch, status: int, body: str, *, ok: bool
) -> None:
    """Only a server that answers like one, to our key, passes; the key is never shown."""
    with provider(status, body) as (url, asked):
        no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
        no_settings.setenv("ROADMAP_LLM_BASE_URL", url)
        no_settings.setenv("ROADMAP_LLM_API_KEY", "k-9aV3kTq0")
        no_settings.setenv("ROADMAP_LLM_MODEL", "m1")
        findings = check_provider(load_settings())
    assert asked == ["/v1/models Bearer k-9aV3kTq0"]
    assert findings[0].ok is ok
    assert not any("k-9aV3kTq0" in finding.message for finding in findings)


def test_a_neighbour_is_asked_without_a_proxy(no_settings: pytest.MonkeyPatch) -> None:
    """As the work does it: the environment's proxy is for others; one that cannot be is told."""
    with provider(200, json.dumps({"data": [{"id": "m1"}]})) as (url, asked):
        no_settings.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        no_settings.setenv("ROADMAP_LLM_PROVIDER", "openai")
        no_settings.setenv("ROADMAP_LLM_BASE_URL", url)
        no_settings.setenv("ROADMAP_LLM_API_KEY", "k-9aV3kTq0")
        no_settings.setenv("ROADMAP_LLM_MODEL", "m1")
        settings = load_settings()
        assert check_provider(settings)[0].ok
        assert len(asked) == 1
        no_settings.setenv("ROADMAP_LLM_BASE_URL", "http://model.example/v1")
        far = check_provider(load_settings())[0]
        assert not far.ok, "its proxy does not answer"
        assert len(asked) == 1


def test_make_clean_leaves_a_running_stack_alone(tmp_path: Path) -> None:
    """While `make up` holds its folder nothing is deleted; afterwards all is."""
    folder = DataDir(tmp_path / ".roadmap")
    folder.create()
    folder.lock()
    command = ["make", "-C", str(tmp_path), "-f", str(ROOT / "Makefile"), "clean"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "A stack is running on .roadmap" in refused.stdout
    assert folder.path.exists()
    folder.unlock()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--host", "0.0.0.0"), "ROADMAP_AUTH=jwt"),  # noqa: S104 - refused
        (("--port", "70000"), "65535"),
        (("--pool", "gevent"), "gevent"),
        (("--pool", "prefork", "--workers", "10", "--concurrency", "10"), "113 processes"),
    ],
)
def test_up_refuses_what_cannot_work(
    roadmap: Callable[..., Any], args: tuple[str, ...], said: str
) -> None:
    """Options that make no sense, or open the door to strangers, end with 2."""
    result = roadmap("up", *args)
    assert result.exit_code == 2
    assert said in result.stderr


def test_up_names_a_taken_port(roadmap: Callable[..., Any]) -> None:
    """A port that was asked for and is taken ends with 2, before anything is started."""
    with taken_port() as port:
        result = roadmap("up", "--port", str(port))
    assert result.exit_code == 2
    assert str(port) in result.stderr


def test_our_command_is_named_as_a_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name where it is on the path, else by its file, quoted."""
    beside = tmp_path / "a b" / ".venv" / "bin" / "roadmap"
    beside.parent.mkdir(parents=True)
    beside.touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(beside.with_name("python")))
    monkeypatch.setenv("PATH", str(beside.parent))
    assert program() == "roadmap"
    monkeypatch.setenv("PATH", "")
    assert program() == f"'{beside}'"
    monkeypatch.chdir(tmp_path / "a b")
    assert program() == ".venv/bin/roadmap"
