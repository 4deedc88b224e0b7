"""Every setting of the program, in one class: environment (`ROADMAP_…`), `.env`, secret files."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.choices import AuthMode, LlmPreset, LogFormat, Provider, ReviewExpiry, SearchProvider
from core.errors import SettingsError
from core.given import ENV_FILE, PREFIX, given_values, refuse_unknown_names, secret_values
from core.prices import Price

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """All settings; field names are the environment's names without the prefix, in lower case."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True
    )

    # --- what we connect to
    database_url: SecretStr = Field(
        default=SecretStr("postgresql+asyncpg://roadmap:roadmap@127.0.0.1:5432/roadmap"),
        description="PostgreSQL, as postgresql+asyncpg://user:password@host:port/name.",
    )
    database_max_connections: Count = Field(
        default=100, description="Connections that all our processes together may open."
    )
    database_processes: Count = Field(
        default=4,
        description="Processes that share that budget (workers and their children, beat, API).",
    )
    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), description="Redis for live progress."
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="Redis or RabbitMQ (amqp://) for Celery's messages; REDIS_URL when not given.",
    )

    # --- API and its clients
    api_host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    api_port: int = Field(default=8000, ge=0, le=65535, description="Its port; 0 is any free one.")
    api_url: str | None = Field(
        default=None, description="For client commands: the API to talk to."
    )
    token: SecretStr | None = Field(
        default=None, description="For client commands: the bearer token to use."
    )
    auth: AuthMode = Field(
        default=AuthMode.LOCAL,
        description="Without a token a request is the admin `local` (`local`), or refused (`jwt`).",
    )
    auth_secret: SecretStr | None = Field(
        default=None, description="Signs and verifies bearer tokens (HS256); 32 characters or more."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins whose pages may call the API, separated by commas."
    )
    flower_url: str | None = Field(
        default=None, description="Flower's address, for a link on the operations page."
    )

    # --- language model
    llm_provider: Provider = Field(
        default=Provider.SAMPLE, description="`sample` writes offline; `openai` calls LLM_BASE_URL."
    )
    llm_preset: LlmPreset | None = Field(
        default=None,
        description="Whose address and habits to start from: `openai`, `siliconflow`, `deepseek`, "
        "`dashscope`, `ollama` or `vllm`; by default LLM_BASE_URL's host tells.",
    )
    llm_base_url: str | None = Field(
        default=None,
        description="An OpenAI-compatible server; by default the preset's, or OpenAI's.",
    )
    llm_api_key: SecretStr | None = Field(default=None, description="Its key, if it wants one.")
    llm_model: str = Field(default="gpt-4.1-mini", description="The model to ask.")
    llm_timeout_s: Seconds = Field(default=120, description="Limit of one request to the model.")
    llm_stream: bool = Field(
        default=True, description="Show the text of tutorials while it is being written."
    )
    llm_max_concurrency: Count | None = Field(
        default=None,
        description="Model calls at a time over all processes; not given, 64 in each process.",
    )
    llm_requests_per_minute: int = Field(
        default=0, ge=0, description="Model calls a minute over all processes; 0 is no limit."
    )
    llm_tokens_per_minute: int = Field(
        default=0, ge=0, description="Their tokens a minute over all processes; 0 is no limit."
    )
    llm_prices: Annotated[dict[str, Price], NoDecode] = Field(
        default_factory=dict,
        description="US dollars per million tokens by model, over the price table's, as JSON: "
        '`{"my-model": {"input": 0.4, "output": 1.6, "cached_input": 0.1}}`.',
    )
    max_tokens_per_task: int = Field(
        default=0, ge=0, description="A task that used more stops; 0 is no limit."
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
        default=0.05, ge=0, description="How long the sample author takes for one call."
    )
    sample_fail: str | None = Field(
        default=None,
        description="Regular expression: concepts whose title matches fail in the sample author.",
    )

    # --- running tasks
    content_concurrency: Count = Field(default=10, description="Concepts at a time per roadmap.")
    step_timeout_s: Seconds = Field(
        default=900,
        description="Limit of one step, and of one content; the wait for a turn is not counted.",
    )
    task_timeout_s: Seconds = Field(
        default=6 * 3600, description="Limit of one run of a task, the review's wait not counted."
    )
    lease_s: Seconds = Field(
        default=30, description="A worker silent for this long has lost its tasks."
    )
    shutdown_grace_s: float = Field(
        default=20, ge=0, description="How long a stopping worker lets steps finish."
    )
    publish_timeout_s: Seconds = Field(default=5, description="Guard of one publish to Redis.")
    review_due_hours: float = Field(default=24, gt=0, description="When a review is due.")
    review_on_expiry: ReviewExpiry = Field(
        default=ReviewExpiry.KEEP, description="What happens to a review that is past due."
    )
    max_edit_rounds: int = Field(
        default=3, ge=0, description="Automatic edits of an invalid structure before going on."
    )
    max_attempts: Count = Field(
        default=5,
        description="Workers a task may lose in a row, without progress, before it fails.",
    )
    user_max_active_tasks: int = Field(
        default=0,
        ge=0,
        description="Tasks of a user that are begun and not ended, at a time; more wait in the"
        " queue. 0 is no limit.",
    )
    user_max_waiting_tasks: int = Field(
        default=10_000,
        ge=0,
        description="Tasks of a user that may wait in the queue; one more is refused (429). 0 is no"
        " limit.",
    )
    user_requests_per_minute: int = Field(
        default=6000,
        ge=0,
        description="API requests of a user, over all API processes; admins are exempt. 0 is no"
        " limit.",
    )
    user_max_streams: Count = Field(
        default=2500, description="Live streams (SSE, WebSocket) a user may have open, per process."
    )
    max_streams: Count = Field(
        default=10_000, description="Live streams of all users and admins, per API process."
    )
    event_retention_days: int = Field(
        default=90, ge=1, description="Events of finished tasks are kept this long."
    )

    # --- what can be watched
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Workers and beat serve /metrics on this port; without it they do not.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="OpenTelemetry collector (OTLP over HTTP, such as http://localhost:4318) that"
        " gets traces; needs the extra `telemetry`.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address they serve it on.")

    # --- logs
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: LogFormat = Field(default=LogFormat.AUTO, description="How log lines look.")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
            raise ValueError("must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
        return value.upper()

    @field_validator("database_url")
    @classmethod
    def _async_driver(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        for scheme in ("postgresql://", "postgres://"):
            if url.startswith(scheme):
                return SecretStr("postgresql+asyncpg://" + url.removeprefix(scheme))
        if not url.startswith("postgresql+asyncpg://"):
            raise ValueError("must begin with postgresql+asyncpg://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("broker_url")
    @classmethod
    def _broker_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        known = ("redis://", "rediss://", "unix://", "amqp://", "amqps://")
        if value and not value.get_secret_value().startswith(known):
            raise ValueError(
                "must begin with " + ", ".join(known[:-1]) + f" or {known[-1]}; for Redis with"
                " Sentinel give an address that leads to the primary, see deploy/haproxy.cfg"
            )
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _can_send(cls, value: str | None) -> str | None:
        from importlib.util import find_spec

        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        try:
            installed = find_spec("opentelemetry.exporter.otlp.proto.http") is not None
        except ModuleNotFoundError:  # not even the packages above it
            installed = False
        if not installed:
            raise ValueError("needs OpenTelemetry: pip install 'roadmap-worker[telemetry]'")
        return value

    @field_validator("auth_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:  # noqa: PLR2004 - RFC 7518 §3.2
            raise ValueError("must have 32 characters or more")
        return value

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

    @property
    def broker(self) -> str:
        """Celery's broker address: BROKER_URL, else REDIS_URL."""
        return (self.broker_url or self.redis_url).get_secret_value()


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment and `.env`.

    Args:
        overrides: Values by field name that win over the environment.

    Raises:
        SettingsError: A `ROADMAP_` name is unknown or a value is invalid; the message names it.
    """
    given = given_values(Settings)
    refuse_unknown_names(given, fields=Settings.model_fields)
    try:
        values: dict[str, Any] = {**secret_values(given), **overrides}
        return Settings(**values)
    except ValidationError as error:
        lines = [
            f"{PREFIX}{str(problem['loc'][0]).upper()}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False)
        ]
        raise SettingsError("Invalid setting. " + "; ".join(lines)) from None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the process's settings, read once; `get_settings.cache_clear()` forgets them."""
    return load_settings()
