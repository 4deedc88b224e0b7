"""GitHub Models: small requests, and limits of a day with the seconds to wait."""

from __future__ import annotations

from tests.model_servers.dialect import Dialect, error, fails

DIALECT = Dialect(
    name="github_models",
    source="docs.github.com: prototyping with AI models; tsc-meetings PR 593",
    path="/inference",
    failures=(
        fails(
            "too large",
            "context_too_long",
            413,
            error(
                "Request body too large for x model. Max size: 8000 tokens.", "tokens_limit_reached"
            ),
        ),
        fails(
            "requests of the day",
            "provider_rate_limited",
            429,
            error(
                "Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 59236 "
                "seconds before retrying.",
                "RateLimitReached",
            ),
            retry_after="59236",
        ),
        fails("wrong key", "provider_unauthorized", 401, error("Bad credentials", "unauthorized")),
        fails(
            "no access", "provider_unauthorized", 403, error("No access to model: x", "no_access")
        ),
        fails(
            "unknown model",
            "provider_unknown_model",
            400,
            error("Unknown model: x", "unknown_model"),
        ),
    ),
)
