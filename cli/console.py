"""Writes results to stdout and notes for people to stderr, in any locale and on any terminal.

Whatever is written goes through `core.visible`, plain or by rich: what others wrote cannot steer
the terminal, and in rich's output it is text, never markup.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

from cli.hints import complete
from core.visible import json_safe, one_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.markdown import Markdown
    from rich.segment import Segment
    from rich.text import Text


_ALIKE: Final = str.maketrans(
    "\u2022\u00b7\u201c\u201d\u201e\u2018\u2019\u00a0\u202f\u2010\u2011\u2013\u2014\u2212\u00d7",
    '*-"""\'\'  -----x',
) | {ord("…"): "...", ord("→"): "->"}
"""What a locale of few letters has in the place of our signs and a text's."""


def prepare() -> None:
    """Let any text pass through any locale: what it cannot show becomes its like, or `?`.

    A terminal of no columns at all, as some programs tell, is one whose width nobody knows.
    """
    if not os.environ.get("COLUMNS", "").strip("0 "):
        os.environ.pop("COLUMNS", None)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_alike.__name__)
    sys.argv[1:] = [os.fsencode(word).decode("utf-8", "replace") for word in sys.argv[1:]]


def _alike(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for letters that an encoding lacks, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end].translate(_ALIKE)
    return "".join(sign if sign.isascii() else "?" for sign in lacking), error.end


codecs.register_error(_alike.__name__, _alike)


def speaks_unicode() -> bool:
    """Tell whether stdout can show more than its locale's few letters."""
    return (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")


def make_console(**options: Any) -> Console:
    """Return a console for stdout; a reader that left ends the command like any other output.

    Strings are text: neither markup nor emoji codes count in them. Every renderable's segments are
    made visible before they are laid out, so a forgotten cell cannot steer the terminal either.
    """
    from rich.console import Console
    from rich.segment import Segment

    class Output(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                if segment.control:
                    yield segment
                else:
                    yield Segment(visible(segment.text), segment.style)

    return Output(markup=False, emoji=False, highlight=False, **options)


def shown(value: object, style: str = "", **options: Any) -> Text:
    """Return a value as a line of rich's text, as wide as it will be seen."""
    from rich.text import Text

    return Text(one_line(str(value)), style, **options)


def shown_markdown(markdown: str) -> Markdown:
    """Return Markdown for the terminal; links stand there with their address, none is hidden."""
    from rich.markdown import Markdown

    return Markdown(visible(markdown), hyperlinks=False)


def emit_json(document: Any) -> None:
    """Write one JSON document as one line on stdout, at once; what acts or hides is escaped."""
    text = json.dumps(document, ensure_ascii=not speaks_unicode())
    sys.stdout.write(json_safe(text) + "\n")
    sys.stdout.flush()


def emit(text: str) -> None:
    """Write a line, or several, on stdout, at once."""
    sys.stdout.write(visible(complete(text)) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Write a line, or several, for people on stderr."""
    try:
        sys.stderr.write(visible(complete(text)) + "\n")
        sys.stderr.flush()
    except OSError:
        return  # the terminal is gone; nobody is left to tell


def nobody_reads() -> None:
    """Throw away what is still to be written: whoever read our output has had enough."""
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, sys.stdout.fileno())
    os.close(void)
