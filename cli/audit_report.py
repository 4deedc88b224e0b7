"""What `roadmap db check` says about an audit: as a document, and as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.hints import command
from workflow.audit import meaning_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workflow.audit import Finding, Findings, Mended

_SHOWN: Final = 5


def report(found: Findings, *, mended: Sequence[Mended], left: Sequence[Finding]) -> dict[str, Any]:
    """Return the audit as a document: counts by kind, what was mended, what is left and why."""
    return {
        "tasks": found.tasks,
        "not_named": found.counts.total() - len(found.kept),
        "counts": {str(kind): count for kind, count in found.counts.items()},
        "mended": [_finding(entry.finding) | {"did": entry.did} for entry in mended],
        "left": [
            _finding(finding)
            | {
                "means": meaning_of(finding.kind).means,
                "mended_by_repair": meaning_of(finding.kind).mended,
                "advice": meaning_of(finding.kind).advice,
            }
            for finding in left
        ],
    }


def lines(audited: dict[str, Any], *, mend: bool) -> Iterator[str]:
    """Yield the report for people, kind by kind.

    Args:
        audited: As `report` made it.
        mend: Whether a repair was asked for.
    """
    tasks = audited["tasks"]
    looked = "1 task was" if tasks == 1 else f"{tasks} tasks were"
    yield f"{looked} looked at: {_summary(audited['counts'])}."
    for entry in audited["mended"]:
        yield f"mended  {entry['kind']}  {entry['task_id']}  {entry['did']} ({entry['detail']})"
    left = audited["left"]
    for kind in dict.fromkeys(entry["kind"] for entry in left):
        of_kind = [entry for entry in left if entry["kind"] == kind]
        yield ""
        yield f"{kind}: {len(of_kind)}"
        yield f"  {of_kind[0]['means']}"
        if not mend and of_kind[0]["mended_by_repair"]:
            yield f"  --repair: {of_kind[0]['mended_by_repair']}"
        else:
            yield f"  To do: {of_kind[0]['advice']}"
        yield from (f"    {entry['task_id']}  {entry['detail']}" for entry in of_kind[:_SHOWN])
        if len(of_kind) > _SHOWN:
            yield f"    and {len(of_kind) - _SHOWN} more; --json names them all"
    if audited["not_named"]:
        yield ""
        yield f"{audited['not_named']} more are not named; see to these, then check again."
    if not mend and any(entry["mended_by_repair"] for entry in left):
        yield ""
        yield f"Mend what is safe to mend: {command('db', 'check', '--repair')}"


def _finding(finding: Finding) -> dict[str, Any]:
    return {"kind": str(finding.kind), "task_id": str(finding.key), "detail": finding.detail}


def _summary(counts: dict[str, int]) -> str:
    if not counts:
        return "nothing contradicts anything"
    findings = sum(counts.values())
    said = "1 contradiction" if findings == 1 else f"{findings} contradictions"
    return f"{said} of {len(counts)} kind{'s' if len(counts) > 1 else ''}"
