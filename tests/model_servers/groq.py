"""Groq: judges its model's JSON itself, and limits requests by the minute's tokens."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, error, fails, shape_of


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse schemas for this model, and JSON mode in streams."""
    if shape_of(request) == "json_schema":
        said = "This model does not support response format `json_schema`."
        return Refusal(400, error(said, None, param="response_format"))
    if shape_of(request) and request.get("stream"):
        return Refusal(400, error("response_format does not support streaming"))
    return None


def rejected(message: str, draft: str) -> dict[str, Any]:
    """Return its error for an answer that is no JSON."""
    return error(message, "json_validate_failed", failed_generation=draft)


DIALECT = Dialect(
    name="groq",
    source="console.groq.com: errors, structured outputs, rate limits; g1 PR 23",
    path="/openai/v1",
    refuse=refuse,
    habits=("JSON mode", "does not stream"),
    failures=(
        fails(
            "no JSON, always",
            "content_invalid",
            400,
            rejected("Failed to generate JSON. See 'failed_generation'.", "{oh"),
        ),
        fails(
            "JSON that does not fit, always",
            "content_invalid",
            400,
            rejected("Generated JSON does not match the expected schema.", '{"a": 1}'),
        ),
        fails(
            "cut off",
            "content_truncated",
            400,
            rejected("max completion tokens reached before generating a valid document", "{"),
        ),
        fails(
            "more than a minute's tokens",
            "context_too_long",
            413,
            error(
                "Request too large for model `x` on tokens per minute (TPM): Limit 6000, "
                "Requested 7123. Upgrade at https://console.groq.com/settings/billing",
                "rate_limit_exceeded",
                type="tokens",
            ),
        ),
        fails(
            "tokens of the day",
            "provider_rate_limited",
            429,
            error(
                "Rate limit reached on tokens per day (TPD): Limit 100000, Used 99999, "
                "Requested 2000. Please try again in 25m3.1s.",
                "rate_limit_exceeded",
                type="tokens",
            ),
            retry_after="1503",
        ),
        fails(
            "decommissioned",
            "provider_unknown_model",
            400,
            error("The model `x` has been decommissioned.", "model_decommissioned"),
        ),
        fails(
            "restricted",
            "provider_unauthorized",
            400,
            error("Organization has been restricted.", "organization_restricted"),
        ),
    ),
)
