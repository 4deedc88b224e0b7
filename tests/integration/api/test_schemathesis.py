"""Every kind of request against the running API, judged by its own OpenAPI document.

`FAULTS=all` throws twenty times as many.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg
    from schemathesis import APIOperation, Case

EXAMPLES: Final = 80 if WHOLE_SET else 4
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
REFUSALS: Final = [*CHECKS, negative_data_rejection]
STREAM: Final = "text/event-stream"


async def test_no_request_breaks_the_api(
    served: str, database: asyncpg.Connection, record_property: Callable[[str, object], None]
) -> None:
    """No request of any kind, on any route, is answered by 5xx or otherwise than documented."""
    schema = schemathesis.openapi.from_dict(_document())
    sent = 0
    wrong: dict[str, str] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        things = await _things(database, operation.path)
        for mode in GenerationMode:
            try:
                sent += _throw(operation, mode, served, things)
            except Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, (
                    "an operation without input has no wrong one"
                )
            except BaseExceptionGroup as failures:
                wrong[f"{operation.label}, {mode.value}"] = "; ".join(map(str, failures.exceptions))
            except AssertionError as failure:
                wrong[f"{operation.label}, {mode.value}"] = str(failure)
    record_property("requests", sent)
    assert not wrong, "\n\n".join(f"{where}: {what}" for where, what in wrong.items())


def _document() -> dict[str, Any]:
    """Return the API's document without credentials: who may do what is test_matrix's matter."""
    document = create_app().openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    return document


async def _things(database: asyncpg.Connection, path: str) -> dict[str, str]:
    """Return ids that exist, for the path's parameters; each operation has its own to spoil."""
    seeded = await (seeds.review if path.endswith("/review") else seeds.roadmap)(database)
    return {
        "task_id": str(seeded.task_id),
        "roadmap_id": str(seeded.roadmap_id),
        "concept_id": str(seeded.concepts[0]),
        "notification_id": str(await seeds.notification(database, seeded.task_id)),
        "name": "roadmap" if "/workflows/" in path else "purge",
        "step": "content_generation",
        "key": str(seeded.concepts[0]),
    }


def _throw(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    address: str,
    things: dict[str, str],
) -> int:
    """Send examples of one operation; return how many there were."""
    admin = operation.path.startswith("/api/v1/admin")
    headers = bearer("root", role="admin") if admin else bearer("alice")
    checks = CHECKS if mode is GenerationMode.POSITIVE else REFUSALS
    if operation.path == "/readyz":  # no worker runs here, which 503 is the answer to
        checks = [check for check in checks if check is not not_a_server_error]
    count, session = 0, requests.Session()

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), known=st.booleans())
    def send(case: Case[Any], known: bool) -> None:  # noqa: FBT001 - Hypothesis passes by name
        nonlocal count
        count += 1
        positive = mode is GenerationMode.POSITIVE
        if known and positive:
            case.path_parameters = {name: things[name] for name in case.path_parameters or {}}
        request = case.as_transport_kwargs(base_url=address)
        request["headers"] = {**request.get("headers", {}), **headers}
        with session.request(**request, stream=True, timeout=20, allow_redirects=False) as raw:
            if raw.headers.get("content-type", "").startswith(STREAM):
                assert raw.status_code == HTTPStatus.OK, "a stream is 200"
                return  # its events are other tests' matter
            response = Response.from_requests(raw, verify=True)
        case.validate_response(response, checks=checks)

    send()
    return count
