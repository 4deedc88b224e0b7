"""Draws what a job costs on each contestant: bars of CPU, by hand, so that it needs no library."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WIDTH: Final = 860
_LEFT: Final = 300
_ROW: Final = 24
_BAR: Final = 15
_PARTS: Final = (("cpu_ms", "#3b6ea8"), ("pg_cpu_ms", "#c9853b"), ("redis_cpu_ms", "#b0455a"))
_LABELS: Final = {"cpu_ms": "worker", "pg_cpu_ms": "PostgreSQL", "redis_cpu_ms": "Redis"}
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1f2430}.h{font-weight:600}.m{fill:#5b6372}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e8ee}.m{fill:#a4abb9}}"
)


def picture(contestants: Mapping[str, Mapping[str, float]]) -> str:
    """Return an SVG of the contestants' CPU per job, through the wire and with a model that waits.

    Args:
        contestants: As in results.json.
    """
    lines: list[str] = []
    y = 22
    for mode, title in (
        ("wire", "CPU ms of a job of 48 calls, each an HTTP request"),
        ("sleep", "The same, when the model is not there: a wait of 50 ms"),
    ):
        rows = sorted(
            (
                (name.rpartition(", ")[0], figures)
                for name, figures in contestants.items()
                if name.endswith(f", {mode}")
            ),
            key=lambda row: _sum(row[1]),
        )
        if not rows:
            continue
        lines.append(f'<text class="h" x="0" y="{y}">{title}</text>')
        most = max(_sum(figures) for _, figures in rows)
        for name, figures in rows:
            y += _ROW
            lines += _row(name, figures, y=y, most=most)
        y += 2 * _ROW
    lines += _legend(y)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 12}" role="img" '
        'aria-label="CPU of a job on each contestant">'
        f"<style>{_STYLE}</style>{''.join(lines)}</svg>\n"
    )


def _sum(figures: Mapping[str, Any]) -> float:
    return sum(float(figures[part]) for part, _ in _PARTS)


def _row(name: str, figures: Mapping[str, float], *, y: int, most: float) -> Iterator[str]:
    weight = ' class="h"' if name == "roadmap-worker" else ""
    yield f'<text{weight} x="{_LEFT - 10}" y="{y}" text-anchor="end">{escape(name)}</text>'
    x = float(_LEFT)
    scale = (_WIDTH - _LEFT - 190) / most
    for part, colour in _PARTS:
        wide = figures[part] * scale
        yield (
            f'<rect x="{x:.1f}" y="{y - 12}" width="{max(wide, 0.5):.1f}" height="{_BAR}" '
            f'fill="{colour}"/>'
        )
        x += wide
    told = f"{_sum(figures):.0f} ms, {figures['jobs_s']:.1f} jobs/s"
    yield f'<text class="m" x="{x + 8:.1f}" y="{y}">{told}</text>'


def _legend(y: int) -> Iterator[str]:
    x = _LEFT
    for part, colour in _PARTS:
        yield f'<rect x="{x}" y="{y - 11}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="{y}">{_LABELS[part]}</text>'
        x += 120
