"""What is wrong with the words of a command is said in a sentence, and what would be right."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from api.__main__ import _arguments
from cli.complaints import allowed
from cli.database import answering
from cli.exits import CommandError
from cli.main import app
from cli.up import API_PORT, FLOWER_PORT
from core.errors import SettingsError
from core.settings import load_settings
from core.settings.kinds import kind_of, metadata_of
from core.settings.loading import Settings
from docs.cli_reference import cli_reference, commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

PROCESSES = {"worker", "beat", "flower", "api"}  # which read their words themselves
COMMANDS = {name: command for name, command in commands(get_command(app)) if name not in PROCESSES}
OPTIONS = [
    (name, param)
    for name, command in COMMANDS.items()
    for param in command.params
    if param.param_type_name == "option" and not param.is_flag
]
NUMBERS = [
    (name, param.opts[0], allowed(param)) for name, param in OPTIONS if "number" in allowed(param)
]
RAW = ("Input should", "Value error", "Traceback", "<=", "parse", "annotation")


@pytest.mark.parametrize(("name", "option", "range_"), NUMBERS)
def test_numbers_out_of_range(
    roadmap: Callable[..., Result], name: str, option: str, range_: str
) -> None:
    """Whatever is no allowed number is answered with what is one, and where to read on."""
    words = name.split() + ["x" for p in COMMANDS[name].params if p.required]
    for value in ("-1", "abc", "", "0x10", "1.5.", "nan", "9" * 5000):
        result = roadmap(*words, f"{option}={value}")
        assert result.exit_code == 2, (value, result.output)
        assert result.stderr.startswith(f"Error: {option} {value!r}: give {range_}"), result.stderr
        assert f"`roadmap {name} --help`" in result.stderr
        assert not any(raw in result.output for raw in RAW)


@pytest.mark.parametrize("name", COMMANDS)
def test_empty_words(
    roadmap: Callable[..., Result], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No option and no argument takes an empty word, as from `"$UNSET"`, for a path or a name."""
    monkeypatch.chdir(tmp_path)
    command = COMMANDS[name]
    for param in command.params:
        if getattr(param, "is_flag", False) or allowed(param) not in {"a text", "a path"}:
            continue
        if param.param_type_name == "argument":
            result, called = roadmap(*name.split(), ""), param.metavar
        else:
            words = name.split() + ["x" for p in command.params if p.required]
            result, called = roadmap(*words, f"{param.opts[0]}="), max(param.opts, key=len)
        assert result.exit_code == 2, result.output
        assert result.stderr.startswith(f"Error: {called} is empty, as from"), result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", COMMANDS)
def test_arguments_are_called_as_in_the_documents(
    roadmap: Callable[..., Result], name: str
) -> None:
    """`--help`, messages and CLI.md say GOAL, not `goal` or `{goal}`."""
    said = roadmap(*name.split(), "--help").stdout
    usage = next(line for line in said.splitlines() if "Usage:" in line)
    assert "{" not in usage
    for param in COMMANDS[name].params:
        if param.param_type_name == "argument":
            assert str(param.metavar).isupper()
            assert str(param.metavar) in usage
            assert f"`{param.metavar}`" in cli_reference()


def test_there_are_numbers() -> None:
    """The test above has something to test, and says ranges as people do."""
    told = {option: range_ for _, option, range_ in NUMBERS}
    assert told["--port"] == "a whole number from 0 to 65535"
    assert told["--within"] == "a number from 1 to 86400"
    assert len(NUMBERS) > 8


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("up --port 99999", "--port '99999': give a whole number from 0 to 65535."),
        ("up --pool x", "--pool 'x': give one of threads, prefork."),
        ("up --prot 3", "There is no option --prot; there are --host, --pool, --port."),
        ("up --port", "--port needs a value after it."),
        ("watch", "TASK is missing: The task's id"),
        ("generate Learn Rust", "Too many words: Rust. Put quotes round"),
        ("wacth", "Did you mean 'watch'?"),
        ("schedule foo", "No such command 'foo'. `roadmap schedule --help`"),
        ("--nothing", "There is no option --nothing."),
    ],
)
def test_words_that_are_not_understood(
    roadmap: Callable[..., Result], line: str, told: str
) -> None:
    """One line says what is wrong and what would be right; the exit code is that of usage."""
    result = roadmap(*shlex.split(line))
    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_no_words_show_the_help(roadmap: Callable[..., Result]) -> None:
    """A group without a command is no mistake to be told of: its commands are listed."""
    for words in ((), ("schedule",)):
        assert "Commands" in roadmap(*words).output
        assert "Error" not in roadmap(*words).output


