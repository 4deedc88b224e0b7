"""Who writes: the language model, the search, the sample author."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from core.choices import LlmPreset, Provider, SearchProvider
from core.prices import Price
from core.settings.kinds import A_DAY_S, Count, HttpAddress, Limit, Seconds, TokenLimit


class AuthorSettings(BaseModel):
    """Who writes, at which address, at what pace and price."""

    llm_provider: Provider = Field(
        default=Provider.SAMPLE, description="`sample` writes offline; `openai` calls LLM_BASE_URL."
    )
    llm_preset: LlmPreset | None = Field(
        default=None,
        description="Whose address and habits to start from; by default LLM_BASE_URL's host tells.",
    )
    llm_base_url: HttpAddress | None = Field(
        default=None,
        description="An OpenAI-compatible server; by default the preset's, or OpenAI's.",
    )
    llm_api_key: SecretStr | None = Field(default=None, description="Its key, if it wants one.")
    llm_model: str = Field(default="gpt-4.1-mini", description="The model to ask.")
    llm_timeout_s: Seconds = Field(default=120, description="Limit of one request to the model.")
    llm_stream: bool = Field(
        default=True, description="Show long texts while they are being written."
    )
    llm_max_concurrency: Count | None = Field(
        default=None,
        description="Model calls at a time over all processes; not given, 64 in each process.",
    )
    llm_requests_per_minute: Limit = Field(
        default=0, description="Model calls a minute over all processes; 0 is no limit."
    )
    llm_tokens_per_minute: TokenLimit = Field(
        default=0, description="Their tokens a minute over all processes; 0 is no limit."
    )
    llm_prices: Annotated[dict[str, Price], NoDecode] = Field(
        default_factory=dict,
        description="US dollars per million tokens by model, over the price table's, as JSON: "
        '`{"my-model": {"input": 0.4, "output": 1.6, "cached_input": 0.1}}`.',
    )
    max_tokens_per_task: TokenLimit = Field(
        default=0, description="A task that used more stops; 0 is no limit."
    )
    search_provider: SearchProvider = Field(
        default=SearchProvider.NONE,
        description="Who finds pages for resources: nobody (`none`), or `tavily`.",
    )
    search_base_url: str = Field(
        default="https://api.tavily.com", description="Its address.", pattern=r"^https?://[^/]"
    )
    search_api_key: SecretStr | None = Field(default=None, description="Its key.")
    search_timeout_s: Seconds = Field(default=10, description="Limit of one search.")
    sample_latency_s: float = Field(
        default=0.05,
        ge=0,
        le=A_DAY_S,
        allow_inf_nan=False,
        description="How long the sample author takes for one call.",
    )
    sample_fail: str | None = Field(
        default=None,
        description="Regular expression: contents whose title matches fail in the sample author.",
    )

    @field_validator("llm_prices", mode="before")
    @classmethod
    def _parsed(cls, value: Any) -> Any:
        import json

        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError("must be JSON") from None

    @field_validator("sample_fail")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        import re

        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return value
