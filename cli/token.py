"""`roadmap token`: a bearer token for somebody."""

import re
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.console import emit, emit_json
from cli.data_dir import DEFAULT, DataDir
from cli.exits import EPILOG, usage

app = typer.Typer()

_TTL: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhd]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@app.command(epilog=EPILOG)
def token(
    *,
    user: Annotated[str, typer.Option(help="Whom it speaks for.")],
    role: Annotated[str | None, typer.Option(help="`admin` may see everybody's tasks.")] = None,
    ttl: Annotated[str, typer.Option(help="How long it is good: 30m, 1h, 7d, or seconds.")] = "1h",
    data_dir: Annotated[
        Path, typer.Option(help="The stack whose secret signs, unless AUTH_SECRET is set.")
    ] = DEFAULT,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")] = False,
) -> None:
    """Mint a bearer token, signed by ROADMAP_AUTH_SECRET or the data-dir's secret."""
    from core.settings import load_settings
    from core.tokens import mint_token

    if not user.strip():
        raise usage("--user must not be empty.")
    ttl_s = parse_ttl(ttl)
    given = load_settings().auth_secret
    folder = DataDir(data_dir)
    secret = given.get_secret_value() if given is not None else folder.known_auth_secret()
    if secret is None:
        raise usage(
            f"There is no secret to sign with: {folder.path} has none (no stack ran there yet) and "
            "ROADMAP_AUTH_SECRET is not set. Start `roadmap up`, or name its --data-dir."
        )
    minted = mint_token(secret, user=user, role=role, ttl_s=ttl_s)
    if json:
        expires_at = int(time.time() + ttl_s)
        emit_json({"token": minted, "user": user, "role": role, "expires_at": expires_at})
    else:
        emit(minted)


def parse_ttl(text: str) -> float:
    """Return a duration in seconds.

    Raises:
        CommandError: It is none, or not above zero.
    """
    match = _TTL.fullmatch(text.strip().lower())
    seconds = float(match["number"]) * _UNITS[match["unit"]] if match else 0.0
    if seconds <= 0:
        raise usage(f"--ttl {text}: give a duration such as 30m, 1h or 7d.")
    return seconds
