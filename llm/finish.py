"""What the vendors' finish reasons mean: an answer ended, was cut off, was stopped, or failed."""

from __future__ import annotations

import re
from typing import Any, Final

DONE: Final = "stop"
CUT: Final = "length"
FILTERED: Final = "content_filter"
FAILED: Final = "error"

_SIGNS: Final = re.compile(r"[\W_]+")


def _plain(*reasons: str) -> frozenset[str]:
    return frozenset(_SIGNS.sub("", reason).lower() for reason in reasons)


_CUT: Final = _plain(
    *("length", "max_tokens", "model_length", "max_output_tokens", "token_limit", "max_length"),
    *("max_new_tokens", "max_completion_tokens", "token_limit_reached", "length_limit"),
    *("max_tokens_reached", "context_length", "context_length_exceeded", "out_of_tokens"),
    *("model_context_window_exceeded", "limit", "max_output_reached", "incomplete"),
)
_FILTERED: Final = _plain(
    *("content_filter", "content_filtered", "SAFETY", "RECITATION", "PROHIBITED_CONTENT"),
    *("BLOCKLIST", "SPII", "IMAGE_SAFETY", "sensitive", "refusal", "guardrail_intervened"),
    *("moderation", "flagged", "blocked", "censored", "risk", "content_policy", "jailbreak"),
    *("ERROR_TOXIC", "LANGUAGE_BLOCKED"),
)
_FAILED: Final = _plain(
    *("network_error", "insufficient_system_resource", "error", "abort", "aborted", "cancelled"),
    *("canceled", "timeout", "server_error", "internal_error", "unavailable", "overloaded"),
    *("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "failed", "repetition", "OTHER"),
)
"""What says that the server gave up; the next try may go well."""


_PLACES: Final = (
    *("finish_reason", "native_finish_reason", "stop_reason", "done_reason"),
    *("finish_details", "incomplete_details"),
)


def finish_of(*told: Any) -> str:
    """Return what finish reasons mean: `stop`, `length`, `content_filter`, `error`; "" for none.

    A reason that nobody knows ends an answer like any other.

    Args:
        told: What the server says, in its usual field and in others. The first that says something
            else than that all is well counts: gateways translate a vendor's reason to `stop`.
    """
    found = ""
    for reason in told:
        if isinstance(reason, dict):
            reason = reason.get("type") or reason.get("reason")  # noqa: PLW2901 - its own name
        if not isinstance(reason, str) or not reason.strip():
            continue
        word = _SIGNS.sub("", reason.removeprefix("FINISH_REASON_")).lower()
        for words, meaning in ((_FILTERED, FILTERED), (_CUT, CUT), (_FAILED, FAILED)):
            if word in words:
                return meaning
        found = found or ("" if word == "null" else DONE)
    return found


def finish_in(choice: dict[str, Any]) -> str:
    """Return what the finish reasons of a choice mean."""
    told = [reason for name in _PLACES if (reason := choice.get(name)) is not None]
    return finish_of(*told) if told else ""
