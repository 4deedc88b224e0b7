"""SGLang: refuses schemas by the grammar it could not make, and system messages by the template."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, fails, system_of
from tests.model_servers.vllm import own


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse grammars, and a role."""
    if (request.get("response_format") or {}).get("type") == "json_schema":
        return Refusal(400, own("Failed to compile json schema grammar"))
    if system_of(request):
        return Refusal(400, own("Conversation roles must alternate user/assistant/user/assistant"))
    return None


DIALECT = Dialect(
    name="sglang",
    source="docs.sglang.ai: structured outputs; sglang issue 892",
    header="",
    refuse=refuse,
    habits=("JSON mode", "system message"),
    alone=False,
    failures=(
        fails(
            "too long",
            "context_too_long",
            400,
            own("The input (5000 tokens) is longer than the model's context length (4096 tokens)."),
        ),
        fails("wrong key", "provider_unauthorized", 401, {"error": "Unauthorized"}),
    ),
)
