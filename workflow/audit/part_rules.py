"""Rules about a task's parts and its progress: one query each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.stages import NEARLY
from workflow.audit.task_rules import names_of
from workflow.audit_rules import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workflow.definition import Definition

# The newest version of each part that is not hidden, as the worker counts them.
_NEWEST: Final = """
    SELECT DISTINCT ON (p.step, p.key, p.kind) p.step, p.status
    FROM parts p WHERE p.task_id = batch.task_id AND NOT p.hidden
    ORDER BY p.step, p.key, p.kind, p.version DESC
"""
_TALLY: Final = f"""
    SELECT coalesce(nullif(count(*), 0), batch.total) AS wanted,
        count(*) FILTER (WHERE n.status = 'completed') AS ready,
        count(*) FILTER (WHERE n.status = 'failed') AS failed
    FROM ({_NEWEST}) n
"""  # before there are rows, only the step knows how many come
_BY_STEP: Final = f"""
    SELECT count(*) AS wanted, count(*) FILTER (WHERE n.status = 'completed') AS ready
    FROM ({_NEWEST}) n GROUP BY n.step
"""  # a row counts the parts of the step that makes them, or made some last


def part_rules(known: Iterable[Definition]) -> dict[str, str]:
    """Return the rules: each gives `(task_id, detail)` of those rows of `batch` that break it.

    Args:
        known: The workflows that are known here; of others only bounds are checked.
    """
    behind = " OR ".join(
        _behind(definition, step) for definition in known for step in definition.stages.ends_at
    )
    return {
        Kind.CONTENT_RUNNING_UNATTENDED: """
            SELECT DISTINCT task_id, format('contents are running, the task is %s', batch.status)
            FROM batch JOIN parts p USING (task_id)
            WHERE p.status = 'running' AND batch.status NOT IN ('processing', 'completed')
        """,
        Kind.PROGRESS_COUNTS: f"""
            SELECT task_id, format('the row says %s of %s, the contents %s of %s',
                done, total, ready, wanted)
            FROM batch, LATERAL ({_TALLY}) tally
            WHERE (done, total) IS DISTINCT FROM (ready, wanted)
                AND (done, total) NOT IN (SELECT step.ready, step.wanted FROM ({_BY_STEP}) step)
        """,
        Kind.PERCENT: f"""
            SELECT task_id, format('%s %% at %s/%s, %s of %s', percent, status, current_step, done,
                total)
            FROM batch
            WHERE status = 'completed' AND percent < 100 OR {behind or "false"}
        """,
        Kind.OUTCOME_CONTRADICTS_CONTENTS: f"""
            SELECT task_id, format('%s: %s of %s contents are ready, %s failed',
                status, ready, wanted, failed)
            FROM batch, LATERAL ({_TALLY}) tally
            WHERE status = 'completed' AND ready <> wanted
                OR status = 'partial_failure' AND (failed = 0 OR ready = 0)
        """,
        Kind.TIMES: """
            SELECT task_id, format('content %s ended before it began', p.content_id)
            FROM batch JOIN parts p USING (task_id)
            WHERE p.status IN ('completed', 'failed') AND p.finished_at < p.started_at
        """,
    }


def _behind(definition: Definition, step: str) -> str:
    """Return the condition that a task at a step shows less than what is done there."""
    begins, ends = definition.stages.begins_at[step], definition.stages.ends_at[step]
    return (
        f"{names_of(definition)} AND current_step = '{step}' AND total > 0"
        f" AND percent + 0.1 < least({NEARLY}, {begins} + ({ends} - {begins}) * done / total)"
    )
