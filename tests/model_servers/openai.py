"""OpenAI: newer models name the limit differently, and no schema outside the strict subset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.model_servers.dialect import Dialect, Refusal, error, fails, passes

if TYPE_CHECKING:
    from collections.abc import Iterator


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse the old name of the limit, and schemas that are not strict."""
    if "max_tokens" in request:
        said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        body = error(said, "unsupported_parameter", param="max_tokens")
        return Refusal(400, body)
    schema = (request.get("response_format") or {}).get("json_schema", {}).get("schema", {})
    if any(node.get("additionalProperties") is not False for node in objects(schema)):
        said = "Invalid schema for response_format: 'additionalProperties' must be false."
        return Refusal(400, error(said, None, param="response_format"))
    return None


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects in a schema."""
    if isinstance(schema, list):
        for part in schema:
            yield from objects(part)
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for part in schema.values():
            yield from objects(part)


DIALECT = Dialect(
    name="openai",
    source="platform.openai.com: error codes, structured outputs, rate limits",
    refuse=refuse,
    failures=(
        fails(
            "wrong key",
            "provider_unauthorized",
            401,
            error("Incorrect API key provided: sk-ca***6789.", "invalid_api_key"),
        ),
        fails(
            "no credit",
            "provider_quota_exhausted",
            429,
            error("You exceeded your current quota, check your plan.", "insufficient_quota"),
        ),
        fails(
            "flagged prompt",
            "content_refused",
            400,
            error("Your prompt was flagged as violating our usage policy.", "invalid_prompt"),
        ),
        fails(
            "more than a minute's tokens",
            "context_too_long",
            429,
            error(
                "Request too large on tokens per min (TPM): Limit 30000, Requested 42000.",
                "rate_limit_exceeded",
                type="tokens",
            ),
        ),
        passes(
            "tokens of the minute used up",
            "provider_rate_limited",
            429,
            error(
                "Rate limit reached on tokens per min (TPM): Limit 30000, Used 29999, "
                "Requested 2000. Please try again in 10ms.",
                "rate_limit_exceeded",
                type="tokens",
            ),
        ),
        fails(
            "country",
            "provider_unauthorized",
            403,
            error("Country, region, or territory not supported", "unsupported_country"),
        ),
        fails(
            "unknown model",
            "provider_unknown_model",
            404,
            error("The model `x` does not exist or you lack access.", "model_not_found"),
        ),
    ),
)
