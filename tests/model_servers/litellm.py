"""LiteLLM: hands on what upstreams say within strings, as JSON or as Python."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, error, fails, passes


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse what the upstream does not know."""
    if "response_format" in request:
        said = (
            "litellm.UnsupportedParamsError: x does not support parameters: "
            "['response_format'], for model=y. Set litellm.drop_params=True"
        )
        return Refusal(400, error(said, "400", type=None))
    return None


DIALECT = Dialect(
    name="litellm",
    source="docs.litellm.ai: exception mapping, drop_params, budgets",
    path="",
    refuse=refuse,
    habits=("response_format",),
    failures=(
        fails(
            "refused upstream, as JSON",
            "content_refused",
            400,
            error(
                'litellm.BadRequestError: DeepseekException - {"error":{"message":"Content '
                'Exists Risk","code":"invalid_request_error"}}',
                "400",
            ),
        ),
        fails(
            "refused upstream, as Python",
            "content_refused",
            400,
            error(
                "litellm.BadRequestError: XaiException - {'code': 'no permission', 'error': "
                "'Content violates usage guidelines.', 'param': None}",
                "400",
            ),
        ),
        fails(
            "budget",
            "provider_quota_exhausted",
            400,
            error(
                "Budget has been exceeded! Current cost: 2, Max: 1", "400", type="budget_exceeded"
            ),
        ),
        fails(
            "wrong key",
            "provider_unauthorized",
            401,
            error(
                "Authentication Error, Invalid proxy server token passed. Key = sk-...789", "401"
            ),
        ),
        fails(
            "wrong key upstream",
            "provider_unauthorized",
            500,
            error(
                "litellm.AuthenticationError: OpenAIException - Incorrect API key provided", "500"
            ),
        ),
        fails(
            "unknown model",
            "provider_unknown_model",
            400,
            error("{'error': '/chat/completions: Invalid model name passed in model=x'}", "400"),
        ),
        passes(
            "no deployment free",
            "provider_rate_limited",
            429,
            error("No deployments available for selected model, Try again in 0.05 seconds.", "429"),
        ),
    ),
)
