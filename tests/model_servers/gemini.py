"""Gemini's compatible endpoint: errors stand in a list, and schemas may be too complex."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, fails, passes


def listed(status: int, name: str, message: str, *details: dict[str, Any]) -> list[Any]:
    """Return its shape of an error."""
    error = {"code": status, "message": message, "status": name, "details": list(details)}
    return [{"error": error}]


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse schemas with bounds in them."""
    if "minItems" in str(request.get("response_format")):
        said = "The specified schema produces a constraint that has too many states for serving."
        return Refusal(400, listed(400, "INVALID_ARGUMENT", said))
    return None


def quota(which: str) -> dict[str, Any]:
    """Return the detail that says which quota was used up."""
    return {"@type": "QuotaFailure", "violations": [{"quotaId": f"GenerateRequests{which}"}]}


DIALECT = Dialect(
    name="gemini",
    source="ai.google.dev: OpenAI compatibility, troubleshooting; continue issue 10290;"
    " python-genai issue 2044",
    path="/v1beta/openai",
    refuse=refuse,
    habits=("simpler one",),
    done=False,
    failures=(
        fails(
            "wrong key",
            "provider_unauthorized",
            400,
            listed(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                {"reason": "API_KEY_INVALID"},
            ),
        ),
        fails(
            "location",
            "provider_unauthorized",
            400,
            listed(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
        ),
        passes(
            "requests of the minute",
            "provider_rate_limited",
            429,
            listed(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, check your plan and billing details.",
                quota("PerMinutePerProject"),
                {"@type": "RetryInfo", "retryDelay": "0.05s"},
            ),
        ),
        fails(
            "requests of the day",
            "provider_rate_limited",
            429,
            listed(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, check your plan and billing details.",
                quota("PerDayPerProject"),
            ),
        ),
        fails(
            "requests of the day, with a wait that is too short",
            "provider_rate_limited",
            429,
            listed(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, check your plan. Please retry in 31.2s.",
                quota("PerDayPerProjectPerModel-FreeTier"),
                {"@type": "RetryInfo", "retryDelay": "31s"},
            ),
        ),
        fails(
            "prohibited",
            "content_refused",
            400,
            listed(400, "INVALID_ARGUMENT", "The request was blocked: PROHIBITED_CONTENT"),
        ),
        passes(
            "overloaded",
            "provider_unavailable",
            503,
            listed(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
        ),
        fails(
            "unknown model",
            "provider_unknown_model",
            404,
            listed(404, "NOT_FOUND", "models/x is not found for API version v1main"),
        ),
    ),
)
