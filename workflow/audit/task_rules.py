"""Rules about a task's row, its event log, its reviews and checkpoints: one query each.

What a CHECK constraint of one row refuses is not looked for again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.states import TERMINAL, Status, pairs_check_sql
from notifications.events import TERMINAL_EVENTS
from workflow.audit_rules import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workflow.definition import Definition

_ENDED: Final = ", ".join(f"'{status}'" for status in sorted(TERMINAL))
_ENDINGS: Final = ", ".join(f"'{event}'" for event in sorted(TERMINAL_EVENTS))


def names_of(definition: Definition) -> str:
    """Return the condition that a task has this definition's steps; earlier versions had others."""
    versions = (each for each in definition.known_versions if definition.reads(each))
    return (
        f"workflow = '{definition.name}'"
        f" AND workflow_version IN ({', '.join(str(each) for each in sorted(versions))})"
    )


def pair_rule(known: Iterable[Definition]) -> dict[str, str]:
    """Return the rule on status and step: names are known of the workflows that are known here."""
    strangers = "".join(
        f" OR {names_of(definition)} AND status = '{status}' AND current_step"
        f" <> ALL (ARRAY[{_quoted(definition.stages.legal_steps(status))}]::text[])"
        for definition in known
        for status in Status
    )
    return {
        Kind.ILLEGAL_PAIR: f"""
            SELECT task_id, status || '/' || current_step FROM batch
            WHERE NOT ({pairs_check_sql()}){strangers}
        """
    }


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


