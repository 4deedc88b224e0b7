"""How every command reads its words: none is empty, and an argument is called as in the documents.

An empty word is mostly a variable that is not set, as in `--data-dir "$DIR"`. Python takes an empty
path for the working folder, and an empty name for none; neither is what was meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperCommand

from cli.complaints import EmptyWordError, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

_WORDS: Final = frozenset({"a text", "a path"})


class Command(TyperCommand):
    """A command that refuses empty words, and whose arguments are in capitals wherever shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the arguments."""
        super().__init__(*args, **kwargs)
        for param in self.params:
            if param.param_type_name == "argument" and param.metavar is None and param.name:
                param.metavar = param.name.upper()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words.

        Raises:
            EmptyWordError: One that names something is empty.
        """
        if not ctx.resilient_parsing:
            given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
            for param in self._naming():
                if given.get(param.name) == "":
                    raise EmptyWordError("it is empty", ctx=ctx, param=param)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line; typer puts braces round what is required."""
        pieces = super().collect_usage_pieces(ctx)
        return [piece[1:-1] if piece.startswith("{") else piece for piece in pieces]

    def _naming(self) -> Iterator[Any]:
        """Yield the parameters that take a text or a path; others say themselves what they take."""
        for param in self.params:
            told = hasattr(param, "type_descriptor") and not getattr(param, "is_flag", False)
            if told and allowed(param) in _WORDS:
                yield param


def read_words(*groups: typer.Typer) -> None:
    """Let the commands of these groups read their words so."""
    for group in groups:
        for each in group.registered_commands:
            each.cls = Command
