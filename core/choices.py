"""What a setting may be where only a few words are allowed."""

from __future__ import annotations

from enum import StrEnum


class AuthMode(StrEnum):
    """Whom the API lets in.

    `local` and `jwt` both want credentials; `local` is for this machine alone, `jwt` for others,
    too. With `none` whoever can connect from this machine is the admin.
    """

    LOCAL = "local"
    JWT = "jwt"
    NONE = "none"


class Pooler(StrEnum):
    """Which kind of connection pooler stands between this program and PostgreSQL."""

    NONE = "none"
    TRANSACTION = "transaction"
    """Something like PgBouncer, which lends out a connection for one transaction at a time."""


class Provider(StrEnum):
    """Who writes the texts."""

    SAMPLE = "sample"
    OPENAI = "openai"


class LlmPreset(StrEnum):
    """Providers whose address and habits are known."""

    OPENAI = "openai"
    SILICONFLOW = "siliconflow"
    DEEPSEEK = "deepseek"
    DASHSCOPE = "dashscope"
    OLLAMA = "ollama"
    VLLM = "vllm"
    MODELSCOPE = "modelscope"
    GROQ = "groq"
    XAI = "xai"
    GEMINI = "gemini"
    OPENROUTER = "openrouter"
    MISTRAL = "mistral"
    MOONSHOT = "moonshot"
    ZHIPU = "zhipu"
    GITHUB = "github"
    SGLANG = "sglang"
    LMSTUDIO = "lmstudio"
    LLAMACPP = "llamacpp"


class SearchProvider(StrEnum):
    """Who searches the web for resources."""

    NONE = "none"
    TAVILY = "tavily"


class ReviewExpiry(StrEnum):
    """What happens to a review that nobody decided in time."""

    KEEP = "keep"
    APPROVE = "approve"
    CANCEL = "cancel"


class LogFormat(StrEnum):
    """How log lines look; `auto` is console on a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """From which severity on something is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


def meant(choice: type[StrEnum], value: str) -> str:
    """Return the word of a choice that a value spells in upper or lower case, else the value."""
    return next((word for word in choice if word.lower() == value.strip().lower()), value)
