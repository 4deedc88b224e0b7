"""Traces, as a collector receives them from a real API and a real worker."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from core.settings import get_settings
from tests.e2e.faults.worker_process import WorkerProcess
from tests.factories import until
from tests.integration.api.processes import running_api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import asyncpg
    from redis.asyncio import Redis


class Collector:
    """Receives spans by OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                    names = {a.key: a.value.string_value for a in group.resource.attributes}
                    for scope in group.scope_spans:
                        spans.extend((names["service.name"], span) for span in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def named(self, name: str, trace: bytes | None = None) -> list[Any]:
        """Return the spans of that name, of one trace or of all."""
        return [s for _, s in self.spans if s.name == name and trace in {None, s.trace_id}]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on a free port."""
    found = Collector()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


async def test_one_trace_from_request_to_model_call(
    database: asyncpg.Connection,
    redis: Redis,
    settings_env: pytest.MonkeyPatch,
    redis_url: str,
    postgres_url: str,
    collector: Collector,
    tmp_path: Path,
) -> None:
    """Request, delivery, steps, model calls and SQL are one trace; after a review links go on."""
    settings_env.setenv("ROADMAP_AUTH", "none")
    settings_env.setenv("ROADMAP_OTLP_ENDPOINT", collector.endpoint)
    settings_env.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    get_settings.cache_clear()
    worker = WorkerProcess(
        name="traced",
        settings={
            "DATABASE_URL": postgres_url,
            "REDIS_URL": redis_url,
            "OTLP_ENDPOINT": collector.endpoint,
            "SAMPLE_LATENCY_S": "0",
        },
        log=tmp_path / "worker.log",
    )
    worker.start()
    try:
        async with (
            running_api() as api,
            httpx.AsyncClient(base_url=f"{api.address}/api/v1") as client,
        ):
            worker.wait_ready()
            task = (await client.post("/tasks", json={"goal": "Learn Rust"})).json()
            url = f"/tasks/{task['task_id']}"

            async def reached(*statuses: str) -> bool:
                return (await client.get(url)).json()["status"] in statuses

            await until(lambda: reached("human_review_pending"), within_s=40, what="the review")
            decided = await client.post(f"{url}/review", json={"decision": "approve"})
            assert decided.status_code == 202
            await until(lambda: reached("completed"), within_s=40, what="the end")
            api.process.terminate()
            await api.process.wait()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait_end() == 0
    finally:
        worker.kill()

    (first,) = collector.named("roadmap.generate")
    trace = first.trace_id
    (request,) = collector.named("HTTP POST", trace)
    assert first.parent_span_id == request.span_id
    assert {service for service, s in collector.spans if s.trace_id == trace} == {
        "roadmap-api",
        "roadmap-worker",
    }
    (run,) = collector.named("run", trace)
    (step,) = collector.named("step intent_analysis", trace)
    (call,) = collector.named("chat intent_analysis", trace)
    assert (step.parent_span_id, call.parent_span_id) == (run.span_id, step.span_id)
    assert collector.named("sql SELECT", trace), "no SQL in the trace"
    assert collector.named("commit facts", trace)

    (second,) = collector.named("roadmap.resume")
    assert second.trace_id != trace
    (resumed,) = collector.named("run", second.trace_id)
    assert [(link.trace_id, link.span_id) for link in resumed.links] == [(trace, first.span_id)]
    contents = await database.fetchval("SELECT count(*) FROM contents WHERE kind = 'quiz'")
    assert len(collector.named("content quiz", second.trace_id)) == contents
    texts = {a.value.string_value for _, s in collector.spans for a in s.attributes}
    assert not [text for text in texts if "Learn Rust" in text], "a goal in a trace"


def test_without_an_endpoint_nothing_is_imported() -> None:
    """Neither the SDK nor its exporter is loaded unless traces are wanted."""
    code = (
        "import sys, asyncio, api.app, tasks, core.telemetry as t; t.start('api');"
        "assert t.position() is None;"
        "unwanted = ('opentelemetry.exporter', 'opentelemetry.sdk.trace', 'google.protobuf');"
        "print([m for m in sys.modules if m.startswith(unwanted)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
