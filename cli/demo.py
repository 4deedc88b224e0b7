"""`roadmap demo`: starts a stack and shows how one roadmap is made, its review included."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.console import note
from cli.data_dir import DataDir
from cli.exits import EPILOG, CommandError, ExitCode, usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.client import Client

GOAL: Final = "Learn Rust well enough to write a command-line tool"
FOLDER: Final = Path(".roadmap-demo")
LATENCY: Final = "ROADMAP_SAMPLE_LATENCY_S"
PACE_S: Final = "0.5"
"""The sample author's pace in the demo, unless set: slow enough to watch."""
_EXCERPT_LINES: Final = 16
_STOP_S: Final = 60.0
_LOOK_S: Final = 0.2

app = typer.Typer()


@app.command(epilog=EPILOG)
def demo(
    goal: Annotated[
        str, typer.Argument(envvar="GOAL", show_default=False, help="What to learn.")
    ] = GOAL,
    *,
    data_dir: Annotated[Path, typer.Option(help="Where the stack's data lives.")] = FOLDER,
    json: Annotated[bool, typer.Option("--json", help="Events as JSON lines on stdout.")] = False,
) -> None:
    """Start a stack, generate a roadmap with a review on the way, show it, stop the stack.

    A stack that is running on the data-dir already is used and left running.
    """
    from contextlib import contextmanager

    goal = goal or GOAL
    _check(goal)
    folder = DataDir(data_dir)
    folder.check_ours()
    running = contextmanager(_running_stack)
    with running(folder) as ours:
        code = _walk(goal, data_dir, json=json, ends=ours)
        if ours:
            note("Stopping the stack")
    if code is ExitCode.INTERRUPTED and ours:
        note("The task waits in the data-dir; it goes on once the stack is there: `roadmap up`")
    if code is not ExitCode.DONE:
        raise typer.Exit(code)
    if ours:
        note("To keep a stack running, with its pages, its API and Flower: `roadmap up`")


def _check(goal: str) -> None:
    """Refuse a goal that the API would refuse, before anything is started for it."""
    from core.errors import InvalidRequestError
    from core.request_shapes import parse_request
    from roadmaps.requests import TaskRequest

    try:
        parse_request(TaskRequest, {"goal": goal})
    except InvalidRequestError as error:
        raise usage(error.message) from None


def _walk(goal: str, data_dir: Path, *, json: bool, ends: bool) -> ExitCode:
    from cli.client import Client
    from cli.watching import Watch

    with Client(data_dir) as client:
        task = client.submit(goal, review=True)
        watch = Watch(client, task, json=json, approve=True, showcase=True, ends=ends)
        code = watch.run()
        if not json and watch.model.roadmap_id is not None:
            _excerpt(client, client.roadmap(watch.model.roadmap_id))
    return code


def _excerpt(client: "Client", roadmap: dict[str, Any]) -> None:
    """Print the beginning of the first tutorial that is ready."""
    from cli.console import make_console, shown_markdown
    from cli.outline_view import concepts
    from cli.showing import tutorial_excerpt

    for concept in concepts(roadmap):
        if concept["contents"]["tutorial"]["status"] == "completed":
            page = client.concept(roadmap["roadmap_id"], concept["concept_id"])
            console = make_console()
            console.rule("from the first tutorial")
            excerpt = tutorial_excerpt(page["tutorial"]["markdown"], lines=_EXCERPT_LINES)
            console.print(shown_markdown(excerpt))
            console.rule()
            return


def _running_stack(folder: DataDir) -> "Iterator[bool]":
    """Use the stack on the folder, or run one as long as we need it; yield whether it is ours."""
    if folder.is_locked() and folder.read_stack() is not None:
        note(f"Using the stack that runs on {folder.path}")
        yield False
        return
    note("Starting PostgreSQL, Redis, a worker, the scheduler and the API")
    reader, writer = os.pipe()
    # In a session of its own: Ctrl-C is for us, we stop it in order; so does the kernel if we die.
    args = [sys.executable, "-P", "-m", "cli", "up", "--data-dir", str(folder.path), "--no-flower"]
    from embedded import spawn_child, stop_child

    process = spawn_child(
        args,
        env={LATENCY: PACE_S, **os.environ},
        log=writer,
        death_signal=signal.SIGTERM,
    )
    os.close(writer)
    _import_client()
    ready, over = threading.Event(), threading.Event()
    reading = threading.Thread(target=_forward, args=(reader, ready, over), daemon=True)
    reading.start()
    try:
        while not ready.wait(_LOOK_S):
            if process.poll() is not None:
                reading.join(_LOOK_S)
                raise _not_started(process.returncode)
        yield True
    finally:
        over.set()
        stop_child(process, steps=[(signal.SIGTERM, _STOP_S)])


def _not_started(code: int) -> CommandError:
    """Return our error for an `up` that ended; it has said why, and its code is ours."""
    known = {int(each) for each in ExitCode} - {int(ExitCode.DONE)}
    end = ExitCode(code) if code in known else ExitCode.FAILED
    return CommandError("The stack did not start; the reason stands above.", end)


def _import_client() -> None:
    """Load what we need later while the stack's processes start."""
    import cli.client
    import cli.watching  # noqa: F401


def _forward(reader: int, ready: threading.Event, over: threading.Event) -> None:
    """Pass on what the stack says, on stderr, until we stop it; notice when it is ready.

    Its addresses are for those who stay: they end with the demo.
    """
    addresses = False
    with os.fdopen(reader, encoding="utf-8", errors="replace") as output:
        for line in output:
            if line.startswith("ready "):
                ready.set()
                addresses = False
                continue
            addresses |= line.startswith("Open ")
            if not addresses and not over.is_set():
                note(f"  {line.rstrip()}")
