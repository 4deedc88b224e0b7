"""DashScope (Qwen): open models answer only in streams, and not in JSON while they think."""

from __future__ import annotations

import json
from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, error, fails, passes, shape_of


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse what an open Qwen3 model refuses."""
    said, code = "", "invalid_parameter_error"
    if not request.get("stream") and request.get("enable_thinking") is not False:
        said = "parameter.enable_thinking must be set to false for non-streaming calls"
    elif shape_of(request) and request.get("enable_thinking") is not False:
        said = "Json mode response is not supported when enable_thinking is true"
    elif shape_of(request) == "json_object" and "json" not in json.dumps(request["messages"]):
        said = "'messages' must contain the word 'json' in some form"
    return Refusal(400, error(said, code, param=None)) if said else None


DIALECT = Dialect(
    name="dashscope",
    source="Model Studio: error codes, structured output; hello-agents issue 230, new-api PR 1109",
    path="/compatible-mode/v1",
    refuse=refuse,
    habits=("every answer is streamed", "enable_thinking is false"),
    failures=(
        fails(
            "inspection",
            "content_refused",
            400,
            error("Input may contain inappropriate content.", "data_inspection_failed"),
        ),
        fails(
            "arrears",
            "provider_quota_exhausted",
            400,
            error("Access denied, make sure your account is in good standing.", "Arrearage"),
        ),
        fails(
            "free tier",
            "provider_quota_exhausted",
            403,
            error("The free tier of the model is exhausted.", "AllocationQuota.FreeTierOnly"),
        ),
        passes(
            "tokens of the minute",
            "provider_rate_limited",
            429,
            error(
                "You exceeded your current quota; see error-code#token-limit", "insufficient_quota"
            ),
            retry_after="0",
        ),
        fails(
            "too long",
            "context_too_long",
            400,
            error("Range of input length should be [1, 30720]", "InvalidParameter"),
        ),
        fails(
            "no rights",
            "provider_unauthorized",
            403,
            error("Model access denied.", "Model.AccessDenied"),
        ),
    ),
)
