"""SiliconFlow: errors without an envelope, numbers for codes, and a short limit of its own."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, fails, passes, shape_of


def plain(code: int, message: str) -> dict[str, Any]:
    """Return its shape of an error."""
    return {"code": code, "message": message, "data": None}


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse every mode for JSON."""
    if shape_of(request):
        return Refusal(400, plain(20024, "Json mode is not supported for this model."))
    return None


DIALECT = Dialect(
    name="siliconflow",
    source="docs.siliconflow.cn: error handling, chat completions; chatbox PR 2093",
    refuse=refuse,
    habits=("no response_format", "8192 tokens are asked for"),
    cut_at=512,
    alone=False,
    failures=(
        fails("wrong key", "provider_unauthorized", 401, '"Invalid token"'),
        fails(
            "no balance",
            "provider_quota_exhausted",
            403,
            plain(30001, "Sorry, your account balance is insufficient"),
        ),
        fails(
            "unknown model",
            "provider_unknown_model",
            400,
            plain(20012, "Model does not exist. Please check it carefully."),
        ),
        passes(
            "overloaded",
            "provider_unavailable",
            503,
            plain(50505, "Model service overloaded. Please try again later."),
        ),
        passes(
            "rate",
            "provider_rate_limited",
            429,
            plain(0, "Request was rejected due to rate limiting. Details: TPM limit reached."),
        ),
    ),
)
