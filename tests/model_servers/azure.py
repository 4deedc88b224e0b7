"""Azure: a query in the address, a key in a header of its own, filters that say why."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, error, fails, passes, shape_of


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse schemas, as older versions of the API do."""
    if shape_of(request) == "json_schema":
        said = "response_format value as json_schema is enabled only for newer api versions"
        return Refusal(400, error(said, "BadRequest"))
    return None


DIALECT = Dialect(
    name="azure",
    source="learn.microsoft.com: Azure OpenAI REST reference, content filtering, quotas",
    path="/openai/deployments/mine",
    query="api-version=2024-06-01",
    header="api-key",
    refuse=refuse,
    habits=("JSON mode",),
    opening={"choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
    failures=(
        fails(
            "filtered",
            "content_refused",
            400,
            error(
                "The response was filtered by the content management policy.",
                "content_filter",
                param="prompt",
                innererror={"code": "ResponsibleAIPolicyViolation"},
            ),
        ),
        fails(
            "wrong key",
            "provider_unauthorized",
            401,
            error("Access denied due to invalid subscription key or wrong API endpoint.", "401"),
        ),
        fails(
            "no deployment",
            "provider_unknown_model",
            404,
            error("The API deployment for this resource does not exist.", "DeploymentNotFound"),
        ),
        fails("no resource", "provider_address_wrong", 404, error("Resource not found", "404")),
        passes(
            "rate",
            "provider_rate_limited",
            429,
            error("Exceeded token rate limit of your pricing tier. Retry after 1 seconds.", "429"),
            retry_after_ms="50",
        ),
        fails(
            "firewall",
            "provider_unauthorized",
            403,
            error("Access denied due to Virtual Network/Firewall rules.", "AccessDenied"),
        ),
    ),
)
