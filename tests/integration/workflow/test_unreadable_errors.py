"""Errors whose own attributes raise: nothing falls that looks at one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from core.authored import AuthoredError, call
from core.logging import configure_logging, get_logger
from core.settings import load_settings
from tests.factories import ADMIN
from tests.own import asked, failed_parts
from watching import queries
from workflow import Context, Workflow
from workflow.ending import Result
from workflow.runs import run_task

if TYPE_CHECKING:
    import asyncpg


class Request(BaseModel):
    """What the workflow of this file is asked for."""


class _Delegating(Exception):  # noqa: N818
    """As a library's, that answers with what its response has, and has none."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.response, name)


class _Posing(Exception):  # noqa: N818
    @property
    def __class__(self) -> Any:
        raise RuntimeError

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise RuntimeError


class _Empty(Exception):  # noqa: N818
    def __bool__(self) -> bool:
        raise RuntimeError


class _Closed(ExceptionGroup[Exception]):
    @property
    def exceptions(self) -> Any:
        raise RuntimeError


ODD = ["closed", "delegating", "empty", "posing"]


def odd(name: str) -> Exception:
    """Return one of them; no module may hold one, or what collects the tests falls."""
    if name == "closed":
        return _Closed("x", [ValueError()])
    kinds: dict[str, type[Exception]] = {"delegating": _Delegating, "empty": _Empty}
    return kinds.get(name, _Posing)("x")


async def test_they_fail_their_part_alone(database: asyncpg.Connection) -> None:
    """The others are made, and admins are told which error it was and where."""
    flow = Workflow("odd_errors", version=1, request=Request, title="Odd")

    @flow.parts(of=lambda: [*ODD, "caused", "fine"])
    async def part_of(ctx: Context, part: str) -> str:
        if part in ODD:
            raise odd(part)
        if part == "caused":
            raise ValueError from odd("delegating")
        return part

    task = await asked(flow)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    assert await failed_parts(database, task) == dict.fromkeys([*ODD, "caused"], "unexpected_error")
    traces = {f.key: f.trace for f in (await queries.get_task(task, actor=ADMIN)).failed_contents}
    for key in ODD:
        assert f"_{key.title()}" in (traces[key] or "")
        assert "in part_of" in (traces[key] or "")


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.usefixtures("fresh_logging")
def test_they_can_be_logged(
    form: str,
    name: str,
    settings_env: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Titles, plans and checks of requests that raise one are told like others."""

    def title() -> str:
        raise odd(name)

    configure_logging(load_settings(log_format=form))
    try:
        call(title)
    except AuthoredError:
        get_logger("test").exception("title_failed")
    shown = capsys.readouterr().err
    assert f"_{name.title()}" in shown
    assert "Logging error" not in shown
