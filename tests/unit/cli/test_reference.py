"""The reference of the command line names what there is, and its examples are understood."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from typer.main import get_command

from cli.exits import ExitCode
from cli.main import app
from docs.cli_reference import EXAMPLES, cli_reference, commands

GROUP: Any = get_command(app)
CONTRACT = {
    "up", "demo", "generate", "list", "show", "watch", "review", "retry", "cancel", "token",
    "doctor", "redis", "db upgrade", "db check",
}  # fmt: skip
PROCESSES = {"worker", "beat", "flower", "api"}  # their options are Celery's and uvicorn's


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_examples_are_understood(line: str) -> None:
    """Each example of the reference is read by its command without a complaint."""
    words = shlex.split(line.removeprefix("source <(").removesuffix(")"))
    assert words[0] == "roadmap"
    group, context, rest = GROUP, GROUP.make_context("roadmap", words[1:]), words[1:]
    while True:
        name, command, rest = group.resolve_command(context, rest)
        if not hasattr(command, "commands"):
            break
        group, context = command, command.make_context(name, list(rest), parent=context)
    command.make_context(name, list(rest), parent=context)


def test_every_command_takes_json_and_is_described() -> None:
    """Each command but the processes has `--json`, and help for each option."""
    known = dict(commands(GROUP))
    assert set(known) >= CONTRACT
    for name, command in known.items():
        if name not in PROCESSES:
            assert "--json" in [word for param in command.params for word in param.opts], name
        assert all(param.help for param in command.params), name
        assert f"### `roadmap {name}" in cli_reference()


def test_the_codes_are_the_contracts() -> None:
    """0, 1, 2, 3, 4, 5 and 130, and no others."""
    assert {code.value for code in ExitCode} == {0, 1, 2, 3, 4, 5, 130}
