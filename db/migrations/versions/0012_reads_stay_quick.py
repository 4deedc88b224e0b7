"""What a task's resource shows is counted as it is written, and what waits is found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# of contents whose newest version failed, as the rows are counted from now on
_COUNT_FAILED = """
    UPDATE roadmap_tasks task SET failures = counted.failures
    FROM (
        SELECT roadmap_id, count(*) AS failures
        FROM contents c JOIN concepts USING (concept_id, roadmap_id)
        WHERE status = 'failed' AND NOT removed AND NOT EXISTS (
            SELECT FROM contents newer WHERE newer.concept_id = c.concept_id
            AND newer.kind = c.kind AND newer.version > c.version)
        GROUP BY roadmap_id
    ) counted
    WHERE task.roadmap_id = counted.roadmap_id
"""


def upgrade() -> None:
    op.add_column(
        "roadmap_tasks", sa.Column("failures", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column(
        "roadmap_tasks", sa.Column("step_began_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "roadmap_tasks", sa.Column("step_ended", sa.Integer(), server_default="0", nullable=False)
    )
    op.create_index(
        "ix_contents_failed",
        "contents",
        ["roadmap_id", "concept_id", "kind"],
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.execute(_COUNT_FAILED)
    op.create_index(
        "ix_task_events_steps",
        "task_events",
        ["task_id", "seq"],
        postgresql_where=sa.text("type IN ('step_started', 'review_required', 'review_decided')"),
    )
    op.create_index(
        "ix_task_events_retried",
        "task_events",
        ["task_id", "created_at"],
        postgresql_where=sa.text("type = 'task_retried'"),
    )
    op.create_index(
        "ix_roadmap_tasks_completed",
        "roadmap_tasks",
        ["task_id"],
        postgresql_where=sa.text("status = 'completed'"),
    )
    op.create_index(
        "ix_roadmap_tasks_waiting",
        "roadmap_tasks",
        ["user_id", "created_at", "task_id"],
        postgresql_where=sa.text("status = 'pending'"),
    )


def downgrade() -> None:
    op.drop_index("ix_roadmap_tasks_waiting", table_name="roadmap_tasks")
    op.drop_index("ix_roadmap_tasks_completed", table_name="roadmap_tasks")
    op.drop_index("ix_task_events_retried", table_name="task_events")
    op.drop_index("ix_task_events_steps", table_name="task_events")
    op.drop_index("ix_contents_failed", table_name="contents")
    op.drop_column("roadmap_tasks", "step_ended")
    op.drop_column("roadmap_tasks", "step_began_at")
    op.drop_column("roadmap_tasks", "failures")