@pytest.mark.parametrize("port", ["-1", "65536", "abc", ""])
def test_the_ports_of_the_api_process(
    port: str, no_settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`roadmap api`, which reads its words itself, says the same."""
    no_settings.setattr(sys, "argv", ["roadmap api", f"--port={port}"])
    with pytest.raises(SystemExit):
        _arguments(load_settings())
    assert f"{port!r}: give a whole number from 0 to 65535" in capsys.readouterr().err


NUMERIC = [
    n for n, field in Settings.model_fields.items() if kind_of(field.annotation) in {int, float}
]


@pytest.mark.parametrize("name", NUMERIC)
def test_numeric_settings_say_what_is_allowed(name: str, no_settings: pytest.MonkeyPatch) -> None:
    """A setting that is no allowed number: its name, what is allowed, what it is when left out."""
    field = Settings.model_fields[name]
    most = max((b.le for b in metadata_of(field) if getattr(b, "le", None)), default=None)
    for value in ("-1", "abc", "1,5", *(() if most is None else (str(most + 1),))):
        no_settings.setenv(f"ROADMAP_{name.upper()}", value)
        with pytest.raises(SettingsError) as caught:
            load_settings()
        assert f"ROADMAP_{name.upper()}: must be a " in caught.value.message
        assert "number" in caught.value.message
        assert "; left out it is " in caught.value.message
        assert not any(raw in caught.value.message for raw in RAW)


@pytest.fixture(scope="module")
def wide_help() -> dict[str, str]:
    """What `--help` says of each command where no line has to be broken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.rich_utils.MAX_WIDTH", 1000)
        shown = {n: CliRunner().invoke(app, [*n.split(), "--help"]).output for n in COMMANDS}
    return {name: " ".join(text.replace("│", " ").split()) for name, text in shown.items()}


def test_each_option_tells_its_default(wide_help: dict[str, str]) -> None:
    """`--help` and the reference tell of every option what happens without it, and the same."""
    reference = cli_reference()
    for name, param in OPTIONS:
        if not param.required:
            told = param.show_default if isinstance(param.show_default, str) else param.default
            told = getattr(told, "value", told)
            assert told is not None, (name, param.opts)
            assert f"{told}" in wide_help[name].partition(f" {param.opts[0]} ")[2]
            assert f"{told}" in reference.partition(f"### `roadmap {name}")[2]


def test_the_help_shows_all_of_each_text(wide_help: dict[str, str]) -> None:
    """Nothing of an option's help is taken for markup and lost."""
    for name, command in COMMANDS.items():
        for param in command.params:
            assert " ".join(param.help.split()) in wide_help[name], (name, param.opts)


def test_the_defaults_of_up_are_true(no_settings: pytest.MonkeyPatch) -> None:
    """The ports and the address that are told are those that are taken."""
    told: dict[str, Any] = {p.opts[0]: p.show_default for n, p in OPTIONS if n == "up"}
    settings = load_settings()
    assert f"else {settings.api_port} " in told["--port"]
    assert settings.api_port == API_PORT
    assert told["--host"].endswith(settings.api_host)
    assert told["--flower-port"].startswith(str(FLOWER_PORT))
    assert settings.metrics_port is None


def test_a_migration_behind_a_backup() -> None:
    """Tables that others use for too long are told apart from a server that does not answer."""
    with pytest.raises(CommandError, match="Nothing was changed; try again"), answering():
        raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout")
