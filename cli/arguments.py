"""What commands are given alike: the stack they are about, and how they answer."""

from pathlib import Path
from typing import Annotated

import typer

from cli.completion import any_task, failed_task, reviewed_task, running_task

DataDirOption = Annotated[
    Path, typer.Option("--data-dir", help="The stack to talk to, unless ROADMAP_API_URL is set.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Approve every review.")]

PART_OF_ID = "whole, or eight or more characters of its end or beginning."
_TASK = {"metavar": "TASK", "help": f"The task's id, {PART_OF_ID}"}
AnyTask = Annotated[str, typer.Argument(**_TASK, autocompletion=any_task)]
RunningTask = Annotated[str, typer.Argument(**_TASK, autocompletion=running_task)]
FailedTask = Annotated[str, typer.Argument(**_TASK, autocompletion=failed_task)]
ReviewedTask = Annotated[str, typer.Argument(**_TASK, autocompletion=reviewed_task)]
