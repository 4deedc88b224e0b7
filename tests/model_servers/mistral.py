"""Mistral: refuses what it does not know by its place, in an envelope of its own."""

from __future__ import annotations

from typing import Any

from tests.model_servers.dialect import Dialect, Refusal, fails, passes


def own(message: Any, kind: str, code: str | None = None) -> dict[str, Any]:
    """Return its shape of an error."""
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def refuse(request: dict[str, Any]) -> Refusal | None:
    """Refuse `stream_options`."""
    if "stream_options" not in request:
        return None
    found = {"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs"}
    detail = [{**found, "input": {"include_usage": True}}]
    return Refusal(422, own({"detail": detail}, "invalid_request_error"))


DIALECT = Dialect(
    name="mistral",
    source="docs.mistral.ai: chat completions; avante.nvim issue 2347, eca issue 231",
    refuse=refuse,
    habits=("no stream_options",),
    alone=False,
    failures=(
        fails("wrong key", "provider_unauthorized", 401, {"detail": "Unauthorized"}),
        fails(
            "unknown model",
            "provider_unknown_model",
            400,
            own("Invalid model: x", "invalid_model", "1500"),
        ),
        passes(
            "no capacity",
            "provider_rate_limited",
            429,
            own("Service tier capacity exceeded.", "service_tier_capacity_exceeded", "3505"),
        ),
        fails(
            "too long",
            "context_too_long",
            400,
            own("Prompt contains 40000 tokens, too large for 32768 context length", "x", "3051"),
        ),
    ),
)
