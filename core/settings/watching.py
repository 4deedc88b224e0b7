"""What can be watched: metrics, traces, logs."""

from __future__ import annotations

from pydantic import BaseModel, Field, field_validator

from core.choices import LogFormat, LogLevel
from core.settings.kinds import ListenHost


class WatchingSettings(BaseModel):
    """What the program tells of itself."""

    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Workers and beat serve /metrics on this port; without it they do not.",
    )
    pulse_dir: str | None = Field(
        default=None,
        description="Folder in which workers say what they do, for `roadmap probe worker`; not"
        " given, one of the system's temporary folder, of this database and broker.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="OpenTelemetry collector (OTLP over HTTP, such as http://localhost:4318) that"
        " gets traces; needs the extra `telemetry`.",
    )
    metrics_host: ListenHost = Field(default="127.0.0.1", description="Address they serve it on.")
    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="From which severity on something is logged."
    )
    log_format: LogFormat = Field(default=LogFormat.AUTO, description="How log lines look.")

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
