"""Structured logs by structlog: JSON for machines, colours on a terminal, never a secret."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import structlog

from core.choices import LogFormat

if TYPE_CHECKING:
    from core.settings import Settings

_PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^:/@\s\"']*):([^/\s\"']+)@")
_CREDENTIAL: Final = re.compile(r"(?i)(bearer\s+|ticket=|token=|api[_-]?key=)[\w.\-~+/]+=*")


def redact(text: str) -> str:
    """Return the text without passwords in addresses, bearer tokens, tickets and keys."""
    return _CREDENTIAL.sub(r"\1***", _PASSWORD_IN_URL.sub(r"\1:***@", text))


def configure_logging(settings: Settings) -> None:
    """Send structlog's and the standard library's records through one formatter to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    console = settings.log_format is LogFormat.CONSOLE or (
        settings.log_format is LogFormat.AUTO and sys.stderr.isatty()
    )
    renderers: list[structlog.typing.Processor] = (
        # the traceback that rich would draw shows local variables: prompts, addresses, keys
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *renderers,
                _redact_line,
            ],
        )
    )
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("alembic", "httpx", "httpcore", "openai", "kombu", "amqp"):
        logging.getLogger(noisy).setLevel(max(root.level, logging.WARNING))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger; events are `snake_case_past_tense` with facts as keywords."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _redact_line(_logger: Any, _method: str, line: Any) -> str:
    """Redact the finished line: whatever a secret stood in, a list, an error, a traceback."""
    return redact(str(line))
