"""What is known of the named providers before the first request to them.

Sources, read in November 2026:

- OpenAI: https://platform.openai.com/docs/guides/structured-outputs; newer models refuse
  `max_tokens` (https://platform.openai.com/docs/api-reference/chat/create).
- SiliconFlow: https://docs.siliconflow.cn/en/userguide/guides/json-mode; `json_object` for nearly
  all models, `json_schema` is told of in one place only.
- DeepSeek: https://api-docs.deepseek.com and https://api-docs.deepseek.com/guides/json_mode;
  `json_schema` is answered with 400 "This response_format type is unavailable now".
- DashScope: https://www.alibabacloud.com/help/en/model-studio/qwen-structured-output; most models
  know `json_object` only, and some take `json_schema` for it without a word.
- Ollama: https://docs.ollama.com/api/openai-compatibility; the key is ignored.
- vLLM: https://docs.vllm.ai/en/stable/serving/openai_compatible_server/; wants a key only when
  started with `--api-key`.
- ModelScope: https://modelscope.cn/docs/model-service/API-Inference/intro.
- Groq: https://console.groq.com/docs/openai. xAI: https://docs.x.ai/docs/overview.
- Gemini: https://ai.google.dev/gemini-api/docs/openai.
- OpenRouter: https://openrouter.ai/docs/quickstart. Mistral: https://docs.mistral.ai/api.
- Moonshot: https://platform.moonshot.cn/docs. Zhipu: https://docs.bigmodel.cn.
- GitHub Models: https://docs.github.com/en/github-models.
- SGLang: https://docs.sglang.ai. LM Studio: https://lmstudio.ai/docs. llama.cpp: the README of its
  `tools/server`.

What they refuse beyond that is learned from themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from core.choices import LlmPreset
from core.errors import SettingsError

if TYPE_CHECKING:
    from core.settings import Settings


class ResponseFormat(IntEnum):
    """How a server is made to answer in a shape; each is tried when the one before is refused."""

    JSON_SCHEMA = 0
    JSON_OBJECT = 1
    """Any JSON; the schema stands in the prompt."""
    TEXT = 2
    """Nothing is said; the schema stands in the prompt."""
    SIMPLE_SCHEMA = 3
    """As the first, with a schema that has only types in it; the whole one stands in the prompt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A provider's address and habits. `model` is an example of one of its models' names."""

    title: str
    base_url: str
    host: str
    model: str
    response_format: ResponseFormat = ResponseFormat.JSON_SCHEMA
    limit_name: str = "max_tokens"
    needs_key: bool = True


PRESETS: Final = {
    LlmPreset.OPENAI: Preset(
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        host="openai.com",
        model="gpt-4.1-mini",
        limit_name="max_completion_tokens",
    ),
    LlmPreset.SILICONFLOW: Preset(
        title="SiliconFlow",
        base_url="https://api.siliconflow.cn/v1",
        host="siliconflow.cn",
        model="Qwen/Qwen3-32B",
        response_format=ResponseFormat.JSON_OBJECT,
    ),
    LlmPreset.DEEPSEEK: Preset(
        title="DeepSeek",
        base_url="https://api.deepseek.com",
        host="deepseek.com",
        model="deepseek-flash",
        response_format=ResponseFormat.JSON_OBJECT,
    ),
    LlmPreset.DASHSCOPE: Preset(
        title="DashScope",
        base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
        host="aliyuncs.com",
        model="qwen-plus",
        response_format=ResponseFormat.JSON_OBJECT,
    ),
    LlmPreset.OLLAMA: Preset(
        title="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        host="ollama.com",
        model="qwen3:8b",
        needs_key=False,
    ),
    LlmPreset.VLLM: Preset(
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        host="",
        model="Qwen/Qwen3-8B",
        needs_key=False,
    ),
    LlmPreset.MODELSCOPE: Preset(
        title="ModelScope",
        base_url="https://api-inference.modelscope.cn/v1",
        host="modelscope.cn",
        model="Qwen/Qwen3-32B",
        response_format=ResponseFormat.JSON_OBJECT,
    ),
    LlmPreset.GROQ: Preset(
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        host="groq.com",
        model="openai/gpt-oss-20b",
        limit_name="max_completion_tokens",
    ),
    LlmPreset.XAI: Preset(title="xAI", base_url="https://api.x.ai/v1", host="x.ai", model="grok-4"),
    LlmPreset.GEMINI: Preset(
        title="Gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        host="generativelanguage.googleapis.com",
        model="gemini-2.5-flash",
    ),
    LlmPreset.OPENROUTER: Preset(
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        host="openrouter.ai",
        model="openai/gpt-4.1-mini",
    ),
    LlmPreset.MISTRAL: Preset(
        title="Mistral",
        base_url="https://api.mistral.ai/v1",
        host="mistral.ai",
        model="mistral-small-latest",
    ),
    LlmPreset.MOONSHOT: Preset(
        title="Moonshot",
        base_url="https://api.moonshot.cn/v1",
        host="moonshot.cn",
        model="kimi-k2-turbo-preview",
        response_format=ResponseFormat.JSON_OBJECT,
    ),
    LlmPreset.ZHIPU: Preset(
        title="Zhipu",
        base_url="https://open.bigmodel.cn/api/paas/v4",
        host="bigmodel.cn",
        model="glm-4.5-air",
        response_format=ResponseFormat.JSON_OBJECT,
    ),
    LlmPreset.GITHUB: Preset(
        title="GitHub Models",
        base_url="https://models.github.ai/inference",
        host="models.github.ai",
        model="openai/gpt-4.1-mini",
    ),
    LlmPreset.SGLANG: Preset(
        title="SGLang",
        base_url="http://127.0.0.1:30000/v1",
        host="",
        model="Qwen/Qwen3-8B",
        needs_key=False,
    ),
    LlmPreset.LMSTUDIO: Preset(
        title="LM Studio",
        base_url="http://127.0.0.1:1234/v1",
        host="",
        model="qwen3-8b",
        needs_key=False,
    ),
    LlmPreset.LLAMACPP: Preset(
        title="llama.cpp",
        base_url="http://127.0.0.1:8080/v1",
        host="",
        model="default",
        needs_key=False,
    ),
}
_CALL: Final = re.compile(r"/chat/completions/?(?=[?#]|$)")
_UNKNOWN: Final = Preset(
    title="an OpenAI-compatible server", base_url="", host="", model="", needs_key=False
)


def preset_of(settings: Settings) -> Preset:
    """Return the preset that LLM_PRESET names, else the one of LLM_BASE_URL's host."""
    if settings.llm_preset is not None:
        return PRESETS[settings.llm_preset]
    if settings.llm_base_url is None:
        return PRESETS[LlmPreset.OPENAI]
    host = urlsplit(settings.llm_base_url.strip()).hostname or ""
    for preset in PRESETS.values():
        if preset.host and f".{host}".endswith(f".{preset.host}"):
            return preset
    return _UNKNOWN


def base_url_of(settings: Settings) -> str:
    """Return the server's address: LLM_BASE_URL, else the preset's.

    Raises:
        SettingsError: It is not an http or https address.
    """
    given = settings.llm_base_url
    url = (preset_of(settings).base_url if given is None else given).strip()
    # Some copy the address of one call: `.../v1/chat/completions`.
    url = _CALL.sub("", url)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError("ROADMAP_LLM_BASE_URL: must begin with http:// or https:// and a host")
    return url


def model_of(settings: Settings) -> str:
    """Return the model's name.

    Raises:
        SettingsError: LLM_PRESET names a provider that has no model of the default name.
    """
    if settings.llm_preset not in {None, LlmPreset.OPENAI} and (
        "llm_model" not in settings.model_fields_set
    ):
        preset = preset_of(settings)
        raise SettingsError(
            f"ROADMAP_LLM_MODEL: name one of {preset.title}'s models, such as {preset.model}"
        )
    return settings.llm_model
