"""Model servers as people use them: one small file each imitates what is documented of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.model_servers.dialect import Dialect

_NAMES: Final = (
    *("openai", "deepseek", "dashscope", "siliconflow", "modelscope", "groq", "xai", "gemini"),
    *("openrouter", "mistral", "moonshot", "azure", "github_models", "vllm", "sglang", "ollama"),
    *("lmstudio", "llamacpp", "litellm", "new_api", "others"),
)


def dialects() -> list[Dialect]:
    """Return all of them."""
    return [import_module(f"tests.model_servers.{name}").DIALECT for name in _NAMES]
