"""The `roadmap` command: puts the commands together."""

import errno
from typing import Annotated, Any, Final

import typer
from typer._click.exceptions import UsageError
from typer.core import TyperGroup

from cli import (
    completion,
    credentials,
    database,
    database_shell,
    demo,
    doctor,
    new_command,
    probe,
    processes,
    queue_commands,
    redis_report,
    review_command,
    samples,
    schedule_commands,
    show_command,
    task_commands,
    up,
    workflow_commands,
)
from cli.command_words import read_words
from cli.complaints import complaint, is_complaint
from cli.console import emit, nobody_reads, note, prepare
from cli.exits import EPILOG, CommandError, ExitCode
from core.environment import leave_behind
from core.errors import AppError
from core.redaction import redact

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when a file takes no more."""


class Commands(TyperGroup):
    """Ends a command that raised one of our errors with its message and exit code."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the words before the command's name."""
        try:
            return super().make_context(*args, **kwargs)
        except UsageError as error:
            raise self._refused(error) from None
        except OSError as error:
            raise self._unwritten(error) from None
        except SystemExit as error:
            raise self._ended(error) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise self._refused(error) from None
        except CommandError as error:
            note(f"Error: {redact(error.message)}")
            raise typer.Exit(error.exit_code) from None
        except AppError as error:
            note(f"Error: {redact(error.message)}")
            raise typer.Exit(ExitCode.USAGE) from None
        except BrokenPipeError:
            nobody_reads()
            raise typer.Exit(ExitCode.DONE) from None
        except OSError as error:
            raise self._unwritten(error) from None
        except SystemExit as error:
            raise self._ended(error) from None
        except KeyboardInterrupt:
            note("\nInterrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None

    @staticmethod
    def _ended(error: SystemExit) -> BaseException:
        """Return how to end where rich ends us; that nobody reads a help to its end is fine."""
        left = isinstance(error.__context__, BrokenPipeError)
        return typer.Exit(ExitCode.DONE) if left else error

    @staticmethod
    def _unwritten(error: OSError) -> Exception:
        """Say which file takes no more, the output's mostly."""
        if error.errno not in _FULL:
            return error
        nobody_reads()
        where = f"{error.filename} " if error.filename else "What this command prints "
        note(f"Error: {where}cannot be written: {error.strerror}.")
        return typer.Exit(ExitCode.FAILED)

    @staticmethod
    def _refused(error: UsageError) -> Exception:
        """Say what is wrong with the words; the help is shown by typer."""
        if not is_complaint(error):
            return error
        note(f"Error: {complaint(error)}")
        return typer.Exit(ExitCode.USAGE)


app = typer.Typer(
    cls=Commands,
    help="Learning roadmaps by a durable, reviewable workflow.",
    epilog=EPILOG,
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)
for _part in (
    up,
    demo,
    task_commands,
    show_command,
    review_command,
    workflow_commands,
    credentials,
    doctor,
    redis_report,
    completion,
    samples,
    processes,
    new_command,
):
    app.registered_commands += _part.app.registered_commands
database.app.registered_commands += database_shell.app.registered_commands
app.add_typer(database.app, name="db")
app.add_typer(schedule_commands.app, name="schedule")
app.add_typer(queue_commands.app, name="queue")
app.add_typer(probe.app, name="probe")
read_words(app, database.app, schedule_commands.app, queue_commands.app, probe.app)


@app.callback()
def _root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        emit(version_of("roadmap-worker"))
        raise typer.Exit


def main() -> None:
    """Run the command that the words on the command line name."""
    prepare()
    for each in leave_behind():
        note(f"{each}.")
    app()
