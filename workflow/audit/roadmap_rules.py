"""Rules about a task's roadmap and its contents: one query each."""

from __future__ import annotations

from typing import Final

from core.stages import NEARLY
from roadmaps.steps.names import STAGES, RoadmapStep
from workflow.audit.kinds import Kind

_BEFORE: Final = STAGES.begins_at[RoadmapStep.CONTENT_GENERATION]

# The newest version of each content that is not hidden, as the worker counts them.
_NEWEST: Final = """
    SELECT DISTINCT ON (c.step, c.key, c.kind) c.status
    FROM parts c WHERE c.task_id = batch.task_id AND NOT c.hidden
    ORDER BY c.step, c.key, c.kind, c.version DESC
"""
_TALLY: Final = f"""
    SELECT
        (SELECT coalesce(nullif(count(*), 0), batch.total) FROM ({_NEWEST}) n) AS wanted,
        (SELECT count(*) FROM ({_NEWEST}) n WHERE n.status = 'completed') AS ready,
        (SELECT count(*) FROM ({_NEWEST}) n WHERE n.status = 'failed') AS failed
"""

ROADMAP_RULES: Final[dict[Kind, str]] = {
    Kind.ROADMAP_LINK: """
        SELECT batch.task_id, format('the task names roadmap %s, the roadmap made for it is %s',
            coalesce(batch.roadmap_id::text, 'none'), coalesce(made.roadmap_id::text, 'missing'))
        FROM batch LEFT JOIN roadmaps made ON made.task_id = batch.task_id
        WHERE batch.roadmap_id IS DISTINCT FROM made.roadmap_id
    """,
    Kind.CONTENT_RUNNING_UNATTENDED: """
        SELECT DISTINCT task_id, format('contents are running, the task is %s', batch.status)
        FROM batch JOIN parts c USING (task_id)
        WHERE c.status = 'running' AND batch.status NOT IN ('processing', 'completed')
    """,
    Kind.PROGRESS_COUNTS: f"""
        SELECT task_id, format('the row says %s of %s, the contents %s of %s',
            done, total, ready, wanted)
        FROM batch, LATERAL ({_TALLY}) tally
        WHERE (done, total) IS DISTINCT FROM (ready, wanted)
    """,
    Kind.PERCENT: f"""
        SELECT task_id, format('%s %% at %s/%s, %s of %s', percent, status, current_step, done,
            total)
        FROM batch
        WHERE percent = 'NaN' OR percent < 0 OR percent > 100
            OR (percent = 100) <> (status = 'completed')
            OR current_step = 'content_generation' AND total > 0 AND percent + 0.1 <
                least({NEARLY}, {_BEFORE} + (100 - {_BEFORE}) * done / total)
    """,
    Kind.OUTCOME_CONTRADICTS_CONTENTS: f"""
        SELECT task_id, format('%s: %s of %s contents are ready, %s failed',
            status, ready, wanted, failed)
        FROM batch, LATERAL ({_TALLY}) tally
        WHERE status = 'completed' AND ready <> wanted
            OR status = 'partial_failure' AND (failed = 0 OR ready = 0)
    """,
    Kind.CONTENT_ELSEWHERE: """
        SELECT task_id, format('content %s', c.content_id)
        FROM batch JOIN parts c USING (task_id) JOIN concepts k USING (concept_id)
        WHERE k.roadmap_id <> c.roadmap_id
    """,
    Kind.OUTLINE_MISSING: """
        SELECT batch.task_id, format('version %s', r.version)
        FROM batch JOIN roadmaps r ON r.task_id = batch.task_id
        WHERE NOT EXISTS (SELECT FROM outlines o
            WHERE o.roadmap_id = r.roadmap_id AND o.version = r.version)
    """,
    Kind.OWNER_DIFFERS: """
        SELECT batch.task_id, 'the roadmap has another owner'
        FROM batch JOIN roadmaps r ON r.task_id = batch.task_id WHERE r.user_id <> batch.user_id
        UNION
        SELECT batch.task_id, 'a notification went to somebody else'
        FROM batch JOIN notifications n ON n.task_id = batch.task_id
        WHERE n.user_id <> batch.user_id
    """,
    Kind.TIMES: """
        SELECT task_id, format('content %s ended before it began', c.content_id)
        FROM batch JOIN parts c USING (task_id)
        WHERE c.status IN ('completed', 'failed') AND c.finished_at < c.started_at
    """,
}
"""Each gives `(task_id, detail)` of those rows of `batch` (tasks) that break it."""
