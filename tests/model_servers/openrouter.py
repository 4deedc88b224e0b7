"""OpenRouter: what its upstreams say comes nested, also with 200, and streams have comments."""

from __future__ import annotations

import json
from typing import Any

from tests.model_servers.dialect import Dialect, error, fails, passes


def upstream(status: int, raw: Any) -> dict[str, Any]:
    """Return the error of an upstream, as it is handed on."""
    text = raw if isinstance(raw, str) else json.dumps(raw)
    return error("Provider returned error", status, metadata={"raw": text, "provider_name": "P"})


DIALECT = Dialect(
    name="openrouter",
    source="openrouter.ai: errors and debugging, streaming",
    path="/api/v1",
    comments=True,
    failures=(
        fails(
            "moderation",
            "content_refused",
            403,
            error(
                "x/y requires moderation on P. Your input was flagged.",
                403,
                metadata={"reasons": ["violence"], "flagged_input": "..."},
            ),
        ),
        fails(
            "refused upstream",
            "content_refused",
            400,
            upstream(400, {"error": {"message": "Content Exists Risk", "code": "x"}}),
        ),
        fails(
            "no credits within 200",
            "provider_quota_exhausted",
            200,
            error("Insufficient credits. Add more at openrouter.ai/settings/credits", 402),
        ),
        fails(
            "too few credits",
            "provider_quota_exhausted",
            402,
            error("This request requires more credits, or fewer max_tokens.", 402),
        ),
        fails(
            "limit of the key",
            "provider_quota_exhausted",
            403,
            error("Key limit exceeded (monthly limit).", 403),
        ),
        passes(
            "limited upstream",
            "provider_rate_limited",
            429,
            upstream(429, "x/y is temporarily rate-limited upstream. Please retry shortly."),
            retry_after="0",
        ),
        fails(
            "free requests of the day",
            "provider_rate_limited",
            429,
            error(
                "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock more.",
                429,
                metadata={
                    "headers": {
                        "X-RateLimit-Remaining": "0",
                        "X-RateLimit-Reset": "9741305600000",
                    }
                },
            ),
        ),
        fails("wrong key", "provider_unauthorized", 401, error("User not found.", 401)),
        fails(
            "unknown model", "provider_unknown_model", 400, error("x is not a valid model ID", 400)
        ),
        fails("no endpoint", "provider_unknown_model", 404, error("No endpoints found for x/y.")),
        passes(
            "error in the choice",
            "provider_unavailable",
            200,
            {
                "choices": [
                    {"error": {"code": 502, "message": "Upstream gone"}, "finish_reason": "error"}
                ]
            },
        ),
    ),
)
