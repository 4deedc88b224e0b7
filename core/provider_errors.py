"""How a language model's provider may fail a call: that part of the error tree."""

from __future__ import annotations

from core.errors import AppError


class ProviderError(AppError):
    """The language model's provider did not give a usable answer."""

    code = "provider_error"
    stops_task: bool = False
    """Whether every further call of the task would fail like this one, so that none is made."""


class ProviderUnauthorizedError(ProviderError):
    """The provider refused the credentials; check ROADMAP_LLM_API_KEY, then retry."""

    code = "provider_unauthorized"
    stops_task = True


class ProviderUnknownModelError(ProviderError):
    """The provider does not know the model; check ROADMAP_LLM_MODEL, then retry."""

    code = "provider_unknown_model"
    stops_task = True


class ProviderQuotaExhaustedError(ProviderError):
    """The provider's account has no credit left; top it up or raise its limit, then retry."""

    code = "provider_quota_exhausted"
    stops_task = True


class ProviderRateLimitedError(ProviderError):
    """The provider says "too many requests"; retry later or lower ROADMAP_LLM_MAX_CONCURRENCY."""

    code = "provider_rate_limited"


class ProviderUnavailableError(ProviderError):
    """The provider could not be reached or kept failing; retry when it is back."""

    code = "provider_unavailable"


class ProviderTimeoutError(ProviderError):
    """The provider did not answer within ROADMAP_LLM_TIMEOUT_S."""

    code = "provider_timeout"


class ProviderRejectedError(ProviderError):
    """The provider did not accept the request; check ROADMAP_LLM_BASE_URL and ROADMAP_LLM_MODEL."""

    code = "provider_rejected"


class ProviderAddressError(ProviderRejectedError):
    """No chat completions at ROADMAP_LLM_BASE_URL; most addresses end in /v1. Then retry."""

    code = "provider_address_wrong"
    stops_task = True


class ProviderUnsupportedError(ProviderRejectedError):
    """A parameter that is needed is not accepted; change ROADMAP_LLM_MODEL, then retry."""

    code = "provider_unsupported"
    stops_task = True


class ContextTooLongError(ProviderError):
    """The question is longer than the model can read; use a model with a larger context."""

    code = "context_too_long"


class ContentRefusedError(ProviderError):
    """The model declined to write this; asking again is useless, word its title differently."""

    code = "content_refused"


class ContentTruncatedError(ProviderError):
    """The model's answer was cut off before its end, also when asked again."""

    code = "content_truncated"


class ContentInvalidError(ProviderError):
    """The model's answer did not have the shape that was asked for, also after repairs."""

    code = "content_invalid"
