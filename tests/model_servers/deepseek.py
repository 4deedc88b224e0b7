"""DeepSeek: JSON mode only; a text is refused with a general code; keep-alives are comments."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, error, fails, passes, shape_of


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse schemas, and limits beyond the model's."""
    if shape_of(request) == "json_schema":
        said = "This response_format type is unavailable now"
        return Refusal(400, error(said, "invalid_request_error"))
    if request.get("max_tokens", 0) > 8192:
        said = "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"
        return Refusal(400, error(said, "invalid_request_error"))
    return None


DIALECT = Dialect(
    name="deepseek",
    source="api-docs.deepseek.com: error codes, JSON mode; awesome-deepseek-integration issue 13",
    path="",
    refuse=refuse,
    habits=("JSON mode",),
    comments=True,
    failures=(
        fails(
            "content risk",
            "content_refused",
            400,
            error("Content Exists Risk", "invalid_request_error"),
        ),
        fails("content risk, old", "content_refused", 400, {"detail": "Content Exists Risk"}),
        fails(
            "wrong key",
            "provider_unauthorized",
            401,
            error("Authentication Fails, your api key: ****6789 is invalid", "invalid_request"),
        ),
        fails(
            "no balance",
            "provider_quota_exhausted",
            402,
            error("Insufficient Balance", "invalid_request_error"),
        ),
        fails(
            "unknown model",
            "provider_unknown_model",
            400,
            error("Model Not Exist", "invalid_request_error"),
        ),
        passes("busy", "provider_unavailable", 503, error("Service is too busy.")),
    ),
)
