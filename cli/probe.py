"""`roadmap probe worker`: does the worker on this machine take messages? For orchestrators."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.arguments import JsonOption
from cli.console import emit, emit_json
from cli.data_dir import DEFAULT, DataDir
from cli.exits import EPILOG, ExitCode
from core.jobs import JobName
from core.pulse import Pulse, pulse_folder, read_pulses
from core.wire_names import broker_options

app = typer.Typer(help="Probes for orchestrators.", no_args_is_help=True, epilog=EPILOG)

_NUDGE_S: Final = 1.0
_EXPIRES_S: Final = 15
_A_DAY_S: Final = 86400


@app.callback()
def _probes() -> None:
    """Probes for orchestrators: exit code 0 is healthy, 1 is not."""


@app.command(epilog=EPILOG)
def worker(
    *,
    node: Annotated[
        str | None, typer.Option(help="Its node name.", show_default="the only one here")
    ] = None,
    alive: Annotated[
        bool,
        typer.Option("--alive", help="Only that it does not hang: for liveness, without a broker."),
    ] = False,
    within: Annotated[
        float,
        typer.Option(
            min=1, max=_A_DAY_S, help="A message taken so many seconds ago is proof enough."
        ),
    ] = 60.0,
    timeout: Annotated[
        float,
        typer.Option(
            min=1, max=_A_DAY_S, help="Else so many seconds are tried to have it take one."
        ),
    ] = 10.0,
    data_dir: Annotated[
        Path, typer.Option(help="The stack whose worker it is, unless BROKER_URL is set.")
    ] = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Prove that the worker on this machine consumes, not only that it lives.

    It does when it took a message lately, when all its slots are in use, or when it takes one of
    the harmless messages (`maintenance.recover`) that are then sent; and it must tell of itself
    while it is looked at, which it does once a second. So a frozen one is red after --timeout at
    the latest; with --alive, which must not be hasty, 15 s after it froze.
    """
    folder = _folder(data_dir)
    found = read_pulses(folder)
    names = sorted(pulse.node for pulse in found)
    if node is None and len({p.node for p in found if p.hangs(time.time()) is None}) > 1:
        problem: str | None = f"there are several: {', '.join(names)}; name one with --node"
    elif not any(node in {None, name} for name in names):
        problem = f"no worker{f' {node}' if node else ''} writes to {folder}"
    else:
        seen = next(pulse for pulse in found if node in {None, pulse.node})
        node = seen.node
        problem = seen.hangs(time.time())
        if problem is None and not alive:
            look = _Look(folder=folder, nudge=_nudge(data_dir))
            problem = look.proof(seen, within_s=within, timeout_s=timeout)
    remark = None if problem else seen.remark(time.time())
    if json:
        told = {} if remark is None else {"remark": remark}
        emit_json({"ok": problem is None, "node": node, "problem": problem, **told})
    else:
        well = "alive" if alive else "consumes"
        emit(f"{node or 'worker'}: {problem or (f'{well}, but {remark}' if remark else well)}")
    if problem is not None:
        raise typer.Exit(ExitCode.FAILED)


@dataclass(frozen=True, kw_only=True)
class _Look:
    """Where a worker's pulse is read, and how it is asked to prove itself."""

    folder: Path
    nudge: Callable[[str], None]

    def proof(self, seen: Pulse, *, within_s: float, timeout_s: float) -> str | None:
        """Return why it does not consume, or None when it is proved that it does."""
        began, nudged_at = time.time(), 0.0
        before = seen.consumed
        while True:
            now = time.time()
            problem = seen.hangs(now) or seen.deaf(now)
            if problem is not None:
                return problem
            taken = seen.consumed > before or seen.proved(now, within_s=within_s)
            if taken and seen.at >= began:
                return None
            if now - began > timeout_s:
                return _not_proved(seen, began, timeout_s)
            if not taken and now - nudged_at > _NUDGE_S:
                nudged_at = now
                try:
                    self.nudge(seen.wanted[-1])
                except OSError as error:
                    return f"the broker cannot be reached: {error}"
            time.sleep(0.2)
            said = read_pulses(self.folder)
            seen = next((pulse for pulse in said if pulse.node == seen.node), seen)


def _not_proved(seen: Pulse, began: float, timeout_s: float) -> str:
    if seen.at < began:
        return f"says nothing since {time.time() - seen.at:.0f} s: it was killed, or is frozen"
    return f"took none of the messages of {timeout_s:.0f} s, with slots free"


def _folder(data_dir: Path) -> Path:
    """Return where the worker in question writes: to the stack's folder, or as the settings say."""
    from core.settings import load_settings

    stack, settings = DataDir(data_dir), load_settings()
    named = data_dir != DEFAULT or (settings.pulse_dir is None and stack.is_locked())
    if not named:
        return pulse_folder(settings)
    stack.check_ours()
    return stack.pulses


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
        prefix = settings.redis_prefix or DataDir(data_dir).redis_prefix()
        client = Celery("roadmap-probe", broker=url, set_as_current=False)
        client.conf.broker_transport_options = broker_options(prefix, url)
        try:
            client.send_task(
                JobName.RECOVER.celery_name, queue=queue, expires=_EXPIRES_S, retry=False
            )
        except (OperationalError, RedisError) as error:
            raise OSError(type(error).__name__) from None
        finally:
            client.close()

    return send
