"""new-api and one-api: a gateway's own troubles in Chinese, its web page where it answers not."""

from __future__ import annotations

from tests.model_servers.dialect import Dialect, error, fails, passes

DIALECT = Dialect(
    name="new_api",
    source="new-api PR 6310 and issue 982, one-api issues 1494 and 2340",
    failures=(
        fails(
            "wrong key",
            "provider_unauthorized",
            401,
            error("\u65e0\u6548\u7684\u4ee4\u724c (request id: 1)", "", type="new_api_error"),
        ),
        fails(
            "no quota",
            "provider_quota_exhausted",
            403,
            error("\u7528\u6237\u989d\u5ea6\u4e0d\u8db3", "insufficient_user_quota"),
        ),
        fails(
            "no quota for this",
            "provider_quota_exhausted",
            403,
            error("\u9884\u6263\u8d39\u989d\u5ea6\u5931\u8d25", "x"),
        ),
        fails(
            "no channel",
            "provider_unknown_model",
            503,
            error("No available channel for model x under group default", "model_not_found"),
        ),
        fails(
            "no channel, in Chinese",
            "provider_unknown_model",
            503,
            error(
                "\u5f53\u524d\u5206\u7ec4 default \u4e0b\u5bf9\u4e8e\u6a21\u578b x "
                "\u65e0\u53ef\u7528\u6e20\u9053",
                type="one_api_error",
            ),
        ),
        fails(
            "sensitive words",
            "content_refused",
            500,
            error("user sensitive words detected", "sensitive_words_detected"),
        ),
        passes(
            "saturated",
            "provider_rate_limited",
            429,
            error("\u5f53\u524d\u5206\u7ec4\u4e0a\u6e38\u8d1f\u8f7d\u5df2\u9971\u548c"),
            retry_after="0",
        ),
        fails(
            "its web page",
            "provider_address_wrong",
            200,
            "<!doctype html><html><head><title>New API</title></head><body></body></html>",
        ),
    ),
)
