"""Prompts as Jinja files: the environment in which they are rendered, and those of authors.

An author's files lie beside the module that names them, or in a folder `prompts` there.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.resources.abc import Traversable

    import jinja2

    from llm import Message

_LONGEST: Final = 12_000
"""Characters of one text of somebody else that a prompt shows."""
_UNSENDABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""NUL and lone surrogates, which no request can carry."""
_ROLES: Final = ("system", "user")


def sendable(text: str) -> str:
    """Return a text without what no request can carry."""
    if "\0" not in text:
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:  # nearly always; asking the encoder is quicker than looking for it
            return text
    return _UNSENDABLE.sub("", text)


def as_data(text: object, name: str) -> str:
    """Return somebody's text between delimiters that it cannot close itself.

    Models are told that what stands between them is data; a text that contains the delimiter
    could otherwise end it early and go on as an instruction.
    """
    shown = sendable(str(text))[:_LONGEST]
    if "<" in shown:
        shown = re.sub(rf"<(?=\s*/?\s*{re.escape(name)}\b)", "\u2039", shown, flags=re.IGNORECASE)
    return f"<{name}>\n{shown}\n</{name}>"


def as_tag(language: object) -> str:
    """Return a language tag with the characters of one only: it stands among the rules."""
    return re.sub(r"[^A-Za-z0-9-]", "", str(language))[:35]


def environment(load: Callable[[str], str | None]) -> jinja2.Environment:
    """Return what renders prompts: a value that is missing is an error, nothing is escaped.

    Args:
        load: Returns a file's text by its name, None when there is none.
    """
    import jinja2  # only who writes prompts needs it

    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(load),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - prompts are plain text, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["data"] = as_data
    made.filters["tag"] = as_tag
    return made


def prompt(file: str, /, **values: Any) -> list[Message]:
    """Return a prompt from a Jinja file that lies beside the calling module, or in `prompts/`.

    With blocks `system` and `user` it is those two messages; without, all of it is the user's.
    `{{ text | data("source") }}` puts a stranger's text between delimiters that it cannot close.

    Args:
        file: The file's name, such as `plot.j2`.
        values: What it is filled with. A name that the file uses must be there.

    Raises:
        jinja2.TemplateError: There is no such file, it is no template, or a value is missing.

    Example:
        ```python
        await ctx.ask(Plot, prompt("plot.j2", topic=request.topic))
        ```
    """
    caller = sys._getframe(1).f_globals  # noqa: SLF001 - whose prompt it is, without naming it
    place = caller.get("__package__") or str(Path(caller["__file__"]).parent)
    template = _authors(place, packaged=bool(caller.get("__package__"))).get_template(file)
    if not any(role in template.blocks for role in _ROLES):
        return [{"role": "user", "content": template.render(values).strip()}]
    context = template.new_context(values)
    parts = {
        role: "".join(template.blocks[role](context)).strip()
        for role in _ROLES
        if role in template.blocks
    }
    return [{"role": role, "content": text} for role, text in parts.items() if text]


@cache
def _authors(place: str, *, packaged: bool) -> jinja2.Environment:
    """Return the environment of an author's package or folder."""
    room: Traversable = resources.files(place) if packaged else Path(place)

    def load(name: str) -> str | None:
        parts = name.split("/")
        if ".." in parts or not all(parts):
            return None
        for file in (room.joinpath(*parts), room.joinpath("prompts", *parts)):
            if file.is_file():
                return file.read_text(encoding="utf-8")
        return None

    return environment(load)
