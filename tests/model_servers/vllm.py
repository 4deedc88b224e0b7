"""vLLM: the model's chat template and the grammar library speak through it."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, fails, passes, system_of


def own(message: str, kind: str = "BadRequestError", code: int = 400) -> dict[str, Any]:
    """Return its shape of an error."""
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse system messages, as Gemma's template does, and limits beyond the window."""
    if system_of(request):
        return Refusal(400, own("System role not supported"))
    if "minItems" in str(request.get("response_format")):
        said = "The provided JSON schema contains features not supported by xgrammar."
        return Refusal(400, own(said))
    return None


DIALECT = Dialect(
    name="vllm",
    source="docs.vllm.ai: serving, structured outputs; vllm PR 2964, chat-ui issue 1386",
    header="",
    refuse=refuse,
    habits=("system message", "simpler one"),
    failures=(
        fails(
            "unknown model",
            "provider_unknown_model",
            404,
            own("The model `x` does not exist.", "NotFoundError", 404),
        ),
        fails(
            "too long",
            "context_too_long",
            400,
            own(
                "This model's maximum context length is 4096 tokens. However, you requested "
                "5000 tokens (5000 in the messages, 0 in the completion)."
            ),
        ),
        fails("wrong key", "provider_unauthorized", 401, {"error": "Unauthorized"}),
        passes("loading", "provider_unavailable", 503, {"error": "Model is loading"}),
        fails("not there", "provider_address_wrong", 404, {"detail": "Not Found"}),
    ),
)
