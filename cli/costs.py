"""What a task cost, in words."""

from __future__ import annotations

from typing import Any, Final

_SMALL: Final = 0.1


def cost_line(usage: dict[str, Any]) -> str:
    """Return one line about calls, tokens and, where prices are known, money."""
    calls, tokens = usage.get("calls", 0), usage.get("tokens", 0)
    said = f"{calls:,} model call{'' if calls == 1 else 's'}, {tokens:,} tokens"
    cost = usage.get("cost")
    return said if cost is None else f"{said}, {dollars(float(cost))}"


def dollars(cost: float) -> str:
    """Return an amount with as many digits as it needs to say something."""
    return f"${cost:.4f}" if cost < _SMALL else f"${cost:,.2f}"


def cost_table(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a task's usage as rows of a step and what it took, the sum last."""
    rows = []
    for step in report.get("steps", ()):
        name = str(step["step"]).replace("_", " ")
        rows.append((f"{name} ({step['round']})" if step["round"] > 1 else name, cost_line(step)))
    limit = report.get("token_limit")
    total = cost_line(report["total"]) + (f" of {limit:,} tokens allowed" if limit else "")
    return [*rows, ("in all", total)]
