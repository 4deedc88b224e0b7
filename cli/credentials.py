"""`roadmap token`, `open` and `revoke`: who may ask the API, and who may not any more."""

import re
import sys
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.arguments import DataDirOption, JsonOption
from cli.console import emit, emit_json, note
from cli.data_dir import DEFAULT, DataDir
from cli.discovery import find_target
from cli.exits import EPILOG, usage
from core.visible import one_line

if TYPE_CHECKING:
    from core.settings import Settings

app = typer.Typer()

LOCAL_USER: Final = "local"
ADMIN_ROLE: Final = "admin"

_LISTED: Final = "what was taken back is listed"
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
    json: JsonOption = False,
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


@app.command("open", epilog=EPILOG)
def open_pages(
    *,
    data_dir: DataDirOption = DEFAULT,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    json: JsonOption = False,
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


@app.command(epilog=EPILOG)
def revoke(
    token: Annotated[
        str | None,
        typer.Argument(help="A token; only its id leaves this machine.", show_default=_LISTED),
    ] = None,
    *,
    token_id: Annotated[
        str | None, typer.Option("--id", help="A token's id (`jti`).", show_default=_LISTED)
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            help="All tokens of a user that exist by now, browsers included.",
            show_default=_LISTED,
        ),
    ] = None,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Take tokens back before their end: they are refused within seconds, their streams end.

    Without any of the three it lists what was taken back. Needs an admin's token, as the stack's
    own is.
    """
    from cli.client import Client

    if sum(given is not None for given in (token, token_id, user)) > 1:
        raise usage("Give one of TOKEN, --id and --user.")
    body = {"user_id": user} if user is not None else {"token_id": token_id or _id_of(token)}
    method = "GET" if token is token_id is user is None else "POST"
    with Client(data_dir) as client:
        options: dict[str, Any] = {} if method == "GET" else {"json": body}
        answer = client.request(method, "/api/v1/admin/revocations", what="deny-list", **options)
    if json:
        emit_json(answer)
        return
    for name in answer["tokens"]:
        emit(one_line(f"token {name}"))
    for name, until in answer["users"].items():
        emit(one_line(f"user {name}, tokens made until {until}"))
    if not answer["tokens"] and not answer["users"]:
        emit("Nothing was taken back.")


def signing_secret(folder: DataDir, settings: "Settings") -> str:
    """Return what signs for a stack: AUTH_SECRET, else the data-dir's secret.

    Raises:
        CommandError: There is none.
    """
    given = settings.auth_secret
    secret = given.get_secret_value() if given is not None else folder.known_auth_secret()
    if secret is None:
        folder.check_ours()
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


def _id_of(token: str | None) -> str | None:
    import jwt

    if token is None:
        return None
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise usage("That is no token.") from None
    if not isinstance(claims.get("jti"), str):
        raise usage("That token has no id; revoke all tokens of its user with --user.")
    return str(claims["jti"])
