"""Every documented setting through the real `roadmap up`: what its processes are given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from core.given import PREFIX, SECRETS
from core.settings import load_settings
from embedded.ports import free_port
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.settings_samples import PRICES, fields, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

DECIDED_BY_UP = {
    "api_port",
    "metrics_port",
    "pulse_dir",
    "migration_database_url",
    "database_processes",
    "flower_url",
    "metrics_host",
}
"""What `up` itself decides, or each of its processes has another of."""
OF_CLIENTS = {"api_url", "token"}
ROOT = Path(__file__).parents[3]
SOURCES = ("mixed", "environment", "env_file", "secret_file") if WHOLE_SET else ("mixed",)


def every_setting(postgres_url: str, redis_url: str) -> dict[str, str]:
    """Return a value for each setting with which a stack runs on this machine."""
    values = {name: sample(name) for name in fields()}
    values |= {
        "database_url": postgres_url,
        "migration_database_url": postgres_url,
        "redis_url": redis_url,
        "broker_url": redis_url.rpartition("/")[0] + "/5",
        "api_host": "127.0.0.1",
        "auth": "jwt",
        "allowed_hosts": "127.0.0.1,localhost",
        "metrics_host": "127.0.0.1",
        "metrics_port": str(free_port()),
        "llm_preset": "ollama",
    }
    values.pop("api_port")
    values.pop("database_pooler")  # said to be there, it would be believed
    return values


def write_down(values: dict[str, str], folder: Path, *, source: str) -> dict[str, str]:
    """Give the settings by a source; return the part that goes into the environment."""
    environment: dict[str, str] = {}
    written: dict[str, str] = {}
    for number, (name, value) in enumerate(values.items()):
        variable = PREFIX + name.upper()
        by = source
        if source == "mixed":
            by = ("environment", "env_file")[number % 2]
            by = "secret_file" if name.upper() in SECRETS else by
        if by == "secret_file" and name.upper() in SECRETS:
            (folder / name).write_text(f"{value}\n")
            written[f"{variable}_FILE"] = str(folder / name)
        elif by == "environment":
            environment[variable] = value
        else:
            written[variable] = value
    lines = [f"{variable}='{value}'" for variable, value in written.items()]
    (folder / ".env").write_bytes(("\r\n".join(lines) + "\r\n").encode("utf-16"))
    return environment


def read_by(process: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what a running process reads from the environment that it was given."""
    given = psutil.Process(process).environ()
    with monkeypatch.context() as patched:
        patched.chdir("/")  # where no `.env` helps
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patched.delenv(name)
        for name, value in given.items():
            if name.startswith(PREFIX):
                patched.setenv(name, value)
        return load_settings().model_dump()


@pytest.mark.parametrize("source", SOURCES)
def test_every_setting_reaches_every_process(
    start_stack: Callable[..., RunningStack],
    postgres_url: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    """All settings at once, none at its default, arrive as they were given, whatever gave them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # where the own workflow is
    values = every_setting(postgres_url, redis_url)
    environment = write_down(values, tmp_path, source=source)
    stack = start_stack(
        tmp_path / "data",
        **{name.removeprefix(PREFIX): value for name, value in environment.items()},
    )
    with monkeypatch.context() as patched:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patched.delenv(name)
        for name, value in environment.items():
            patched.setenv(name, value)
        meant = load_settings().model_dump()
    pids = stack.info["pids"]
    for pid in (pids["api"], pids["beat"], *pids["workers"]):
        found = read_by(pid, monkeypatch)
        different = {name for name, value in meant.items() if found[name] != value}
        assert different <= DECIDED_BY_UP | OF_CLIENTS | {"api_port"}
        assert found["llm_prices"].keys() == PRICES.keys()
    assert stack.stop() == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLM_PRICES", "{'my-model': 1}"),
        ("REVIEW_ON_EXPIRY", "explode"),
        ("REDIS_URL", "redis://:hunter2@host:port/0"),
        ("DATABASE_URL", "postgresql://u:hunter2@h/d?sslmod=require"),
        ("BROKER_URL", "kafka://:hunter2@h"),
        ("LLM_BASE_URL", "hunter2@host"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    """`up`, doctor, `db check`, worker and API say the same of it, and show no secret."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    environment |= {PREFIX + name: value}
    commands = [
        ["-m", "cli", "up", "--data-dir", str(tmp_path / "data"), "--port", "0"],
        ["-m", "cli", "doctor", "--data-dir", str(tmp_path / "data")],
    ]
    if WHOLE_SET or name == "LLM_PRICES":
        commands += [
            ["-m", "cli", "db", "check", "--data-dir", str(tmp_path / "data")],
            ["-m", "api", "--port", "0"],
            ["-m", "celery", "-A", "worker", "worker"],
        ]
    for command in commands:
        ran = subprocess.run(
            [sys.executable, *command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        said = ran.stdout + ran.stderr
        assert ran.returncode != 0
        assert PREFIX + name in said
        assert "Traceback" not in said
        assert "migrated" not in said
        assert "hunter2" not in said


def test_a_redis_that_is_not_there(postgres_url: str, tmp_path: Path) -> None:
    """It is named by its setting within seconds, with the exit code of a service that is away."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {
        "ROADMAP_DATABASE_URL": postgres_url,
        "ROADMAP_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "cli", "up", "--data-dir", str(tmp_path / "stack"), "--port", "0",
         "--no-flower", "--no-beat"],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 4, ran.stderr
    assert "ROADMAP_REDIS_URL: the server cannot be reached" in ran.stderr
