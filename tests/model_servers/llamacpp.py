"""llama.cpp's server: templates fail inside it, and it answers while it is still loading."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, fails, passes, system_of


def own(code: int, message: str, kind: str) -> dict[str, Any]:
    """Return its shape of an error."""
    return {"error": {"code": code, "message": message, "type": kind}}


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Fail in the template."""
    if system_of(request):
        said = "Jinja Exception: System role not supported at row 1, column 79"
        return Refusal(500, own(500, said, "server_error"))
    return None


DIALECT = Dialect(
    name="llamacpp",
    source="llama.cpp: tools/server README; issues on templates and loading",
    header="",
    refuse=refuse,
    habits=("system message",),
    crlf=True,
    failures=(
        passes(
            "loading", "provider_unavailable", 503, own(503, "Loading model", "unavailable_error")
        ),
        fails(
            "too long",
            "context_too_long",
            400,
            own(400, "the request exceeds the available context size", "exceed_context_size_error"),
        ),
        fails(
            "wrong key",
            "provider_unauthorized",
            401,
            own(401, "Invalid API Key", "authentication_error"),
        ),
    ),
)
