"""Ollama: no key, short errors, a model that has to be pulled."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, error, fails, passes


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Fail inside when a schema is too much for the grammar."""
    if "minItems" in str(request.get("response_format")):
        said = "failed to parse grammar"
        return Refusal(500, error(said, None, type="api_error"))
    return None


DIALECT = Dialect(
    name="ollama",
    source="docs.ollama.com: OpenAI compatibility, structured outputs; issues on 404, queue",
    preset="ollama",
    header="",
    refuse=refuse,
    habits=("simpler one",),
    failures=(
        fails(
            "not pulled",
            "provider_unknown_model",
            404,
            error('model "x" not found, try pulling it first', None, type="api_error"),
        ),
        fails("not pulled, old", "provider_unknown_model", 404, {"error": "model 'x' not found"}),
        passes(
            "queue full",
            "provider_unavailable",
            503,
            {"error": "server busy, please try again. maximum pending requests exceeded"},
        ),
    ),
)
