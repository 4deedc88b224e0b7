"""`roadmap open`: the pages in a browser that is signed in."""

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from cli.console import emit, emit_json, note
from cli.data_dir import DEFAULT, DataDir
from cli.discovery import find_target
from cli.exits import EPILOG
from cli.token import signing_secret

app = typer.Typer()


@app.command("open", epilog=EPILOG)
def open_pages(
    *,
    data_dir: Annotated[Path, typer.Option(help="The stack to open.")] = DEFAULT,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")] = False,
) -> None:
    """Print an address that signs a browser in, once, within 10 minutes; on a terminal, open it.

    Whoever opens it is the admin `local`, until they sign out or for a week.
    """
    from core.settings import load_settings
    from core.signin_codes import TTL_S, make_code, signin_url

    settings = load_settings()
    target = find_target(data_dir)
    if settings.auth == "none":
        url = f"{target.api_url}/"
    else:
        code = make_code(signing_secret(DataDir(data_dir), settings))
        url = signin_url(target.api_url, code)
    if json:
        emit_json({"url": url, "expires_in": None if settings.auth == "none" else TTL_S})
        return
    emit(url)
    if not no_browser and sys.stdout.isatty() and not webbrowser.open(url):
        note("No browser could be started here; open the address yourself.")
