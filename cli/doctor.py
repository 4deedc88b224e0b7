"""`roadmap doctor`: looks at everything the program needs and says what is wrong."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.arguments import JsonOption
from cli.console import emit_json
from cli.data_dir import DEFAULT, DataDir
from cli.exits import EPILOG, ExitCode
from cli.findings import Finding
from core.redaction import redact

if TYPE_CHECKING:
    from core.settings import Settings

app = typer.Typer()


@app.command(epilog=EPILOG)
def doctor(
    *,
    data_dir: Annotated[Path, typer.Option(help="The stack to look at.")] = DEFAULT,
    llm: Annotated[
        bool, typer.Option("--llm", help="Let the language model write a roadmap of one concept.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Look at settings, servers, workers and the language model.

    What is required and wrong is red and ends with exit code 1; what is only recommended is
    yellow. Secrets are never shown. Servers and workers are those of the data-dir's running stack,
    else of the settings; language model, search and workflows are those of this shell's settings.
    """
    findings = [
        replace(each, message=redact(each.message)) for each in examine(DataDir(data_dir), llm=llm)
    ]
    ok = all(finding.ok for finding in findings if finding.required)
    if json:
        emit_json(
            {
                "ok": ok,
                "required": [f.as_json() for f in findings if f.required],
                "recommended": [f.as_json() for f in findings if not f.required],
            }
        )
    else:
        _print(findings)
    if not ok:
        raise typer.Exit(ExitCode.FAILED)


def examine(folder: DataDir, *, llm: bool = False) -> list[Finding]:
    """Return everything that was found; with `llm` the language model is really called."""
    from cli.postgres_checks import check_postgres
    from cli.provider_checks import check_provider, check_search
    from cli.service_checks import (
        check_broker,
        check_redis,
        check_workers,
    )
    from cli.setup_checks import check_auth, check_binaries, check_data_dir
    from cli.troubles import check_api
    from cli.workflow_checks import check_workflows
    from core.errors import SettingsError
    from core.pulse import pulse_folder
    from core.settings import load_settings

    try:
        settings = load_settings()
    except SettingsError as error:
        return [Finding(name="settings", ok=False, message=error.message)]
    stack = folder.read_stack() or {}
    given = settings.model_fields_set
    database_url = stack.get("database_url")
    if "database_url" in given:
        database_url = settings.database_url.get_secret_value()
    findings = [
        Finding(name="settings", ok=True, message="valid"),
        check_data_dir(folder),
        *check_binaries(settings),
        *check_auth(settings, folder),
        *check_provider(settings, call=llm, database_url=database_url),
        *check_search(settings),
    ]
    redis_url = stack.get("redis_url")
    if "redis_url" in given:
        redis_url = settings.redis_url.get_secret_value()
    broker_url = settings.broker if settings.broker_url else stack.get("broker_url", redis_url)
    api_url = settings.api_url or stack.get("api_url")
    if database_url:
        findings += check_postgres(database_url, settings)
    findings += check_workflows(settings, database_url=database_url)
    if redis_url:
        findings += check_redis(redis_url, name="Redis")
    if broker_url and broker_url != redis_url:
        findings += check_broker(broker_url)
    if broker_url:
        prefix = settings.redis_prefix or folder.redis_prefix()
        pulses = folder.pulses_by(settings) if stack else pulse_folder(settings)
        findings.append(check_workers(broker_url, prefix=prefix, pulses=pulses))
    if api_url:
        findings.append(check_api(api_url.rstrip("/")))
    findings += _of_another_shell(folder.kept_settings() if stack else {}, settings)
    if not stack and not api_url and folder.foreign() is None:
        said = f"none is running on {folder.path}; start one with `roadmap up`"
        findings.append(Finding(name="stack", ok=False, message=said, required=False))
    return findings


def _of_another_shell(given: dict[str, str], settings: "Settings") -> list[Finding]:
    """Tell of what the stack was started with, and this shell does not say: it is looked at here.

    The settings of processes that run are their own; a doctor sees those of its own shell.
    """
    from cli.plan import open_settings
    from core.given import PREFIX

    here = open_settings(settings)
    other = {name: text for name, text in given.items() if here.get(name) != text}
    if not other:
        return []
    told = " ".join(f"{PREFIX}{name.upper()}={text}" for name, text in sorted(other.items()))
    said = (
        f"the stack was started with {told}, this shell was not: what is said above of language"
        " model, search and workflows is of this shell. Set the same here and ask again"
    )
    return [Finding(name="settings of the stack", ok=False, message=said, required=False)]


def _print(findings: list[Finding]) -> None:
    from rich.text import Text

    from cli.console import make_console, shown
    from cli.hints import complete

    console = make_console()
    for title, required, bad in (("Required", True, "red"), ("Recommended", False, "yellow")):
        kept = [finding for finding in findings if finding.required is required]
        if kept:
            console.print(Text(title, style="bold"))
        for finding in kept:
            style = "green" if finding.ok else bad
            mark = "ok  " if finding.ok else "BAD " if required else "hint"
            line = Text(f"  {mark} ", style=style).append(f"{finding.name}: ", style="bold")
            console.print(
                line.append(shown(complete(finding.message), "" if finding.ok else style)),
                soft_wrap=True,
            )
