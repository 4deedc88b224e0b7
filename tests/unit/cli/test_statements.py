"""SQL taken apart at its semicolons."""

from __future__ import annotations

import pytest

from cli.statements import statements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        ("select 1;;\n -- nothing; here\n;", ["select 1"]),
        ("select ';' ; select \";\" from x", ["select ';'", 'select ";" from x']),
        (r"select E'\';'; select 'a'';'", [r"select E'\';'", "select 'a'';'"]),
        ("do $a$ begin; $$;$$ end $a$; select 1", ["do $a$ begin; $$;$$ end $a$", "select 1"]),
        ("select 1 /* ; /* ; */ ; */; select $1", ["select 1 /* ; /* ; */ ; */", "select $1"]),
        ("select 'open; select", ["select 'open", "select"]),
        ("/* only */", []),
        ("", []),
    ],
)
def test_only_semicolons_between_statements_part_them(text: str, expected: list[str]) -> None:
    """Strings, names, comments and function bodies keep theirs."""
    assert statements(text) == expected
