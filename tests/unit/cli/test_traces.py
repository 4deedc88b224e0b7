"""`roadmap show` prints what an author's code raised."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from cli.show_task import _print_traces


def test_a_traceback_is_printed_once_with_all_it_was_raised_in() -> None:
    """Parts that failed alike share it; what others may not see (no `trace`) prints nothing."""
    trace = 'Traceback (most recent call last):\n  File "flows.py", line 7, in draw\nValueError: no'
    failed: list[dict[str, Any]] = [
        {"step": "draw", "key": key, "kind": "draw", "trace": trace} for key in ("a", "b")
    ]
    console = Console(file=io.StringIO(), width=40)
    _print_traces(console, {"error": {"step": "draw", "code": "x"}, "failed_contents": failed})
    printed = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert printed.count("flows.py") == 1
    assert "draw/a, draw/b:" in printed
    assert "ValueError: no" in printed
    _print_traces(console, {"error": {"step": "sum_up", "trace": trace}, "failed_contents": []})
    assert "sum_up:" in console.file.getvalue()  # type: ignore[attr-defined]  # ditto
    console.file = io.StringIO()
    _print_traces(console, {"error": None, "failed_contents": [{"step": "draw", "key": "a"}]})
    assert console.file.getvalue() == ""