TASK_RULES: Final[dict[str, str]] = {
    Kind.LAST_SEQ_BEHIND: """
        SELECT task_id, format('the row says %s, the log has %s', last_seq, log.last)
        FROM batch, LATERAL (
            SELECT max(seq) AS last FROM task_events e WHERE e.task_id = batch.task_id
        ) log WHERE last_seq < log.last
    """,
    Kind.LEASE_ON_IDLE_TASK: """
        SELECT task_id, format('%s, held by %s', status, coalesce(lease_owner, 'nobody'))
        FROM batch
        WHERE status <> 'processing' AND lease_owner IS NOT NULL
    """,
    Kind.LEASE_BROKEN: """
        SELECT task_id, format('owner %s, until %s', lease_owner, lease_until) FROM batch
        WHERE status = 'processing' AND (
            (lease_owner IS NULL) <> (lease_until IS NULL)
            OR lease_until > clock_timestamp() + :longest_lease)
    """,
    Kind.WORKER_SILENT: """
        SELECT task_id, format('%s is silent since %s', lease_owner, lease_until) FROM batch
        WHERE status = 'processing' AND lease_owner IS NOT NULL
            AND lease_until < clock_timestamp() - interval '5 minutes'
    """,
    Kind.REVIEW_STRAY: """
        SELECT task_id, format('round %s is open, the task is %s', r.round, batch.status)
        FROM batch CROSS JOIN LATERAL (
            SELECT round FROM reviews o
            WHERE o.task_id = batch.task_id AND o.status = 'open' LIMIT 1
        ) r
        WHERE batch.status <> 'human_review_pending'
    """,
    Kind.REVIEW_MISSING: """
        SELECT task_id, 'no review is open' FROM batch LEFT JOIN LATERAL (
            SELECT round FROM reviews o
            WHERE o.task_id = batch.task_id AND o.status = 'open' LIMIT 1
        ) r ON true
        WHERE batch.status = 'human_review_pending' AND r.round IS NULL
    """,
    Kind.WAITING_LONG: """
        SELECT task_id, format('%s, last rung at %s', status, coalesce(rung_at, created_at))
        FROM batch
        WHERE status IN ('pending', 'processing') AND lease_owner IS NULL AND lease_until IS NULL
            AND coalesce(rung_at, created_at) < clock_timestamp() - interval '1 hour'
    """,
    # All events gone is what retention leaves of a task that ended long ago; after that only a
    # retry begins a log that does not begin with 1.
    Kind.SEQ_GAP: f"""
        SELECT task_id, format('%s events, %s to %s; the row says %s', n, first, last, last_seq)
        FROM batch, LATERAL (
            SELECT count(*) AS n, min(seq) AS first, max(seq) AS last,
                (array_agg(type ORDER BY seq))[1] AS opening
            FROM task_events e WHERE e.task_id = batch.task_id
        ) log
        WHERE CASE WHEN n = 0 THEN NOT (status IN ({_ENDED}) AND finished_at < :purged_before)
            ELSE last - first + 1 <> n OR last < last_seq
                OR first > 1 AND opening <> 'task_retried' END
    """,
    Kind.LOG_CONTRADICTS_ROW: f"""
        SELECT batch.task_id, format('the row is %s/%s, event %s (%s) tells %s/%s', status,
            current_step, seq, type, payload ->> 'status', payload ->> 'current_step')
        FROM batch, LATERAL (
            SELECT * FROM task_events e WHERE e.task_id = batch.task_id ORDER BY seq DESC LIMIT 1
        ) newest
        WHERE NOT (status = 'processing' AND recovered) AND (
            payload ->> 'status' IS DISTINCT FROM status
            OR status <> 'processing' AND payload ->> 'current_step' IS DISTINCT FROM current_step
            OR (type IN ({_ENDINGS})) <> (status IN ({_ENDED})))
    """,
    Kind.CHECKPOINT_GAP: """
        SELECT task_id, format('%s checkpoints, %s to %s', count(*), min(position), max(position))
        FROM batch JOIN checkpoints c USING (task_id) GROUP BY task_id
        HAVING min(position) <> 1 OR max(position) <> count(*)
    """,
    Kind.COUNTERS: """
        SELECT task_id, format('epoch %s, attempt %s, losses %s, calls %s, tokens %s',
            epoch, attempt, losses, calls, tokens)
        FROM batch, LATERAL (
            SELECT count(*) FILTER (WHERE type = 'task_retried') AS retries, min(seq) AS first
            FROM task_events e WHERE e.task_id = batch.task_id
        ) log
        WHERE epoch < 0 OR epoch = 0 AND started_at IS NOT NULL OR attempt < 1 OR losses < 0
            OR calls < 0 OR tokens < 0 OR first = 1 AND attempt <> 1 + retries
    """,
    Kind.TIMES: """
        SELECT task_id, 'created, started, finished or updated in the wrong order' FROM batch
        WHERE started_at < created_at OR finished_at < coalesce(started_at, created_at)
            OR updated_at < created_at OR greatest(created_at, started_at, finished_at, updated_at,
                rung_at) > clock_timestamp() + interval '1 minute'
        UNION ALL
        SELECT task_id, format('event %s is older than the one before it', seq) FROM (
            SELECT e.task_id, e.seq, e.created_at,
                lag(e.created_at) OVER (PARTITION BY e.task_id ORDER BY e.seq) AS before
            FROM batch JOIN task_events e USING (task_id)
        ) log WHERE created_at < before
        UNION ALL
        SELECT task_id, format('review round %s', round) FROM batch JOIN reviews r USING (task_id)
        WHERE r.due_at < r.created_at OR r.decided_at < r.created_at OR r.reminded_at < r.created_at
    """,
    Kind.OWNER_DIFFERS: """
        SELECT batch.task_id, 'a notification went to somebody else'
        FROM batch JOIN notifications n ON n.task_id = batch.task_id
        WHERE n.user_id <> batch.user_id
    """,
    Kind.REVIEW_SHAPE: """
        SELECT task_id, format('round %s is %s with decision %s', round, r.status,
            coalesce(decision, 'none'))
        FROM batch JOIN reviews r USING (task_id)
        WHERE decision = 'reject' AND coalesce(feedback, '') = ''
            OR (decision IS NOT DISTINCT FROM 'edit') <> (edits IS NOT NULL)
    """,
}
"""Each gives `(task_id, detail)` of those rows of `batch` (tasks) that break it."""
