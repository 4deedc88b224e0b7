"""LM Studio: takes only schemas, answers unknown addresses with 200, wants a model loaded."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, error, fails, shape_of


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse JSON mode."""
    if shape_of(request) == "json_object":
        return Refusal(400, {"error": "'response_format.type' must be 'json_schema' or 'text'"})
    return None


DIALECT = Dialect(
    name="lmstudio",
    source="lmstudio.ai docs: structured output; lmstudio-bug-tracker issue 618",
    header="",
    refuse=refuse,
    failures=(
        fails(
            "address without /v1",
            "provider_address_wrong",
            200,
            {"error": "Unexpected endpoint or method. (POST /chat/completions)"},
        ),
        fails(
            "nothing loaded",
            "provider_unknown_model",
            404,
            error("No models loaded. Please load a model first.", "model_not_found", param="model"),
        ),
        fails(
            "too long",
            "context_too_long",
            400,
            {"error": "The number of tokens to keep from the prompt exceeds the context length"},
        ),
    ),
)
