"""Moonshot: tells the account's troubles with 429, and content that is too risky with 400."""

from __future__ import annotations

from tests.model_servers.dialect import Dialect, error, fails, passes

DIALECT = Dialect(
    name="moonshot",
    source="platform.moonshot.cn: error description",
    failures=(
        fails(
            "high risk",
            "content_refused",
            400,
            error("The request was rejected because it was considered high risk"),
        ),
        fails(
            "suspended for money",
            "provider_quota_exhausted",
            429,
            error(
                "Your account is suspended, check your plan", type="exceeded_current_quota_error"
            ),
        ),
        passes(
            "concurrency",
            "provider_rate_limited",
            429,
            error(
                "Your account reached max concurrency: 1, try again after 0.05 seconds",
                type="rate_limit_reached_error",
            ),
        ),
        passes(
            "overloaded",
            "provider_rate_limited",
            429,
            error("The engine is currently overloaded", type="engine_overloaded_error"),
            retry_after="0",
        ),
        fails(
            "wrong key",
            "provider_unauthorized",
            401,
            error("Invalid Authentication", type="invalid_authentication_error"),
        ),
        fails(
            "unknown model",
            "provider_unknown_model",
            404,
            error("Not found the model x or Permission denied", type="resource_not_found_error"),
        ),
        fails(
            "too long",
            "context_too_long",
            400,
            error("Invalid request: Your request exceeded model token limit: 8192"),
        ),
    ),
)
