"""ModelScope: streaming only in words of its own, and limits of a day."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, error, fails


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse what is not streamed."""
    if not request.get("stream"):
        said = "enable thinking can not be support when `stream=False`."
        return Refusal(400, error(said, "invalid_parameter_error"))
    return None


DIALECT = Dialect(
    name="modelscope",
    source="modelscope.cn: API inference; claude-code-router issue 948",
    refuse=refuse,
    habits=("every answer is streamed",),
    failures=(
        fails(
            "quota of the day",
            "provider_rate_limited",
            429,
            error("You have exceeded today's quota for this model, please try again tomorrow."),
        ),
        fails(
            "wrong key",
            "provider_unauthorized",
            401,
            error("Authentication failed, make sure that a valid token is supplied."),
        ),
        fails(
            "no provider",
            "provider_unknown_model",
            400,
            error("Model id x has no provider supported"),
        ),
    ),
)
