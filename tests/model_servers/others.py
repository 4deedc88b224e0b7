"""Others that gateways lead to: Zhipu, MiniMax (errors in 200), Anthropic, Hugging Face."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, error, fails, passes


def minimax(code: int, message: str) -> dict[str, Any]:
    """Return MiniMax's shape of an error, which comes with 200."""
    return {"choices": None, "base_resp": {"status_code": code, "status_msg": message}}


DIALECT = Dialect(
    name="others",
    source="error codes of open.bigmodel.cn, MiniMax, docs.anthropic.com; Hugging Face inference",
    failures=(
        fails(
            "Zhipu: unsafe",
            "content_refused",
            400,
            error("\u5185\u5bb9\u53ef\u80fd\u5305\u542b\u654f\u611f\u4fe1\u606f", "1301"),
        ),
        fails(
            "Zhipu: arrears",
            "provider_quota_exhausted",
            429,
            error("\u60a8\u7684\u8d26\u6237\u5df2\u6b20\u8d39", "1113"),
        ),
        passes(
            "Zhipu: concurrency",
            "provider_rate_limited",
            429,
            error("\u5e76\u53d1\u6570\u8fc7\u9ad8", "1302"),
            retry_after="0",
        ),
        fails("MiniMax: sensitive", "content_refused", 200, minimax(1026, "input new_sensitive")),
        fails(
            "MiniMax: balance",
            "provider_quota_exhausted",
            200,
            minimax(1008, "insufficient balance"),
        ),
        fails("MiniMax: key", "provider_unauthorized", 200, minimax(1004, "login fail")),
        fails(
            "Anthropic: credit",
            "provider_quota_exhausted",
            400,
            {"type": "error", "error": {"message": "Your credit balance is too low."}},
        ),
        passes(
            "Anthropic: overloaded",
            "provider_unavailable",
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        ),
        passes(
            "Hugging Face: loading",
            "provider_unavailable",
            503,
            {"error": "Model x is currently loading", "estimated_time": 0.05},
        ),
        passes(
            "a proxy's page",
            "provider_unavailable",
            200,
            "<html><head><title>502 Bad Gateway</title></head></html>",
        ),
    ),
)
