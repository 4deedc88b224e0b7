"""`python -m bench.report`: docs/BENCHMARKS.md and its picture, made of bench/results.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench import results
from bench.picture import picture
from bench.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE: Final = ROOT / "docs" / "BENCHMARKS.md"
HEAD: Final = ROOT / "bench" / "head.md"
"""What the page begins with."""
PICTURE: Final = ROOT / "docs" / "images" / "benchmarks.svg"
_OURS: Final = "roadmap-worker"
_MODES: Final = {
    "wire": "Through the wire: each call is an HTTP request to one model's server",
    "sleep": "The model is not there: each call is a wait of 50 ms",
    "sample": "Our sample author, who writes his texts himself",
}
_MODULES: Final = 20
_QUICK: Final = (
    "These figures are of one short round (`--quick`) beside other work: they show the order of"
    " things, and no more."
)


def page(found: Mapping[str, Any]) -> str:
    """Return the page."""
    machine = {"cores": "?", "python": "?", "at": "?"} | found.get("machine", {})
    quick = f"\n{_QUICK}\n" if machine.get("quick") else ""
    parts = [
        HEAD.read_text("utf-8").format(**machine) + quick,
        *_contestants(found),
        *_profile(found.get("profile", [])),
        *_growth(found["growth"]),
        *_rest(found),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _contestants(found: Mapping[str, Any]) -> Iterator[str]:
    ratios = found.get("ratios", {})
    for mode, title in _MODES.items():
        rows = {
            name: figures
            for name, figures in found["contestants"].items()
            if name.endswith(f", {mode}")
        }
        if not rows:
            continue
        yield f"## {title}\n"
        yield (
            "| | jobs a second | CPU ms a job | PostgreSQL | Redis | MB | connections |"
            " our jobs, times theirs | our CPU, times theirs |"
        )
        yield "| --- " * 9 + "|"
        for name, figures in rows.items():
            shown = name.rpartition(", ")[0]
            told = [
                f"**{shown}**" if shown == _OURS else shown,
                f"{figures['jobs_s']:.1f}",
                f"{figures['cpu_ms']:.1f}",
                f"{figures['pg_cpu_ms']:.1f}",
                f"{figures['redis_cpu_ms']:.2f}",
                f"{figures['mb']:.0f}",
                f"{figures['connections']:.0f}",
                _range(ratios.get(name, {}).get("jobs_s")),
                _range(ratios.get(name, {}).get("cpu_ms")),
            ]
            yield f"| {' | '.join(told)} |"
        yield ""
    if ratios:
        yield "Figures are medians of the rounds; ratios their least, median and most.\n"


def _range(ratio: Mapping[str, float] | None) -> str:
    if not ratio:
        return ""
    return f"{ratio['min']:.2f} · {ratio['median']:.2f} · {ratio['max']:.2f}"


def _profile(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    yield "## Where a job's time goes\n"
    yield (
        "The event loop of a worker of ours, looked at 500 times a second while it did jobs"
        " through the wire. A moment in a library counts for the module of ours that called it.\n"
    )
    yield "| module | share | CPU ms a job |"
    yield "| --- | --- | --- |"
    for row in rows[:_MODULES]:
        yield f"| `{row['where']}` | {row['share']:.1%} | {row['cpu_ms']:.2f} |"
    rest = rows[_MODULES:]
    if rest:
        share, cpu = (sum(row[name] for row in rest) for name in ("share", "cpu_ms"))
        yield f"| {len(rest)} others | {share:.1%} | {cpu:.2f} |"
    yield ""


def _growth(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    yield "## Growth\n"
    yield (
        "One roadmap of so many contents; what a content costs, and what reading the task and the"
        " whole tree take while it runs, at its half.\n"
    )
    yield "| contents | worker CPU ms a content | PostgreSQL | `GET /tasks/{id}` ms | tree ms |"
    yield "| --- " * 5 + "|"
    for row in rows:
        # a small one is over before anybody can read it at its half
        read = [f"{row[name]:.1f}" if row[name] else "–" for name in ("get_task_ms", "tree_ms")]  # noqa: RUF001 - for people
        yield (
            f"| {row['contents']:,} | {row['cpu_ms']:.2f} | {row['pg_cpu_ms']:.2f} |"
            f" {read[0]} | {read[1]} |"
        )
    yield ""


def _rest(found: Mapping[str, Any]) -> Iterator[str]:
    if viewers := found["viewers"]:
        yield "## Viewers\n"
        yield "One API process; lateness is from the commit to the viewer's socket.\n"
        yield "| viewers | events a second, each | late ms p50 | p99 | API CPU µs an event |"
        yield "| --- " * 5 + "|"
        for row in viewers.values():
            late = row["late_ms"]
            yield (
                f"| {row['viewers']:,} | {row['events_s']} | {late['p50']:.0f} |"
                f" {late['p99']:.0f} | {row['api_cpu_us']:.0f} |"
            )
        yield ""
    if latency := found["latency"]:
        yield "## Latency\n"
        begun, seen = latency["task_started_ms"], latency["seen_ms"]
        yield (
            f"From `POST /tasks` on an idle stack to `task_started`: {begun['p50']:.0f} ms (p50),"
            f" {begun['p99']:.0f} ms (p99); seen by whoever follows the task after"
            f" {seen['p50']:.0f} ms and {seen['p99']:.0f} ms."
        )


def main() -> None:
    """Write page and picture."""
    found = results.read()
    PAGE.write_text(page(found), "utf-8")
    PICTURE.write_text(picture(found["contestants"]), "utf-8")
    print(f"{PAGE} and {PICTURE}")


if __name__ == "__main__":
    main()
