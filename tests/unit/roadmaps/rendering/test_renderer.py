"""Texts are rendered in a process that can be killed, beside a loop that goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from roadmaps.kinds.tutorial import Tutorial
from roadmaps.rendering import child, renderer
from roadmaps.rendering.markdown import to_html
from roadmaps.rendering.renderer import close_renderer, render
from roadmaps.rendering.rules import UNRENDERED, VERSION
from tests.factories import until
from tests.loop_lag import loop_lag

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = next(
    m.max_length for m in Tutorial.model_fields["markdown"].metadata if hasattr(m, "max_length")
)
HOSTILE = {
    "images": "![",
    "links": "[a](",
    "definitions": "[]: [a]: x\n",
    "emphasis": "a**b_",
    "strikes": "~~a~~",
    "quotes": "> ",
    "lists": "  - a\n",
    "tables": "|a|b\n",
    "headings": "# a\n",
    "backticks": "`a``",
    "entities": "&amp;&#x41;",
    "html": "<a href='",
    "escapes": "\\",
    "fences": "```\n~~~\n",
}


def children() -> list[psutil.Process]:
    """Return the processes that render for this one."""
    return [each for each in psutil.Process().children() if _renders(each)]


def _renders(process: psutil.Process) -> bool:
    try:
        return "roadmaps.rendering.child" in " ".join(process.cmdline())
    except (psutil.ZombieProcess, psutil.NoSuchProcess):  # it may end while it is asked
        return False


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    close_renderer()
    assert children() == []


async def test_a_text_is_rendered_as_here() -> None:
    """What the process returns is what the renderer makes, with its version."""
    text = "# Ownership\n\n*Borrow* `&x` — 你好 \ud800"
    rendered = await render(text)
    assert rendered.html == to_html(text.encode(errors="replace").decode())
    assert rendered.version == VERSION


async def test_a_hostile_text_is_shown_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes too long is killed at its limit, told as it was written, and others go on."""
    monkeypatch.setattr(renderer, "CPU_S", 0.5)
    text = "![" * (LARGEST // 2)
    await render("warm")
    async with loop_lag() as lag:
        first = await render(text)
        second = await render("*next*")
    assert UNRENDERED in first.html
    assert first.html.count("![") == LARGEST // 2
    assert first.version == VERSION, "it is not tried again by this renderer"
    assert second.html == "<p><em>next</em></p>\n"
    assert lag.worst_ms < 400  # at its limit a text takes half a second and more


@pytest.mark.parametrize("kind", HOSTILE if os.environ.get("FAULTS") == "all" else ["definitions"])
async def test_every_kind_of_hostile_text_ends(kind: str) -> None:
    """Whatever is repeated up to the limit, it ends, safe, and without holding the loop."""
    unit = HOSTILE[kind]
    async with loop_lag() as lag, asyncio.timeout(60):
        rendered = await render((unit * (LARGEST // len(unit) + 1))[:LARGEST])
    assert rendered.version == VERSION
    assert "<a href='" not in rendered.html
    assert lag.worst_ms < 400  # at its limit a text takes half a second and more


async def test_the_process_knows_nothing_and_ends_with_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has no setting of ours, little memory, and one that was killed is made anew."""
    monkeypatch.setenv("ROADMAP_AUTH_SECRET", "s" * 40)
    await render("a")
    (process,) = children()
    assert not [name for name in process.environ() if name.startswith("ROADMAP_")]
    assert process.memory_info().rss < 60e6
    assert process.rlimit(psutil.RLIMIT_AS)[0] == child.MEMORY_BYTES
    process.send_signal(signal.SIGKILL)
    await until(lambda: _is(children() == []), what="the process's end")
    assert (await render("b")).html == "<p>b</p>\n"


async def _is(value: bool) -> bool:  # noqa: FBT001 - an awaitable for `until`
    return value


async def test_a_child_that_ends_in_the_moment_it_is_asked_costs_no_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Idle for long or killed by somebody: that says nothing about the text, which is rendered."""
    await render("a")
    (process,) = children()
    process.kill()
    await until(lambda: _is(process.status() == psutil.STATUS_ZOMBIE), what="its end")
    alive = staticmethod(lambda _: False)  # as it was when somebody looked
    monkeypatch.setattr(renderer._Child, "_has_ended", alive)
    rendered = await render("*b*")
    assert (rendered.html, rendered.version) == ("<p><em>b</em></p>\n", VERSION)


@pytest.mark.parametrize(
    "end", ["sys.exit(0)", "os.kill(os.getpid(), 9)", "os.kill(os.getpid(), 15)"]
)
async def test_where_children_keep_ending_a_text_is_plain_for_now(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Without memory for the process, for example; the text is tried again when it is read next."""
    monkeypatch.setattr(renderer, "_BOOT", f"import os, sys; {end}")
    rendered = await render("# A")
    assert "<pre># A</pre>" in rendered.html
    assert rendered.version is None


async def test_a_machine_without_time_costs_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that stands still far below its limit, as on a laptop that slept, is tried again."""
    await render("a")
    (process,) = children()
    process.suspend()
    with monkeypatch.context() as impatient:
        impatient.setattr(renderer, "WALL_S", 0.2)
        assert (await render("*b*")).version is None
    assert (await render("*b*")).html == "<p><em>b</em></p>\n"


async def test_a_text_that_ends_the_child_by_an_error_is_plain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would end the next one, too."""
    monkeypatch.setattr(renderer, "_BOOT", "import sys; sys.stdin.buffer.read(5); 1 / 0")
    rendered = await render("# A")
    assert "<pre># A</pre>" in rendered.html
    assert rendered.version == VERSION


async def test_without_a_process_a_text_is_plain_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """When none can be started the text is shown plain, and is to be tried again."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    rendered = await render("# A")
    assert "<pre># A</pre>" in rendered.html
    assert rendered.version is None
