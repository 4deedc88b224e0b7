"""`roadmap probe worker`: does the worker on this machine take messages? For orchestrators."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.console import emit, emit_json
from cli.data_dir import DEFAULT, DataDir
from cli.exits import EPILOG, ExitCode
from core.pulse import Pulse, pulse_folder, read_pulses

app = typer.Typer(help="Probes for orchestrators.", no_args_is_help=True, epilog=EPILOG)

_NUDGE_S: Final = 1.0
_EXPIRES_S: Final = 15


@app.callback()
def _probes() -> None:
    """Probes for orchestrators: exit code 0 is healthy, 1 is not."""


@app.command(epilog=EPILOG)
def worker(
    *,
    node: Annotated[
        str | None, typer.Option(help="Its node name.  [default: the only one here]")
    ] = None,
    alive: Annotated[
        bool,
        typer.Option("--alive", help="Only that it does not hang: for liveness, without a broker."),
    ] = False,
    within: Annotated[
        float, typer.Option(min=1, help="A message taken so many seconds ago is proof enough.")
    ] = 60.0,
    timeout: Annotated[
        float, typer.Option(min=1, help="Else so many seconds are tried to have it take one.")
    ] = 10.0,
    data_dir: Annotated[
        Path, typer.Option(help="The stack whose worker it is, unless BROKER_URL is set.")
    ] = DEFAULT,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")] = False,
) -> None:
    """Prove that the worker on this machine consumes, not only that it lives.

    It does when it took a message lately, when all its slots are in use, or when it takes one of
    the harmless messages (`maintenance.recover`) that are then sent.
    """
    found = read_pulses()
    names = sorted(pulse.node for pulse in found)
    if node is None and len({p.node for p in found if p.hangs(time.time()) is None}) > 1:
        problem: str | None = f"there are several: {', '.join(names)}; name one with --node"
    elif not any(node in {None, name} for name in names):
        problem = f"no worker{f' {node}' if node else ''} writes to {pulse_folder()}"
    else:
        seen = next(pulse for pulse in found if node in {None, pulse.node})
        node = seen.node
        problem = seen.hangs(time.time())
        if problem is None and not alive:
            problem = _proof(seen, within_s=within, timeout_s=timeout, nudge=_nudge(data_dir))
    if json:
        emit_json({"ok": problem is None, "node": node, "problem": problem})
    else:
        emit(f"{node or 'worker'}: {problem or ('alive' if alive else 'consumes')}")
    if problem is not None:
        raise typer.Exit(ExitCode.FAILED)


def _proof(
    seen: Pulse, *, within_s: float, timeout_s: float, nudge: Callable[[str], None]
) -> str | None:
    """Return why it does not consume, or None when it is proved that it does."""
    deadline, nudged_at = time.monotonic() + timeout_s, 0.0
    before = seen.consumed
    while True:
        problem = seen.hangs(time.time()) or seen.deaf(time.time())
        if problem is not None:
            return problem
        if seen.consumed > before or seen.proved(time.time(), within_s=within_s):
            return None
        if time.monotonic() > deadline:
            return f"took none of the messages of {timeout_s:.0f} s, with slots free"
        if time.monotonic() - nudged_at > _NUDGE_S:
            nudged_at = time.monotonic()
            try:
                nudge(seen.wanted[-1])
            except OSError as error:
                return f"the broker cannot be reached: {error}"
        time.sleep(0.2)
        seen = next((pulse for pulse in read_pulses() if pulse.node == seen.node), seen)


def _nudge(data_dir: Path) -> Callable[[str], None]:
    """Return what sends a harmless message to a queue; whoever waits longest takes it."""

    def send(queue: str) -> None:
        from celery import Celery  # half a second, rarely needed
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        from core.settings import load_settings

        settings = load_settings()
        url = settings.broker
        if not settings.model_fields_set & {"broker_url", "redis_url"}:
            url = (DataDir(data_dir).read_stack() or {}).get("broker_url", url)
        client = Celery("roadmap-probe", broker=url, set_as_current=False)
        try:
            client.send_task("maintenance.recover", queue=queue, expires=_EXPIRES_S, retry=False)
        except (OperationalError, RedisError) as error:
            raise OSError(type(error).__name__) from None
        finally:
            client.close()

    return send
