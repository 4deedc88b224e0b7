"""Traces by OpenTelemetry, sent to OTLP_ENDPOINT; without one nothing is imported or done.

A trace begins with an HTTP request, crosses Celery in a message's headers, and holds the
delivery, its steps, contents, model calls and SQL. A task that pauses — for a review, for another
worker — goes on in the trace of what woke it; its delivery then links to the one before.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from core.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

TRACEPARENT: Final = "traceparent"
"""Header and column of a position in a trace, as W3C Trace Context writes it."""

_NOT_RECORDED: Final = nullcontext()
_tracer: Any = None
_provider: Any = None


def start(process: str) -> None:
    """Send spans from now on, if OTLP_ENDPOINT is set. Call it after a fork, not before.

    Args:
        process: `api` or `worker`; `OTEL_SERVICE_NAME` and the like win, as everywhere.
    """
    global _tracer, _provider  # noqa: PLW0603 - one per process
    endpoint = get_settings().otlp_endpoint
    if endpoint is None or _tracer is not None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": f"roadmap-{process}"})
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = _provider.get_tracer("roadmap-worker")


def stop() -> None:
    """Send what is left. Blocks for a few seconds at most."""
    global _tracer, _provider
    provider, _tracer, _provider = _provider, None, None
    if provider is not None:
        provider.shutdown()


def span(
    name: str,
    *,
    kind: str = "internal",
    parent: str | None = None,
    links: Iterable[str | None] = (),
    attributes: Mapping[str, Any] | None = None,
) -> AbstractContextManager[None]:
    """Record what happens within the block; an error that leaves it is named, not quoted.

    Args:
        name: What happens, with few different values.
        kind: `server`, `client`, `producer`, `consumer` or `internal`.
        parent: Where in which trace this belongs, as `position` gave it; the current by default.
        links: Further positions that this goes on from.
        attributes: Facts, named as OpenTelemetry's conventions do where there are any.
    """
    if _tracer is None:
        return _NOT_RECORDED
    return _recorded(name, kind, parent, links, attributes)


@contextmanager
def _recorded(
    name: str,
    kind: str,
    parent: str | None,
    links: Iterable[str | None],
    attributes: Mapping[str, Any] | None,
) -> Iterator[None]:
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode

    if _tracer is None:  # it was stopped meanwhile
        yield
        return
    linked = [Link(found) for found in map(_context_of, links) if found is not None]
    with _tracer.start_as_current_span(
        name,
        context=_parent(parent),
        kind=SpanKind[kind.upper()],
        links=linked,
        attributes=attributes,
        record_exception=False,  # its message may quote a prompt
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def position() -> str | None:
    """Return where in which trace we are, or None when in none."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _context_of(traceparent: str | None) -> Any:
    """Return the span context that a position names, or None for what is none."""
    from opentelemetry.trace import get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if not traceparent:
        return None
    carrier: Mapping[str, str] = {TRACEPARENT: traceparent}
    found = get_current_span(TraceContextTextMapPropagator().extract(carrier)).get_span_context()
    return found if found.is_valid else None


def _parent(traceparent: str | None) -> Any:
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    found = _context_of(traceparent)
    return None if found is None else set_span_in_context(NonRecordingSpan(found))


def _forget_parent() -> None:
    global _tracer, _provider  # noqa: PLW0603 - see above
    _tracer = _provider = None


os.register_at_fork(after_in_child=_forget_parent)
