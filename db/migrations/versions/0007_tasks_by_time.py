"""Lists of tasks in the order in which they were made: other programs choose ids as they like."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_roadmap_tasks_created_at", "roadmap_tasks", ["created_at", "task_id"])
    op.create_index(
        "ix_roadmap_tasks_user_id_created_at", "roadmap_tasks", ["user_id", "created_at", "task_id"]
    )
    op.drop_index("ix_roadmap_tasks_user_id_task_id", table_name="roadmap_tasks")


def downgrade() -> None:
    op.create_index("ix_roadmap_tasks_user_id_task_id", "roadmap_tasks", ["user_id", "task_id"])
    op.drop_index("ix_roadmap_tasks_user_id_created_at", table_name="roadmap_tasks")
    op.drop_index("ix_roadmap_tasks_created_at", table_name="roadmap_tasks")
