"""xAI: a refused text is a 403 about permissions, a wrong key a 400, and errors are plain texts."""

from __future__ import annotations

from tests.model_servers.dialect import Dialect, fails

_NO_PERMISSION = "The caller does not have permission to execute the specified operation"

DIALECT = Dialect(
    name="xai",
    source="inspect_ai PR 2267, llmgateway PR 1785, beeai-framework issue 447",
    failures=(
        fails(
            "usage guidelines",
            "content_refused",
            403,
            {
                "code": _NO_PERMISSION,
                "error": "Content violates usage guidelines. Team: t, API key ID: k, "
                "Failed check: SAFETY_CHECK_TYPE_BIO",
            },
        ),
        fails(
            "wrong key",
            "provider_unauthorized",
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "Incorrect API key provided: sk***89.",
            },
        ),
        fails(
            "wrong key, escaped",
            "provider_unauthorized",
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "Incorrect%20API%20key%20provided:%20sk***89.",
            },
        ),
        fails(
            "no credits",
            "provider_quota_exhausted",
            403,
            {"code": _NO_PERMISSION, "error": "Your team doesn't have any credits yet."},
        ),
        fails(
            "spending limit",
            "provider_quota_exhausted",
            429,
            {
                "code": "Some resource has been exhausted",
                "error": "Your team has used all available credits or reached its limit.",
            },
        ),
    ),
)
