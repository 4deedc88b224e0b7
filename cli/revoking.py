"""`roadmap revoke`: tokens that must not be good any more."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.console import emit, emit_json
from cli.data_dir import DEFAULT
from cli.exits import EPILOG, usage
from core.visible import one_line

app = typer.Typer()

_LISTED: Final = "what was taken back is listed"


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
    data_dir: Annotated[Path, typer.Option(help="The stack whose tokens they are.")] = DEFAULT,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout instead of text.")] = False,
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
