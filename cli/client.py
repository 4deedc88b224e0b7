"""The HTTP API as the command line sees it: one method per use, one error for all that fails."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

import httpx

from cli.data_dir import DEFAULT
from cli.discovery import find_target
from cli.exits import CommandError, failed, unreachable, usage

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

BASE: Final = "/api/v1"
_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_NOT_FOUND: Final = 404
_CONFLICTS: Final = frozenset({409, 412})
_REFUSED: Final = frozenset({401, 403})
_SERVER: Final = 500


class ApiError(CommandError):
    """The API answered with a problem."""

    def __init__(self, error: CommandError, *, status: int) -> None:
        """Keep the HTTP status beside the message."""
        super().__init__(error.message, error.exit_code)
        self.status = status

    @property
    def conflict(self) -> bool:
        """Whether somebody else was first."""
        return self.status in _CONFLICTS


class Client:
    """Talks to the API of one stack.

    Args:
        data_dir: Where `stack.json` is looked for when the environment names no API.
    """

    def __init__(self, data_dir: Path) -> None:
        """Find the stack; nothing is sent yet."""
        self._data_dir = data_dir
        # A proxy from the environment is for other machines, not for this one.
        local = _is_local(find_target(data_dir).api_url)
        self.http = httpx.Client(timeout=_TIMEOUT, trust_env=not local)
        self.find_again()

    def find_again(self) -> None:
        """Read again where the API is: a stack that was started anew may have moved.

        Raises:
            CommandError: There is none at the moment.
        """
        target = find_target(self._data_dir)
        self.api_url = target.api_url
        self.http.base_url = httpx.URL(target.api_url)
        self.http.headers.pop("Authorization", None)
        if target.token:
            self.http.headers["Authorization"] = f"Bearer {target.token}"

    def command(self, name: str, argument: str) -> str:
        """Return the command line that does something with the same stack."""
        words = ["roadmap", name, argument]
        if self._data_dir != DEFAULT:
            words += ["--data-dir", str(self._data_dir)]
        return shlex.join(words)

    def create_task(self, request: dict[str, Any], *, key: str) -> dict[str, Any]:
        """Ask for a roadmap; the same key twice is the same task."""
        return self._call(
            "POST", f"{BASE}/tasks", json=request, headers={"Idempotency-Key": key}, what="request"
        )

    def tasks(self, *, status: str | None, limit: int) -> dict[str, Any]:
        """Return the newest tasks."""
        params = {"limit": limit} | ({"status": status} if status else {})
        return self._call("GET", f"{BASE}/tasks", params=params, what="list")

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task."""
        return self._call("GET", _task(task_id), what=f"task {task_id}")

    def events(self, task_id: str, *, after: int, wait_s: float) -> dict[str, Any]:
        """Return the events after one, waiting for the first if need be."""
        return self._call(
            "GET",
            f"{_task(task_id)}/events",
            params={"after": after, "wait": wait_s},
            timeout=httpx.Timeout(wait_s + 15.0, connect=5.0),
            what=f"task {task_id}",
        )

    def review(self, task_id: str) -> dict[str, Any]:
        """Return the open review."""
        return self._call("GET", f"{_task(task_id)}/review", what=f"open review of {task_id}")

    def decide(
        self, task_id: str, decision: dict[str, Any], *, version: int | None
    ) -> dict[str, Any]:
        """Decide the open review; a version says what was looked at."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self._call(
            "POST",
            f"{_task(task_id)}/review",
            json=decision,
            headers=headers,
            what=f"open review of {task_id}",
        )

    def retry(self, task_id: str) -> dict[str, Any]:
        """Have what failed done again."""
        return self._call("POST", f"{_task(task_id)}/retry", what=f"task {task_id}")

    def cancel(self, task_id: str) -> dict[str, Any]:
        """Have a task stopped."""
        return self._call("POST", f"{_task(task_id)}/cancel", what=f"task {task_id}")

    def roadmap(self, roadmap_id: str) -> dict[str, Any]:
        """Return a roadmap's tree."""
        path = f"{BASE}/roadmaps/{quote(roadmap_id, safe='')}"
        return self._call("GET", path, what=f"roadmap {roadmap_id}")

    def concept(self, roadmap_id: str, concept_id: str) -> dict[str, Any]:
        """Return a concept with its contents."""
        path = f"{BASE}/roadmaps/{quote(roadmap_id, safe='')}/concepts/{quote(concept_id, safe='')}"
        return self._call("GET", path, what=f"concept {concept_id}")

    def redis_report(self) -> dict[str, Any]:
        """Return the API's Redis connections."""
        return self._call("GET", f"{BASE}/admin/redis", what="Redis report")

    def schedules(self) -> dict[str, Any]:
        """Return the maintenance jobs."""
        return self._call("GET", f"{BASE}/admin/schedules", what="list of jobs")

    def schedule(self, name: str, verb: str) -> dict[str, Any]:
        """Pause, resume or run a maintenance job."""
        path = f"{BASE}/admin/schedules/{quote(name, safe='')}/{verb}"
        return self._call("POST", path, what=f"job {name}")

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.http.close()

    def _call(self, method: str, path: str, *, what: str, **kwargs: Any) -> dict[str, Any]:
        try:
            response = self.http.request(method, path, **kwargs)
        except httpx.HTTPError as error:
            raise unreachable(
                f"The API at {self.api_url} does not answer ({_reason(error)}). "
                "Is the stack running? Start it with `roadmap up`; `roadmap doctor` tells more."
            ) from None
        if response.is_error:
            raise problem(response, what=what)
        document = _document(response)
        if document is None:
            raise unreachable(f"{self.api_url} does not answer like our API; check the address.")
        return document


def problem(response: httpx.Response, *, what: str) -> ApiError:
    """Return the error for an answer that is a problem document, or anything else above 400."""
    body = _document(response) or {}
    said = str(body.get("detail") or body.get("title") or f"HTTP {response.status_code}")
    status = response.status_code
    if status == _NOT_FOUND:
        error = usage(f"There is no such {what}, or it belongs to somebody else.")
    elif status in _REFUSED:
        error = usage(f"The API refused the token: {said} Get one with `roadmap token`.")
    elif status >= _SERVER:
        error = unreachable(f"The API cannot do this now: {said}")
    elif status in _CONFLICTS:
        error = failed(said)
    else:
        error = usage(said + _fields(body))
    return ApiError(error, status=status)


def _is_local(url: str) -> bool:
    host = httpx.URL(url).host
    return host in {"localhost", "::1"} or host.startswith("127.")


def _task(task_id: str) -> str:
    return f"{BASE}/tasks/{quote(task_id, safe='')}"


def _document(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _fields(body: dict[str, Any]) -> str:
    errors = body.get("errors")
    if not isinstance(errors, list):
        return ""
    return "".join(f"\n  {error}" for error in errors)


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
