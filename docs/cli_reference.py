"""The reference of the command line, made from the commands themselves."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from typer.main import get_command

from cli.exits import ExitCode
from cli.main import app
from wiring.common import bring_workflows
from workflow.audit import meanings

bring_workflows()

if TYPE_CHECKING:
    from collections.abc import Iterator

MEANS: Final = {
    ExitCode.DONE: "done; also when a reader left early (`roadmap list \\| head -1`)",
    ExitCode.FAILED: "the task failed or was cancelled; `doctor`, `db check`, `probe`: something"
    " is wrong; the API refuses a change in this state (409); a file or statement did not do",
    ExitCode.USAGE: "the command was called wrongly, a setting is wrong, or there is no such task",
    ExitCode.PARTIAL: "partly failed: some contents are missing, the rest is usable",
    ExitCode.UNREACHABLE: "a service does not answer; the message says which and how to start it",
    ExitCode.REVIEW: "a review waits for a decision",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); the task goes on",
}
_VALUES: Final = {int: "NUMBER", Path: "PATH"}
EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "up": (
        "roadmap up",
        "roadmap up --data-dir /srv/roadmap --host 127.0.0.1 --port 0 --workers 2 --no-flower",
    ),
    "demo": ('roadmap demo "learn to bake sourdough bread"',),
    "generate": (
        'roadmap generate "Learn Rust"',
        'roadmap generate "Learn Rust" --level intermediate --hours-per-week 6 --yes',
        'roadmap generate "Learn Rust" --no-review --detach --json',
    ),
    "workflows": ("roadmap workflows", "roadmap workflows check"),
    "run": (
        'roadmap run book --input \'{"topic": "Kites"}\'',
        "roadmap run book --input @request.json --no-review --detach --json",
    ),
    "new": ("roadmap new my-book",),
    "watch": ("roadmap watch TASK", "roadmap watch TASK --json"),
    "list": ("roadmap list --status partial_failure --limit 5", "roadmap list --json"),
    "show": (
        "roadmap show TASK",
        'roadmap show TASK --concept "Ownership"',
        "roadmap show TASK --timeline",
    ),
    "review": (
        "roadmap review TASK",
        "roadmap review TASK --approve --version 3",
        'roadmap review TASK --reject "More practice, less theory"',
        "roadmap review TASK --edits edits.json",
    ),
    "retry": ("roadmap retry TASK --watch",),
    "cancel": ("roadmap cancel TASK",),
    "token": (
        "roadmap token",
        "roadmap token --user alice --ttl 1h",
        "roadmap token --user root --role admin",
    ),
    "revoke": ("roadmap revoke --user alice", "roadmap revoke --id Zr3k2nQfK1tW0xYp"),
    "open": ("roadmap open", "roadmap open --no-browser"),
    "doctor": ("roadmap doctor", "roadmap doctor --json"),
    "redis": ("roadmap redis --json",),
    "completion": ("source <(roadmap completion bash)", "roadmap completion fish"),
    "samples": ("roadmap samples", "roadmap samples --to roadmap-deploy"),
    "worker": ("roadmap worker --concurrency 16",),
    "beat": ("roadmap beat --pidfile=",),
    "flower": ("roadmap flower --port=5555",),
    "api": ("roadmap api --host 127.0.0.1 --port 8000",),
    "db upgrade": ("roadmap db upgrade",),
    "queue rejected": ("roadmap queue rejected --limit 5",),
    "schedule list": ("roadmap schedule list",),
    "schedule pause": ("roadmap schedule pause purge",),
    "schedule resume": ("roadmap schedule resume purge",),
    "schedule run": ("roadmap schedule run purge",),
    "probe worker": ("roadmap probe worker", "roadmap probe worker --alive --json"),
    "db shell": (
        "roadmap db shell",
        'roadmap db shell -c "SELECT status, count(*) FROM roadmap_tasks GROUP BY 1"',
    ),
    "db check": ("roadmap db check", "roadmap db check --repair --json"),
}
"""By command; a test holds each against the command's own options."""


def cli_reference() -> str:
    """Return the reference as Markdown."""
    lines = [
        "# The command line",
        "",
        "Generated from the commands by `make docs`; `roadmap COMMAND --help` says the same.",
        "",
        (
            "Client commands find their stack by `--data-dir` (its `stack.json`), or by"
            " `ROADMAP_API_URL` and `ROADMAP_TOKEN`."
        ),
        (
            "With `--json` a command writes one JSON document, or one a line, on stdout, and"
            " everything else on stderr."
        ),
        (
            "Completion of words, statuses and task ids: `source <(roadmap completion bash)`; zsh"
            " and fish alike."
        ),
        "",
        "## Exit codes",
        "",
        "| code | means |",
        "| --- | --- |",
        *(f"| {code.value} | {MEANS[code]} |" for code in ExitCode),
        "",
        "## Commands",
    ]
    for name, command in commands(get_command(app)):
        lines += ["", *_command(name, command)]
    lines += ["", *_findings()]
    return "\n".join(lines) + "\n"


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command with its full name, in the order of `--help`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _command(name: str, command: Any) -> list[str]:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option"]
    words = " ".join(
        _metavar(argument) if argument.required else f"[{_metavar(argument)}]"
        for argument in arguments
    )
    lines = [f"### `{' '.join(f'roadmap {name} {words}'.split())}`", "", *_prose(command.help)]
    if options or arguments:
        lines += ["", "| | means | default |", "| --- | --- | --- |"]
    lines += [
        f"| `{_metavar(argument)}` | {_cell(argument.help)} | {_default(argument)} |"
        for argument in arguments
    ]
    lines += [
        f"| {_names(option)} | {_cell(option.help)} | {_default(option)} |" for option in options
    ]
    if examples := EXAMPLES.get(name):
        lines += ["", "```sh", *examples, "```"]
    return lines


def _findings() -> Iterator[str]:
    yield "## What `roadmap db check` can find"
    yield ""
    yield "Without a word about `--repair` only a human can tell what is right."
    yield ""
    yield "| finding | means | `--repair` | else |"
    yield "| --- | --- | --- | --- |"
    for kind, meaning in meanings().items():
        yield f"| `{kind}` | {meaning.means} | {meaning.mended or ''} | {meaning.advice} |"


def _prose(text: str | None) -> list[str]:
    paragraphs = (text or "").strip().split("\n\n")
    joined = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return joined.split("\n")


def _names(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {_value(option)}"


def _value(option: Any) -> str:
    annotation = option.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "`" + "` or `".join(str(member.value) for member in annotation) + "`"
    return str(option.metavar or _VALUES.get(annotation, "TEXT"))


def _metavar(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _cell(text: str | None) -> str:
    return " ".join((text or "").replace("|", "\\|").split())


def _default(param: Any) -> str:
    if isinstance(param.show_default, str):
        return str(param.show_default)
    value = param.default
    if value is False:
        return "off"
    if value is None or param.required or callable(value):
        return ""
    return f"`{getattr(value, 'value', value)}`"
