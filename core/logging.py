"""Structured logs by structlog: JSON for machines, colours on a terminal, never a secret."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from core.authored import readable
from core.choices import LogFormat
from core.redaction import redact, redacted_ends
from core.visible import one_line, visible

if TYPE_CHECKING:
    from core.settings import Settings

_LONGEST: Final = 100_000
"""Characters of one value in a line."""
_OF_SEVERAL_LINES: Final = frozenset({"event", "exception", "stack"})


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
        [_bounded, _for_terminals, structlog.dev.ConsoleRenderer(exception_formatter=_traceback)]
        if console
        else [
            structlog.processors.ExceptionRenderer(_printed),
            _bounded,
            structlog.processors.JSONRenderer(),
        ]
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
    for noisy in ("alembic", "httpx", "httpcore", "aiohttp", "kombu", "amqp"):
        logging.getLogger(noisy).setLevel(max(root.level, logging.WARNING))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger; events are `snake_case_past_tense` with facts as keywords."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _bounded(_logger: Any, _method: str, record: structlog.typing.EventDict) -> Any:
    """Leave out the middle of endless texts: to write them would hold up the whole process."""
    return {
        name: redacted_ends(value, _LONGEST) if isinstance(value, str) else value
        for name, value in record.items()
    }


def _for_terminals(_logger: Any, _method: str, record: structlog.typing.EventDict) -> Any:
    """Let nothing that others wrote act on the terminal, or pass for a line of its own.

    An event's own text may have several lines, as Celery's and a traceback's have. What is no text
    is shown by `repr`, which escapes by itself; JSON does, too.
    """
    return {
        name: (visible if name in _OF_SEVERAL_LINES else one_line)(value)
        if isinstance(value, str)
        else value
        for name, value in record.items()
    }


def _traceback(out: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    out.write(visible(redacted_ends(f"\n{_printed(exc_info)}", _LONGEST)))


def _printed(exc_info: structlog.typing.ExcInfo) -> str:
    """Return a traceback as Python prints it, also of an error that cannot be looked at."""
    kind, error, trace = exc_info
    told = readable(error) if error is not None else error
    if told is not error:
        kind, error, trace = type(told), told, told.__traceback__
    return "".join(traceback.format_exception(kind, error, trace)).rstrip("\n")


def _redact_line(_logger: Any, _method: str, line: Any) -> str:
    """Redact the finished line: whatever a secret stood in, a list, an error, a traceback."""
    return redact(str(line))
