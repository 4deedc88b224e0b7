"""docker-compose.yml without Docker: its services as processes of this machine.

Addresses, ports and folders of containers are replaced by ones of the test's own; everything else
(commands, environment, secrets by file, health checks) is run as it stands there.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from embedded import spawn_child, stop_child
from embedded.ports import free_port
from tests.e2e.faults.worker_process import program_environment

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROGRAMS = {
    "python": sys.executable,
    "roadmap": str(Path(sys.executable).parent / "roadmap"),
}
_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::-([^}]*))?\}")


@dataclass
class Local:
    """Where a service of the file is on this machine.

    Attributes:
        folder: Takes the place of `/tmp`, and holds logs.
        secrets: Takes the place of `/run/secrets`.
        replaced: Further texts to replace, such as ports, in commands, checks and environment.
        programs: Where the first words of commands are found.
        package: What the image has installed of ours; without it the source tree is run.
    """

    folder: Path
    secrets: Path
    replaced: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=lambda: dict(PROGRAMS))
    package: Path | None = None

    def text(self, value: object) -> str:
        """Return a value of the file as it is here."""
        text = _VARIABLE.sub(lambda found: found[2] or "", str(value)).replace("$$", "$")
        paths = {
            "/run/secrets/": f"{self.secrets}/",
            "/tmp/": f"{self.folder}/",  # noqa: S108 - the container's
            "/etc/roadmap/": f"{ROOT}/deploy/",
        }
        theirs_to_ours = paths | self.replaced
        longest_first = sorted(theirs_to_ours, key=len, reverse=True)
        pattern = "|".join(re.escape(theirs) for theirs in longest_first)
        return re.sub(pattern, lambda found: theirs_to_ours[found[0]], text)  # in one pass

    def words(self, command: list[str]) -> list[str]:
        """Return a command as it is here."""
        words = [self.text(word) for word in command]
        return [self.programs.get(words[0], words[0]), *words[1:]]


class Service:
    """One service of the file, as a process."""

    def __init__(self, name: str, local: Local) -> None:
        self.name = name
        self.local = local
        self.log = local.folder / f"{name}.log"
        given = SERVICES[name].get("environment", {})
        environment = {key: local.text(value) for key, value in given.items()}
        self.env = program_environment({}) | {"TMPDIR": str(local.folder)} | environment
        if local.package is not None:
            self.env["PYTHONPATH"] = str(local.package)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *extra: str) -> None:
        """Start its command."""
        command = [*self.local.words(SERVICES[self.name]["command"]), *extra]
        self.process = spawn_child(command, env=self.env, cwd=self.local.folder, log=self.log)

    def run(self) -> int:
        """Run its command to the end; return the exit code."""
        self.start()
        assert self.process is not None
        return self.process.wait(60)

    def healthy(self) -> bool:
        """Run its health check; it must not have ended."""
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended:\n{self.log.read_text()[-3000:]}"
        kind, *words = SERVICES[self.name]["healthcheck"]["test"]
        assert kind == "CMD"
        done = subprocess.run(
            self.local.words(words),
            env=self.env,
            cwd=self.local.folder,
            capture_output=True,
            check=False,
            timeout=30,
        )
        return done.returncode == 0

    def stop(self) -> int:
        """Stop it as Compose does: SIGTERM, its grace period, SIGKILL."""
        if self.process is None or self.process.poll() is not None:
            return 0 if self.process is None else self.process.poll() or 0
        grace = SERVICES[self.name].get("stop_grace_period", "10s")
        return stop_child(
            self.process, steps=[(signal.SIGTERM, float(str(grace).removesuffix("s")))]
        )


def make_secrets(folder: Path) -> None:
    """Run deploy/secrets.sh."""
    subprocess.run(
        ["/bin/sh", str(ROOT / "deploy/secrets.sh"), str(folder)],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"]},
    )


def ports(*names: str) -> dict[str, int]:
    """Return a free port for each name."""
    return {name: free_port() for name in names}
