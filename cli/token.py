"""`roadmap token`: a bearer token for somebody."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.console import emit, emit_json
from cli.data_dir import DEFAULT, DataDir
from cli.exits import EPILOG, usage

if TYPE_CHECKING:
    from core.settings import Settings

app = typer.Typer()

LOCAL_USER: Final = "local"
ADMIN_ROLE: Final = "admin"

_TTL: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhd]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@app.command(epilog=EPILOG)
def token(
    *,
    user: Annotated[
        str | None,
        typer.Option(help="Whom it speaks for.", show_default="`local`, the admin, as `up` itself"),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            help="`admin` may see everybody's tasks.",
            show_default="none with --user, else `admin`",
        ),
    ] = None,
    ttl: Annotated[str, typer.Option(help="How long it is good: 30m, 1h, 7d, or seconds.")] = "1h",
    data_dir: Annotated[
        Path, typer.Option(help="The stack whose secret signs, unless AUTH_SECRET is set.")
    ] = DEFAULT,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")] = False,
) -> None:
    """Mint a bearer token, signed by ROADMAP_AUTH_SECRET or the data-dir's secret."""
    from core.settings import load_settings
    from core.tokens import mint_token

    if user is not None and not user.strip():
        raise usage("--user must not be empty.")
    settings = load_settings()
    ttl_s = parse_ttl(ttl)
    longest_s = settings.token_max_days * _UNITS["d"]
    if ttl_s > longest_s:
        raise usage(
            f"--ttl {ttl}: a token may be good for {settings.token_max_days:g} days at most; "
            "ROADMAP_TOKEN_MAX_DAYS of the API changes that."
        )
    if user is None:
        user, role = LOCAL_USER, role or ADMIN_ROLE
    minted = mint_token(
        signing_secret(DataDir(data_dir), settings),
        user=user,
        role=role,
        ttl_s=ttl_s,
        issuer=settings.auth_issuer,
        audience=settings.auth_audience,
    )
    if json:
        expires_at = int(time.time() + ttl_s)
        emit_json({"token": minted, "user": user, "role": role, "expires_at": expires_at})
    else:
        emit(minted)


def signing_secret(folder: DataDir, settings: "Settings") -> str:
    """Return what signs for a stack: AUTH_SECRET, else the data-dir's secret.

    Raises:
        CommandError: There is none.
    """
    given = settings.auth_secret
    secret = given.get_secret_value() if given is not None else folder.known_auth_secret()
    if secret is None:
        raise usage(
            f"There is no secret to sign with: {folder.path} has none (no stack ran there yet) and "
            "ROADMAP_AUTH_SECRET is not set. Start `roadmap up`, or name its --data-dir."
        )
    return secret


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
