"""A type checker finds what an author gets wrong, as far as Python's types can tell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
AUTHORS = """\
from typing import Any, Literal

from pydantic import BaseModel
from roadmap_worker import END, Context, Finished, Next, PartFailed, Parts, Retryable, Workflow

class BookRequest(BaseModel):
    topic: str

class Outline(BaseModel):
    chapters: list[str]

class Text(BaseModel):
    markdown: str

book = Workflow("book", version=2, request=BookRequest, title=lambda r: r.topic)
Workflow("other", request=BookRequest, title=lambda r: r.goal)  # E: has no attribute "goal"
Workflow("other", request=dict)  # E: "R" of "Workflow" cannot be

@book.step
async def outline(ctx: Context, request: BookRequest, feedback: str | None = None) -> Outline:
    ctx.progress("thinking")
    await ctx.progress("thinking")
    return await ctx.ask(Outline, f"Outline {request.topic}", system="An editor")

@book.step(needs=0.5, share=0.1, timeout_s=5)
async def wrong(ctx: Context, request: BookRequest) -> Text:
    return await ctx.ask(Outline, "Outline it")  # E: expected "type[Text]"

@book.step  # E: cannot be "Callable[[int]
async def no_context(ctx: int) -> Text:
    return Text(markdown="")

@book.step(need=1.0)  # E: did you mean "needs"
async def misspelt(ctx: Context) -> Text:
    return Text(markdown="")

review = book.review(of=outline, due_hours=72, on_expiry="keep")
book.review(of=outline, on_expiry="never")  # E: has incompatible type

@book.parts(of=lambda outline: outline.chapters, kinds=("long", "short"), retries=2)
async def chapter(ctx: Context, part: str, kind: Literal["long", "short"]) -> Text:
    if not part:
        raise PartFailed("no_title", "It has no title.")
    if kind == "long":
        raise Retryable("later", after_s=1)
    return await ctx.stream(Text, [{"role": "user", "content": part}], field="markdown")

@book.step
def index(ctx: Context, chapter: Parts[dict[str, Text]]) -> list[str]:
    found: list[int] = [text["long"].markdown for text in chapter.values()]  # E: List comprehension
    for key, why in chapter.failed.items():
        found.append(why.code)  # E: has incompatible type
    return [text["long"].markdown for text in chapter.done.values()]

@book.plan
def plan(done: Finished, request: BookRequest, outline: Outline | None) -> Next:
    if done.last == "outline" and done.times("outline") < 3:
        return index
    return review if not done else END

@book.upgrade(from_version=1)
def upgrade(results: dict[str, Any]) -> dict[str, Any]:
    return results

async def used(ctx: Context) -> None:
    text: Outline = await outline(ctx, BookRequest(topic=""))
    await outline(ctx, "a topic")  # E: has incompatible type "str"
    print(text)
"""


def test_what_a_type_checker_says(tmp_path: Path) -> None:
    """Each line of an author's module that is wrong is found, and no other one."""
    module = tmp_path / "mybook.py"
    module.write_text(AUTHORS, encoding="utf-8")
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context"),
            *("--config-file", str(ROOT / "pyproject.toml"), str(module)),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    found: dict[str, str] = {}
    for number, said in re.findall(r"mybook\.py:(\d+): error: (.*)", ran.stdout):
        found[number] = found.get(number, "") + said
    wanted = {
        str(number): line.split("# E: ")[1]
        for number, line in enumerate(AUTHORS.splitlines(), start=1)
        if "# E: " in line
    }
    assert found.keys() == wanted.keys(), ran.stdout
    for number, said in wanted.items():
        assert said in found[number]
